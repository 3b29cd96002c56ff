"""Pending requests: who is told what, once, in time, and only by the peer that was asked."""

from __future__ import annotations

import random
from typing import Any

import pytest

from mesh99.node.messages import CallsConfig, Envelope, Message, PendingCalls
from mesh99.node.messages.envelope import (
    REPLY,
    decode,
    encode,
    encode_error,
    encode_message,
    encode_none,
)
from mesh99.node.messages.form import pack
from mesh99.wire.errors import (
    ConfigError,
    DeadlineExceeded,
    DecodeError,
    MeshError,
    NodeClosed,
    NoPath,
    QueueFull,
    RemoteRejected,
)
from mesh99.wire.identity import NodeId

THERE, ELSEWHERE = NodeId(b"t" * 32), NodeId(b"e" * 32)


class Answer(Message):
    text: str


class Asker:
    """Pending calls and what was told for each."""

    def __init__(self, first_id: int = 1, **limits: Any) -> None:
        self.calls = PendingCalls(first_id, CallsConfig(**limits))
        self.told: dict[int, list[Envelope | MeshError | None]] = {}

    def ask(self, peer: NodeId = THERE, timeout_s: float = 5.0, now: float = 0.0) -> int:
        message_id = self.calls.next_id()

        def told(envelope: Envelope | None, error: MeshError | None) -> None:
            assert (envelope is None) != (error is None)
            self.told.setdefault(message_id, []).append(envelope or error)

        self.calls.add(peer, message_id, "Ask", timeout_s, now, told)
        return message_id

    def hear(self, data: bytes, sender: NodeId = THERE) -> None:
        self.calls.receive(decode(data), sender)

    def error_of(self, message_id: int) -> MeshError:
        (error,) = self.told[message_id]
        assert isinstance(error, MeshError)
        return error


def test_a_reply_reaches_who_asked_once() -> None:
    asker = Asker()
    first, second = asker.ask(), asker.ask()
    reply = encode_message(REPLY, second, Answer(text="hi"))
    asker.hear(reply)
    asker.hear(reply)
    (envelope,) = asker.told[second]
    assert isinstance(envelope, Envelope)
    assert Answer.decode(envelope.body) == Answer(text="hi")
    assert first not in asker.told
    assert len(asker.calls) == 1
    assert asker.calls.dropped == {"unawaited": 1}


def test_an_error_is_a_rejection() -> None:
    asker = Asker()
    asker.hear(encode_error(asker.ask(), "invalid", "Ask.text: is missing", "text", "Ask has text"))
    error = asker.error_of(1)
    assert isinstance(error, RemoteRejected)
    assert (error.code, error.text, error.field) == ("invalid", "Ask.text: is missing", "text")
    assert error.hint == "Ask has text"


def test_an_error_that_makes_no_sense_ends_the_request_too() -> None:
    asker = Asker()
    asker.hear(encode(3, asker.ask(), 1, b"error", pack(5)))
    assert isinstance(asker.error_of(1), DecodeError)


def test_only_the_peer_that_was_asked_can_answer() -> None:
    asker = Asker()
    message_id = asker.ask(THERE)
    asker.hear(encode_none(message_id), ELSEWHERE)
    asker.hear(encode_error(message_id, "failed", "no"), ELSEWHERE)
    assert asker.told == {}
    assert asker.calls.dropped == {"wrong_peer": 2}
    asker.hear(encode_none(message_id), THERE)
    assert len(asker.told[message_id]) == 1


def test_a_reply_to_nothing_is_counted() -> None:
    asker = Asker()
    asker.hear(encode_none(99))
    assert asker.calls.dropped == {"unawaited": 1}


def test_a_cancelled_request_is_told_nothing() -> None:
    asker = Asker()
    message_id = asker.ask()
    asker.calls.cancel(message_id)
    asker.calls.cancel(message_id)
    asker.hear(encode_none(message_id))
    asker.calls.handle_timeout(100.0)
    assert asker.told == {}
    assert asker.calls.next_timeout() is None


def test_a_deadline_says_what_was_waited_for() -> None:
    asker = Asker()
    message_id = asker.ask(timeout_s=2.0, now=10.0)
    assert asker.calls.next_timeout() == 12.0
    asker.calls.handle_timeout(11.999)
    assert asker.told == {}
    asker.calls.handle_timeout(12.0)
    error = asker.error_of(message_id)
    assert isinstance(error, DeadlineExceeded)
    assert str(error) == "no reply to Ask within 2 s"
    assert asker.calls.next_timeout() is None


def test_a_shorter_deadline_made_later_comes_first() -> None:
    asker = Asker()
    slow, fast = asker.ask(timeout_s=9.0), asker.ask(timeout_s=1.0)
    assert asker.calls.next_timeout() == 1.0
    asker.calls.handle_timeout(1.0)
    assert list(asker.told) == [fast]
    assert asker.calls.next_timeout() == 9.0
    asker.calls.handle_timeout(9.0)
    assert list(asker.told) == [fast, slow]


@pytest.mark.parametrize("seed", range(20))
def test_every_deadline_is_kept_never_early_and_at_most_a_moment_late(seed: int) -> None:
    rng = random.Random(seed)
    asker = Asker(late_s=0.02)
    deadlines: dict[int, float] = {}
    now = 0.0
    for _ in range(200):
        now += rng.choice((0.0, 0.001, 0.3))
        timeout_s = rng.choice((0.0, 0.005, 0.5, 3.0))
        deadlines[asker.ask(timeout_s=timeout_s, now=now)] = now + timeout_s
        if rng.random() < 0.3:
            answered = rng.choice(list(deadlines))
            asker.calls.cancel(answered)
            if answered not in asker.told:
                del deadlines[answered]
        wake_at = asker.calls.next_timeout()
        if wake_at is not None and wake_at <= now:
            asker.calls.handle_timeout(now)
        late = [n for n, at in deadlines.items() if n not in asker.told and at < now - 0.02]
        early = [n for n in asker.told if deadlines[n] > now]
        assert (late, early) == ([], [])
    while (wake_at := asker.calls.next_timeout()) is not None:
        asker.calls.handle_timeout(wake_at)
    assert sorted(asker.told) == sorted(deadlines)
    assert all(len(told) == 1 for told in asker.told.values())


def test_all_that_awaits_a_lost_peer_fails_at_once() -> None:
    asker = Asker()
    lost, other, lost_too = asker.ask(THERE), asker.ask(ELSEWHERE), asker.ask(THERE)
    asker.calls.peer_lost(THERE)
    assert [type(asker.error_of(n)) for n in (lost, lost_too)] == [NoPath, NoPath]
    assert other not in asker.told
    assert len(asker.calls) == 1


def test_the_reason_of_a_loss_can_be_told() -> None:
    asker = Asker()
    message_id = asker.ask()
    reason = NoPath("there", ("udp://192.0.2.1:1",))
    asker.calls.peer_lost(THERE, reason)
    assert asker.error_of(message_id) is reason


def test_closing_fails_all() -> None:
    asker = Asker()
    ids = [asker.ask(THERE), asker.ask(ELSEWHERE)]
    asker.calls.close(NodeClosed("wait"))
    assert [type(asker.error_of(n)) for n in ids] == [NodeClosed, NodeClosed]
    assert len(asker.calls) == 0


def test_one_who_is_told_may_cancel_and_ask_again() -> None:
    calls = PendingCalls(1)
    told: list[str] = []

    def first_told(envelope: Envelope | None, error: MeshError | None) -> None:
        told.append("first")
        calls.cancel(2)
        calls.add(THERE, 3, "Ask", 1.0, 5.0, lambda envelope, error: told.append("third"))

    calls.add(THERE, 1, "Ask", 1.0, 0.0, first_told)
    calls.add(THERE, 2, "Ask", 1.0, 0.0, lambda envelope, error: told.append("second"))
    calls.handle_timeout(5.0)
    assert told == ["first"]
    assert calls.next_timeout() is not None
    calls.handle_timeout(6.0)
    assert told == ["first", "third"]


def test_requests_under_way_are_bounded() -> None:
    asker = Asker(pending_max=2)
    asker.ask()
    asker.ask()
    with pytest.raises(QueueFull):
        asker.ask()
    asker.hear(encode_none(1))
    asker.ask()
    assert len(asker.calls) == 2


def test_answered_requests_leave_nothing_behind() -> None:
    asker = Asker()
    waiting = asker.ask(timeout_s=100.0)
    for number in range(1000):
        asker.hear(encode_none(asker.ask(timeout_s=200.0, now=float(number) / 1000)))
    sizes = [len(value) for value in vars(asker.calls).values() if hasattr(value, "__len__")]
    assert max(sizes) <= 1
    assert waiting not in asker.told


def test_ids_follow_each_other_and_wrap() -> None:
    calls = PendingCalls(2**64 - 1)
    assert [calls.next_id() for _ in range(3)] == [2**64 - 1, 0, 1]


@pytest.mark.parametrize(("name", "value"), [("pending_max", 0), ("late_s", -0.1)])
def test_bad_limits_name_the_field(name: str, value: float) -> None:
    with pytest.raises(ConfigError) as caught:
        CallsConfig(**{name: value})  # type: ignore[arg-type]
    assert caught.value.field == name
