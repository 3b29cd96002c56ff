"""What the dispatcher refuses and how, how failures are told, and that nothing raises."""

from __future__ import annotations

import logging
from collections.abc import Coroutine
from typing import Any

import pytest
from dispatch_desk import HERE, THERE, Answer, Ask, Desk, NewAsk, Picky, upper, upper_later

from mesh99.node.messages import Dispatcher, InvalidMessage, Message
from mesh99.node.messages.dispatch import Done
from mesh99.node.messages.envelope import (
    ONE_WAY,
    REQUEST,
    decode,
    decode_error,
    encode,
    encode_message,
    encode_untyped,
)
from mesh99.node.messages.form import pack
from mesh99.wire.errors import NodeClosed, PayloadTooLarge, QueueFull


def test_another_version_is_refused() -> None:
    desk = Desk()
    desk.dispatcher.on(NewAsk, upper)
    rejected = desk.refusal_of(encode_message(REQUEST, 7, Ask(text="hi")))
    assert (rejected.code, rejected.text) == ("version", "ask has version 2 here, not 1")
    assert desk.dispatcher.dropped == {"version": 1}


def test_an_unknown_type_is_refused_with_those_that_are_known() -> None:
    desk = Desk()
    desk.dispatcher.on(Ask, upper)
    rejected = desk.refusal_of(encode_untyped(REQUEST, 7, "nope", {}))
    assert (rejected.code, rejected.text) == ("unknown_type", "nothing handles nope")
    assert rejected.hint == "there are handlers for ask, echo"
    assert desk.refusal_of(encode(REQUEST, 8, 1, b"\xff\xfe", pack({}))).code == "unknown_type"


@pytest.mark.parametrize(
    ("data", "field", "text"),
    [
        (encode_untyped(REQUEST, 7, "ask", {"data": ""}), "text", "ask.text: is missing"),
        (encode_untyped(REQUEST, 7, "ask", {"text": 5}), "text", "ask.text: expected str, got int"),
        (
            encode(REQUEST, 7, 1, b"ask", pack({"text": "", "data": "x"})),
            "data",
            "ask.data: expected bytes, got str",
        ),
        (encode(REQUEST, 7, 1, b"ask", pack([1])), None, "ask: expected object, got array"),
        (encode_untyped(REQUEST, 7, "ask", None), None, "ask: expected object, got null"),
    ],
)
def test_a_wrong_body_is_refused_with_the_field_at_fault(data: bytes, field: str | None, text: str) -> None:
    desk = Desk()
    desk.dispatcher.on(Ask, lambda request: pytest.fail("an invalid message reached its handler"))
    rejected = desk.refusal_of(data)
    assert (rejected.code, rejected.field, rejected.text) == ("invalid", field, text)
    assert rejected.hint == "ask has text, data (optional)"
    assert desk.dispatcher.dropped == {"invalid": 1}


def raise_key_error(request: Message) -> None:
    raise KeyError("no such thing")


async def raise_later(request: Message) -> None:
    raise InvalidMessage("other", "field", "is odd")


@pytest.mark.parametrize(
    ("handler", "text"),
    [
        (raise_key_error, "ask: KeyError: 'no such thing'"),
        (raise_later, "ask: InvalidMessage: other.field: is odd"),
        (lambda request: 5, "ask: TypeError: the handler returned int, not a Message"),
        (lambda request: Answer(text=5), "ask: InvalidMessage: answer.text: expected str, got int"),  # type: ignore[arg-type]
    ],
)
def test_a_handler_that_fails_is_told_without_a_trace_and_logged_with_it(
    handler: Any, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk()
    desk.dispatcher.on(Ask, handler)
    with caplog.at_level(logging.ERROR):
        desk.ask(encode_message(REQUEST, 7, Ask(text="hi")))
        if desk.running:
            desk.finish()
    rejected = decode_error(desk.answers[0].body)
    assert (rejected.code, rejected.text, rejected.field) == ("failed", text, None)
    assert [record.exc_info is not None for record in caplog.records] == [True]
    assert desk.dispatcher.dropped == {"failed": 1}


def test_code_of_the_class_that_fails_is_a_failure_too() -> None:
    def spoil(request: Picky) -> Picky:
        request.number = 2
        return request

    desk = Desk()
    desk.dispatcher.on(Picky, spoil)
    for number in (1, 2):
        rejected = desk.refusal_of(encode_untyped(REQUEST, 7, "Picky", {"number": number}))
        assert (rejected.code, rejected.text) == ("failed", "Picky: KeyError: 2")


def test_a_cancelled_handler_is_told() -> None:
    async def cancelled(request: Ask) -> None:
        raise GeneratorExit

    desk = Desk()
    desk.dispatcher.on(Ask, cancelled)
    desk.ask(encode_message(REQUEST, 7, Ask(text="hi")))
    desk.finish()
    assert decode_error(desk.answers[0].body).code == "cancelled"


def test_a_host_that_runs_nothing_any_more_refuses() -> None:
    def closed(coroutine: Coroutine[Any, Any, Any], done: Done) -> None:
        raise NodeClosed("run")

    answers: list[bytes] = []
    dispatcher = Dispatcher(HERE, closed)
    dispatcher.on(Ask, upper_later)
    dispatcher.receive(decode(encode_message(REQUEST, 7, Ask(text="hi"))), THERE, answers.append)
    assert decode_error(decode(answers[0]).body).code == "cancelled"


def test_one_way_messages_are_never_answered() -> None:
    desk = Desk()
    desk.dispatcher.on(Ask, upper)
    desk.dispatcher.on(Picky, upper_later)
    desk.dispatcher.on(Answer, raise_key_error)
    desk.ask(encode_message(ONE_WAY, 7, Ask(text="hi")))
    desk.ask(encode_message(ONE_WAY, 7, Answer(text="hi")))
    desk.ask(encode_untyped(ONE_WAY, 7, "echo", 1))
    desk.ask(encode_untyped(ONE_WAY, 7, "nope", 1))
    desk.ask(encode_untyped(ONE_WAY, 7, "ask", 1))
    desk.ask(encode_message(ONE_WAY, 7, Picky(number=1)))
    desk.finish()
    assert desk.answers == []
    assert desk.dispatcher.dropped == {"failed": 2, "unknown_type": 1, "invalid": 1}


def test_a_reply_that_is_too_large_becomes_an_error() -> None:
    sent: list[bytes] = []

    def reply(data: bytes) -> None:
        if len(data) > 200:
            raise PayloadTooLarge("message", len(data), 200)
        sent.append(data)

    dispatcher = Dispatcher(HERE, lambda coroutine, done: None)
    dispatcher.on(Ask, upper)
    dispatcher.receive(decode(encode_message(REQUEST, 7, Ask(text="x" * 500))), THERE, reply)
    rejected = decode_error(decode(sent[0]).body)
    assert rejected.code == "failed"
    assert "over the limit of 200" in rejected.text


def test_an_answer_that_cannot_be_sent_is_counted() -> None:
    def reply(data: bytes) -> None:
        raise QueueFull("the line", 1)

    dispatcher = Dispatcher(HERE, lambda coroutine, done: None)
    dispatcher.on(Ask, upper)
    dispatcher.receive(decode(encode_message(REQUEST, 7, Ask(text="x"))), THERE, reply)
    dispatcher.receive(decode(encode_untyped(REQUEST, 7, "nope", 1)), THERE, reply)
    assert dispatcher.dropped == {"unsent": 2, "unknown_type": 1}
