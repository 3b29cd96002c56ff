"""Sessions that change their path: new addresses, TCP and back."""

from __future__ import annotations

from session_link import A_UDP, B_TCP, B_UDP, Link, session_pair

from mesh99.wire import frames
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.path_challenge import CHALLENGE_PACKET_BYTES
from mesh99.wire.session import Session

ELSEWHERE = Endpoint("udp", "198.51.100.9", 4444)


def handed_over(sender: Session, receiver: Session, now: float = 0.0) -> None:
    for packet, _ in sender.take_packets(now):
        assert receiver.receive(packet, A_UDP, now)


def sealed(session: Session, *parts: bytes) -> bytes:
    """Seal frames of a session's peer that its code would never write."""
    return session._sealing.seal(b"".join(parts), 0.0)


def test_a_path_moves_only_after_the_challenge() -> None:
    a, b = session_pair()
    link = Link(a, b)
    a.send_message(b"one")
    link.settle()
    link.a_udp = ELSEWHERE
    a.send_message(b"two")
    link.run(lambda: link.received[b] == [b"one", b"two"])
    assert b.path == A_UDP
    link.run(lambda: b.path == ELSEWHERE)
    b.send_message(b"back")
    link.run(lambda: link.received[a] == [b"back"])


def test_somebody_who_sends_packets_on_from_elsewhere_gets_one_challenge_no_longer_than_his_packet() -> None:
    a, b = session_pair()
    a.ping(0.0)
    ((packet, _),) = a.take_packets(0.0)
    assert b.receive(packet, ELSEWHERE, 0.0)
    to_stranger = [packet for packet, destination in b.take_packets(0.0) if destination == ELSEWHERE]
    assert [len(challenge) for challenge in to_stranger] == [CHALLENGE_PACKET_BYTES]
    assert len(to_stranger[0]) <= len(packet)
    for moment in range(1, 200):
        b.handle_timeout(float(moment))
        assert all(destination == A_UDP for _, destination in b.take_packets(float(moment)))
    assert b.path == A_UDP


def test_a_late_packet_from_an_old_address_does_not_ask_there() -> None:
    a, b = session_pair()
    a.send_rpc(b"early" * 20)
    ((late, _),) = a.take_packets(0.0)
    a.send_rpc(b"later" * 20)
    handed_over(a, b)
    assert b.receive(late, ELSEWHERE, 0.0)
    assert b.take_packets(0.0) == []


def test_one_packet_of_challenges_gets_one_answer() -> None:
    a, b = session_pair()
    packet = sealed(a, frames.TOKEN_FRAME.pack(frames.PATH_CHALLENGE, b"12345678") * 100)
    b.receive(packet, ELSEWHERE, 0.0)
    packets = b.take_packets(0.0)
    assert [destination for _, destination in packets] == [ELSEWHERE]
    assert len(packets[0][0]) <= len(packet)


def test_an_address_that_asks_is_not_asked_by_the_same_packet() -> None:
    a, b = session_pair()
    packet = sealed(a, frames.TOKEN_FRAME.pack(frames.PATH_CHALLENGE, b"12345678"))
    b.receive(packet, ELSEWHERE, 0.0)
    assert sum(len(answer) for answer, _ in b.take_packets(0.0)) <= len(packet)


def test_everything_unacknowledged_goes_again_when_a_tcp_connection_dies() -> None:
    a, b = session_pair("tcp")
    link = Link(a, b)
    sent = [b"%d" % n * 500 for n in range(300)]
    for message in sent:
        a.send_message(message)
    link.run(lambda: b.rx_bytes > 0)
    for message in sent:
        a.send_message(message)
    a.take_packets(link.now)
    link.break_tcp()
    a.use_path(B_UDP, link.now)
    b.use_path(A_UDP, link.now)
    link.run(lambda: link.delivered(sent + sent, b))
    assert link.received[b] == sent + sent
    link.settle()
    assert a.queued_bytes == 0


def test_a_move_to_tcp_takes_along_what_udp_lost() -> None:
    a, b = session_pair("udp")
    link = Link(a, b, loss=1.0)
    sent = [b"%d" % n * 100 for n in range(300)]
    for message in sent:
        a.send_message(message)
    a.take_packets(0.0)
    a.use_path(B_TCP, 0.0)
    link.run(lambda: link.delivered(sent, b))
    assert link.received[b] == sent


def test_data_over_tcp_needs_no_timer_and_no_window() -> None:
    a, _ = session_pair("tcp")
    a.send_message(bytes(900_000))
    packets = a.take_packets(0.0)
    assert sum(len(packet) for packet, _ in packets) > 900_000
    assert a.next_timeout() is None
    assert a.take_packets(60.0) == []


def test_a_peer_whose_tcp_died_is_followed_to_udp() -> None:
    a, b = session_pair("tcp")
    link = Link(a, b)
    a.send_message(b"over tcp")
    b.send_message(b"over tcp")
    link.settle()
    link.break_tcp()
    a.use_path(B_UDP, link.now)
    b.send_message(b"into a dead connection")
    a.send_message(b"over udp")
    link.run(lambda: b.path == A_UDP)
    link.run(lambda: link.received[a] == [b"over tcp", b"into a dead connection"])


def test_datagrams_on_their_way_do_not_call_a_move_to_tcp_back() -> None:
    a, b = session_pair("udp")
    b.send_message(b"sent before b heard of it")
    ((packet, _),) = b.take_packets(0.0)
    a.use_path(B_TCP, 0.0)
    assert a.receive(packet, B_UDP, 0.0)
    assert all(destination == B_TCP for _, destination in a.take_packets(1.0))


CIRCUIT = Endpoint.of_circuit(1)


def answered(a: Session, b: Session, path: Endpoint, now: float) -> None:
    """Let what b asks over a path be answered there."""
    for packet, destination in b.take_packets(now):
        if destination == path:
            a.receive(packet, path, now)
    for packet, destination in a.take_packets(now):
        if destination == path:
            b.receive(packet, path, now)


def come_through_relay(a: Session, b: Session, now: float) -> None:
    a.ping(now)
    for packet, _ in a.take_packets(now):
        b.receive(packet, CIRCUIT, now)
    answered(a, b, CIRCUIT, now)


def test_a_peer_is_followed_through_a_relay_when_the_way_in_use_is_silent() -> None:
    a, b = session_pair()
    a.ping(0.0)
    handed_over(a, b)
    come_through_relay(a, b, 0.1)
    assert b.path == A_UDP
    come_through_relay(a, b, 1.0)
    assert b.path == CIRCUIT


def test_questions_through_a_relay_move_nobody() -> None:
    a, b = session_pair()
    a.ping(0.0)
    handed_over(a, b)
    for moment in range(1, 20):
        a.probe(CIRCUIT, float(moment))
        for packet, _ in a.take_packets(float(moment)):
            b.receive(packet, CIRCUIT, float(moment))
        answered(a, b, CIRCUIT, float(moment))
    assert b.path == A_UDP


def test_questions_over_a_way_that_is_left_do_not_keep_it() -> None:
    a, b = session_pair()
    a.ping(0.0)
    handed_over(a, b)
    for moment in (0.2, 0.4, 0.6, 0.8):
        a.probe(B_UDP, moment)
        handed_over(a, b, moment)
        b.take_packets(moment)
    come_through_relay(a, b, 1.0)
    assert b.path == CIRCUIT


def test_an_answer_is_owed_since_the_last_one_and_repeats_count_on() -> None:
    a, b = session_pair()
    assert a.unanswered_since is None
    a.send_message(b"lost")
    a.take_packets(1.0)
    for moment in (2.0, 3.0, 4.0):
        a.handle_timeout(moment)
        a.take_packets(moment)
    assert a.unanswered_since == 1.0
    b.ping(4.0)
    for packet, _ in b.take_packets(4.0):
        a.receive(packet, B_UDP, 4.0)
    assert a.unanswered_since == 1.0, "what comes says nothing about the way there"
    a.use_path(ELSEWHERE, 5.0)
    handed_over(a, b, 5.0)
    assert a.unanswered_since == 5.0
    for packet, _ in b.take_packets(5.1):
        a.receive(packet, B_UDP, 5.1)
    b.handle_timeout(5.1)
    for packet, _ in b.take_packets(5.1):
        a.receive(packet, B_UDP, 5.1)
    assert a.unanswered_since is None


def test_a_ping_is_owed_an_answer_until_it_or_a_later_one_is_answered() -> None:
    a, b = session_pair()
    a.ping(1.0)
    a.take_packets(1.0)
    a.ping(2.0)
    assert a.unanswered_since == 1.0
    handed_over(a, b, 2.0)
    for packet, _ in b.take_packets(2.0):
        a.receive(packet, B_UDP, 2.0)
    assert a.unanswered_since is None
