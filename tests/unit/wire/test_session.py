"""Two sessions and a link between them."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from session_link import A_UDP, B_TCP, B_UDP, Link, session_pair

from mesh99.wire import frames
from mesh99.wire.cipher import SEAL_BYTES
from mesh99.wire.cipher_shelf import CipherShelf
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import PayloadTooLarge
from mesh99.wire.packet import STREAM_PACKET_BYTES
from mesh99.wire.recovery import INITIAL_RTT_S, PROBE_TIMEOUT_S_MAX
from mesh99.wire.session import Session
from mesh99.wire.session_config import SessionConfig

ELSEWHERE = Endpoint("udp", "198.51.100.9", 4444)


def handed_over(sender: Session, receiver: Session, now: float = 0.0, source: Endpoint = A_UDP) -> int:
    packets = sender.take_packets(now)
    for packet, _ in packets:
        assert receiver.receive(packet, source, now)
    return len(packets)


def sealed(session: Session, *parts: bytes, now: float = 0.0) -> bytes:
    """Seal frames of a session's peer that its code would never write."""
    return session._sealing.seal(b"".join(parts), now)


# messages


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("cipher", ["chacha20poly1305", "aes256gcm"])
def test_messages_of_all_sizes_arrive(transport: str, cipher: str) -> None:
    a, b = session_pair(transport, cipher=cipher)
    sent = [b"", b"x", bytes(1200), bytes(65_536), b"after"]
    for message in sent:
        a.send_message(message)
    link = Link(a, b)
    link.run(lambda: link.delivered(sent, b))
    assert link.received[b] == sent
    link.settle()
    assert a.queued_bytes == 0
    assert (a.dropped, b.dropped) == ({}, {})


def test_a_large_message_takes_the_bulk_lane_and_lets_small_ones_pass() -> None:
    a, b = session_pair()
    large = bytes(3_000_000)
    a.send_message(large)
    link = Link(a, b)
    link.run(lambda: b.rx_bytes > 100_000)
    a.send_message(b"small")
    link.run(lambda: link.delivered([large, b"small"], b))
    assert link.received[b] == [b"small", large]


def test_many_messages_share_a_packet() -> None:
    a, b = session_pair("tcp")
    for n in range(200):
        a.send_message(b"%d" % n)
    assert handed_over(a, b) == 1
    assert b.messages == [b"%d" % n for n in range(200)]
    a, b = session_pair("udp")
    for n in range(20):
        a.send_message(b"%d" % n)
    assert handed_over(a, b) == 1


def test_packets_keep_their_size() -> None:
    for transport, size_max in (("udp", 1200), ("tcp", STREAM_PACKET_BYTES)):
        a, b = session_pair(transport)
        a.send_message(bytes(500_000))
        for n in range(300):
            a.send_message(bytes(n))
            a.send_rpc(bytes(n * 3))
            a.ping(0.0)
        link = Link(a, b)
        link.settle()
        sizes = [len(packet) for _, packet, _ in link.carried]
        assert max(sizes) <= size_max
        assert max(sizes) > size_max - 100
        assert len(link.received[b]) == 301


def test_requests_are_whole_unacknowledged_and_not_repeated() -> None:
    a, b = session_pair()
    a.send_rpc(b"lost")
    assert len(a.take_packets(0.0)) == 1
    a.send_rpc(b"kept")
    handed_over(a, b)
    assert b.rpcs == [b"kept"]
    assert b.take_packets(1.0) == []
    a.handle_timeout(100.0)
    assert a.take_packets(100.0) == []
    with pytest.raises(PayloadTooLarge):
        a.send_rpc(bytes(1151))


def test_a_largest_request_fits_beside_an_acknowledgement() -> None:
    a, b = session_pair()
    b.send_message(b"m")
    handed_over(b, a, source=B_UDP)
    a.send_rpc(bytes(1150))
    packets = a.take_packets(0.0)
    assert [len(packet) <= 1200 for packet, _ in packets] == [True] * len(packets)
    for packet, _ in packets:
        b.receive(packet, A_UDP, 0.0)
    assert b.rpcs == [bytes(1150)]


# time


def test_an_idle_session_waits_for_nothing() -> None:
    a, b = session_pair()
    assert a.next_timeout() is None
    a.send_message(b"x")
    Link(a, b).settle()
    assert (a.next_timeout(), b.next_timeout()) == (None, None)
    assert not a.wants_to_send


def test_an_exchange_costs_few_packets_and_idleness_none() -> None:
    a, b = session_pair()
    link = Link(a, b)
    a.send_message(b"question")
    link.run(lambda: link.received[b] != [])
    b.send_message(b"answer")
    link.run(lambda: link.received[a] != [])
    link.settle()
    assert len(link.carried) == 3, "question, answer with an acknowledgement, acknowledgement"
    link.now += 3600.0
    link.settle()
    assert len(link.carried) == 3


def test_a_probe_follows_silence_and_gets_rarer() -> None:
    a, _ = session_pair()
    a.send_message(b"x")
    a.take_packets(0.0)
    moments = []
    for _ in range(5):
        due = a.next_timeout()
        assert due is not None
        a.handle_timeout(due)
        assert len(a.take_packets(due)) == 1
        moments.append(due)
    gaps = [later - earlier for earlier, later in itertools.pairwise([0.0, *moments])]
    assert gaps == pytest.approx([2 * INITIAL_RTT_S, 4 * INITIAL_RTT_S, *[PROBE_TIMEOUT_S_MAX] * 3])


def test_a_burst_ends_and_goes_on_in_the_next_turn() -> None:
    a, b = session_pair(config=SessionConfig(burst_packets_max=4))
    a.send_message(bytes(9000))
    assert handed_over(a, b) == 4
    assert a.next_timeout() == 0.0
    a.handle_timeout(0.0)
    assert handed_over(a, b) == 4
    assert b.messages == [bytes(9000)]


def test_the_congestion_window_bounds_what_is_under_way() -> None:
    a, _b = session_pair()
    a.send_message(bytes(1_000_000))
    under_way = 0
    for _ in range(100):
        under_way += sum(len(packet) for packet, _ in a.take_packets(0.0))
        a.handle_timeout(0.0)
    assert under_way <= 11 * 1200


def test_ciphers_rest_when_others_need_their_place_and_wake_up() -> None:
    a, b = session_pair()
    link = Link(a, b)
    shelf = CipherShelf(1, 1)
    a._shelf = shelf
    a.send_message(b"x")
    link.settle()
    assert a._sealing._aead is not None
    other, _ = session_pair()
    shelf.add(other, quiet=True)
    assert a._sealing._aead is not None, (
        "a session that carries messages does not give way to one that does not"
    )
    shelf.add(other, quiet=False)
    assert a._sealing._aead is None
    assert a._opening._aead is None
    b.send_message(b"y")
    link.run(lambda: link.received[a] == [b"y"])
    assert a._opening._aead is not None


def test_a_proof_confirms_and_asks_for_nothing() -> None:
    a, b = session_pair()
    link = Link(a, b)
    a.prove()
    link.settle()
    assert b.confirmed
    assert not a.confirmed
    assert b.take_packets(link.now) == []


# pings


def test_a_ping_is_measured() -> None:
    a, b = session_pair()
    times: list[float] = []
    a.on_pong = times.append
    link = Link(a, b, delay_s=0.03)
    a.ping(0.0)
    link.run(lambda: times != [])
    assert times == pytest.approx([0.06])
    assert a.rtt_s == pytest.approx(0.06)
    assert b.rtt_s is None


def test_a_flood_of_pings_is_answered_within_bounds() -> None:
    a, b = session_pair("tcp")
    b.receive(sealed(a, frames.TOKEN_FRAME.pack(frames.PING, b"12345678") * 500), b.path, 0.0)
    ((answer, _),) = b.take_packets(0.0)
    assert len(answer) < 700


# bad packets


def test_packets_cut_or_flipped_change_nothing_but_a_counter() -> None:
    a, b = session_pair()
    a.send_message(b"hello")
    ((packet, _),) = a.take_packets(0.0)
    forged = [packet[:size] for size in range(len(packet))]
    for bit in range(len(packet) * 8):
        changed = bytearray(packet)
        changed[bit // 8] ^= 1 << bit % 8
        forged.append(bytes(changed))
    for count, bad in enumerate(forged, 1):
        assert not b.receive(bad, ELSEWHERE, 1.0)
        assert sum(b.dropped.values()) == count
    assert b.take_packets(1.0) == []
    assert (b.rx_bytes, b.last_receive, b.confirmed, b.messages, b.closed) == (0, 0.0, False, [], None)
    assert b.receive(packet, A_UDP, 1.0)
    assert b.messages == [b"hello"]


def test_a_replay_changes_nothing_but_a_counter() -> None:
    a, b = session_pair()
    a.send_rpc(b"once")
    ((packet, _),) = a.take_packets(0.0)
    assert b.receive(packet, A_UDP, 0.0)
    assert not b.receive(packet, ELSEWHERE, 0.0)
    assert b.dropped == {"data: replayed": 1}
    assert b.rpcs == [b"once"]
    assert b.take_packets(0.0) == []


def test_a_packet_of_another_session_does_not_open() -> None:
    a, _b = session_pair()
    assert not a.receive(sealed(a, b"\x00"), B_UDP, 0.0)
    assert a.dropped == {"data: does not open": 1}


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\xff",
        frames.STREAM_HEAD.pack(frames.STREAM, 0, 1 << 40, 1) + b"x",
        frames.STREAM_HEAD.pack(frames.STREAM, 0, 0, 4) + b"\xff\xff\xff\xff",
        frames.encode_ack(0.0, [(0, 1000)]),
    ],
)
def test_a_peer_that_breaks_the_rules_is_left(nonsense: bytes) -> None:
    a, b = session_pair()
    assert not b.receive(sealed(a, nonsense), A_UDP, 0.0)
    assert b.closed == "protocol error"
    assert sum(b.dropped.values()) == 1
    handed_over(b, a, source=B_UDP)
    assert a.closed == "protocol error"


# the end


def test_goodbye_is_said_once_and_heard() -> None:
    a, b = session_pair()
    a.close("shutdown")
    assert handed_over(a, b) == 1
    assert (a.closed, b.closed) == ("shutdown", "shutdown")
    assert a.take_packets(0.0) == []
    assert b.take_packets(0.0) == []
    assert not b.receive(sealed(a, b"\x00"), A_UDP, 0.0)
    assert b.dropped == {"data: session is closed": 1}


# keys


def test_keys_move_on_with_time_while_messages_flow() -> None:
    a, b = session_pair()
    link = Link(a, b)
    sent = []
    for n in range(12):
        link.now += 50.0
        sent.append(b"%d" % n)
        a.send_message(sent[-1])
        link.settle()
    assert link.received[b] == sent
    assert {packet[0] & 31 for sender, packet, _ in link.carried if sender is a} >= {0, 1, 2, 3}
    assert (a.dropped, b.dropped) == ({}, {})


def test_flow_control_holds_the_sender_until_the_window_opens() -> None:
    config = SessionConfig(window_bytes=frames.LANE_CREDIT_BYTES)
    a, b = session_pair("tcp", config=config)
    a.send_message(bytes(3 * frames.LANE_CREDIT_BYTES))
    first = a.take_packets(0.0)
    payload = sum(len(packet) - SEAL_BYTES - frames.STREAM_HEAD.size for packet, _ in first)
    assert payload == frames.LANE_CREDIT_BYTES
    assert a.take_packets(0.0) == []
    for packet, _ in first:
        b.receive(packet, A_UDP._replace(transport="tcp"), 0.0)
    handed_over(b, a, source=B_TCP)
    assert a.take_packets(0.0) != []


def test_windows_may_differ_between_peers() -> None:
    small = SessionConfig(window_bytes=frames.LANE_CREDIT_BYTES)
    a, b = session_pair()
    b._lanes._config = replace(small)
    sent = [bytes(5_000_000)]
    a.send_message(sent[0])
    link = Link(a, b)
    link.run(lambda: link.delivered(sent, b))
    assert a.closed is None


def test_the_sender_is_told_when_little_is_queued_again() -> None:
    a, b = session_pair("tcp")
    told: list[int] = []
    a.on_drained = lambda: told.append(a.queued_bytes)
    a.send_message(bytes(4_000_000))
    Link(a, b).settle()
    assert told
    assert all(queued <= SessionConfig().drained_bytes for queued in told)


def test_a_session_that_does_not_read_stops_its_peer_and_goes_on_later() -> None:
    a, b = session_pair("tcp")
    b.read(False)
    sent = [bytes(60_000) for _ in range(60)]
    for message in sent:
        a.send_message(message)
    link = Link(a, b)
    link.settle()
    assert len(link.received[b]) == frames.LANE_CREDIT_BYTES // 60_004
    b.read(True)
    assert b.wants_to_send
    link.run(lambda: link.delivered(sent, b))
    assert link.received[b] == sent
