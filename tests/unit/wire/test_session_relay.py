"""Packets of other sessions, as relays and their guests send them: sealed at once, beside all that a session queues."""

from __future__ import annotations

from session_link import A_UDP, B_UDP, session_pair

from mesh99.wire.frames import RELAYED_PACKET_BYTES_MAX, Relayed, Rpc, decode, encode_relayed
from mesh99.wire.session import Session


def carried(sender: Session, receiver: Session, packet: bytes, circuit: int = 7) -> bool:
    sealed = sender.relay(circuit, packet, 0.0)
    return sealed is not None and receiver.receive(sealed[0], A_UDP, 0.0)


def test_a_packet_of_another_session_leaves_at_once_and_arrives_as_it_was() -> None:
    a, b = session_pair()
    for size in (1, 60, RELAYED_PACKET_BYTES_MAX):
        sealed = a.relay(7, bytes(size), 0.0)
        assert sealed is not None
        packet, destination = sealed
        assert destination == B_UDP
        assert len(packet) <= 1200
        assert b.receive(packet, A_UDP, 0.0)
    assert b.nat == [Relayed(7, bytes(size)) for size in (1, 60, RELAYED_PACKET_BYTES_MAX)]
    assert not a.wants_to_send


def test_it_passes_what_waits_for_a_window() -> None:
    a, b = session_pair()
    a.send_message(bytes(10_000_000))
    a.take_packets(0.0)
    assert carried(a, b, b"packet")
    assert b.nat == [Relayed(7, b"packet")]


def test_one_that_does_not_fit_and_one_for_a_session_that_is_over_are_lost_and_counted() -> None:
    a, _ = session_pair()
    assert a.relay(7, bytes(RELAYED_PACKET_BYTES_MAX + 1), 0.0) is None
    a.close("done")
    assert a.relay(7, b"packet", 0.0) is None
    assert a.dropped == {"relayed: no room": 2}


def test_a_session_at_rest_takes_its_ciphers_back() -> None:
    a, b = session_pair()
    a.rest()
    assert carried(a, b, b"packet")
    a.rest()
    assert carried(a, b, b"another")


def test_it_is_read_in_company_too() -> None:
    request = b"\x04\x00\x02hi"
    assert decode(encode_relayed(3, b"xy") + request) == [Relayed(3, b"xy"), Rpc(b"hi")]
    assert decode(request + encode_relayed(3, b"xy")) == [Rpc(b"hi"), Relayed(3, b"xy")]
