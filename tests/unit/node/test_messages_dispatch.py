"""The dispatcher: handlers of every shape, what is refused and how, and that nothing raises."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

import pytest

from mesh99.node.messages import Dispatcher, DispatcherConfig, Header, Headers, InvalidMessage, Message
from mesh99.node.messages.dispatch import Done
from mesh99.node.messages.envelope import (
    ONE_WAY,
    REPLY,
    REQUEST,
    Envelope,
    decode,
    decode_any,
    decode_error,
    encode,
    encode_message,
    encode_untyped,
)
from mesh99.node.messages.form import pack
from mesh99.wire.errors import ConfigError, NodeClosed, PayloadTooLarge, QueueFull, RemoteRejected
from mesh99.wire.identity import NodeId

HERE, THERE, ELSEWHERE = NodeId(b"h" * 32), NodeId(b"t" * 32), NodeId(b"e" * 32)


class Ask(Message, type_name="ask"):
    text: str
    data: bytes = b""


class Answer(Message, type_name="answer", version=2):
    text: str
    data: bytes = b""


class NewAsk(Message, type_name="ask", version=2):
    words: list[str]


class Picky(Message):
    number: int

    def __post_init__(self) -> None:
        """Fail in a way that is no ValueError."""
        _ = {1: 1}[self.number]


class Desk:
    """A dispatcher, what it answered, and the coroutines it would run."""

    def __init__(self, **limits: int) -> None:
        self.running: list[tuple[Coroutine[Any, Any, Any], Done]] = []
        self.answers: list[Envelope] = []
        self.dispatcher = Dispatcher(HERE, self._run, DispatcherConfig(**limits))

    def _run(self, coroutine: Coroutine[Any, Any, Any], done: Done) -> None:
        self.running.append((coroutine, done))

    def ask(self, data: bytes, sender: NodeId = THERE) -> None:
        self.dispatcher.receive(decode(data), sender, lambda answer: self.answers.append(decode(answer)))

    def finish(self, position: int = 0) -> None:
        """Drive a coroutine to its end, as a host does."""
        coroutine, done = self.running.pop(position)
        try:
            coroutine.send(None)
        except StopIteration as stop:
            done(stop.value, None)
        except BaseException as error:
            done(None, error)

    def answer_to(self, message: Message) -> Envelope:
        self.ask(encode_message(REQUEST, 7, message))
        assert len(self.answers) == 1
        return self.answers.pop()

    def refusal_of(self, data: bytes) -> RemoteRejected:
        self.ask(data)
        (answer,) = self.answers
        self.answers.clear()
        assert answer.id == decode(data).id
        return decode_error(answer.body)


def upper(request: Ask) -> Answer:
    return Answer(text=request.text.upper(), data=request.data)


async def upper_later(request: Ask) -> Answer:
    return upper(request)


def test_a_plain_handler_is_answered_at_once() -> None:
    desk = Desk()
    desk.dispatcher.on(Ask, upper)
    answer = desk.answer_to(Ask(text="hi", data=b"\xff"))
    assert (answer.kind, answer.id, answer.type_name, answer.version) == (REPLY, 7, b"answer", 2)
    assert Answer.decode(answer.body) == Answer(text="HI", data=b"\xff")


def test_an_async_handler_is_run_and_answered_when_it_ends() -> None:
    desk = Desk()
    desk.dispatcher.on(Ask, upper_later)
    desk.ask(encode_message(REQUEST, 7, Ask(text="hi")))
    assert desk.answers == []
    desk.finish()
    assert Answer.decode(desk.answers[0].body) == Answer(text="HI")


def test_a_handler_may_return_any_awaitable() -> None:
    class Later(Awaitable[Answer]):
        def __await__(self) -> Generator[Any, None, Answer]:
            yield from ()
            return Answer(text="later")

    desk = Desk()
    desk.dispatcher.on(Ask, lambda request: Later())
    desk.ask(encode_message(REQUEST, 7, Ask(text="hi")))
    desk.finish()
    assert Answer.decode(desk.answers[0].body).text == "later"


def test_a_handler_that_returns_nothing_still_answers_a_request() -> None:
    desk = Desk()
    desk.dispatcher.on(Ask, lambda request: None)
    answer = desk.answer_to(Ask(text="hi"))
    assert (answer.type_name, decode_any(answer.body)) == (b"none", None)


class Agent:
    def __init__(self) -> None:
        self.seen: list[Header] = []

    def handle(self, request: Ask, header: Header) -> None:
        self.seen.append(header)


def with_default(request: Ask, header: Header | None = None) -> Answer:
    return Answer(text="none" if header is None else str(header.id))


def with_option(request: Ask, loud: bool = False) -> Answer:
    return Answer(text=str(loud))


def with_any(*arguments: Any) -> Answer:
    return Answer(text=str(len(arguments)))


def test_a_handler_of_two_arguments_gets_the_header() -> None:
    desk, agent = Desk(), Agent()
    desk.dispatcher.on(Ask, agent.handle)
    desk.ask(encode_message(REQUEST, 7, Ask(text="hi"), Headers(conversation="c9")))
    (header,) = agent.seen
    assert (header.id, header.type_name, header.version) == (7, "ask", 1)
    assert (header.sender, header.to, header.one_way) == (THERE, HERE, False)
    assert header.conversation == "c9"


@pytest.mark.parametrize(("handler", "text"), [(with_default, "7"), (with_option, "False"), (with_any, "1")])
def test_an_optional_argument_is_the_header_only_by_its_name(handler: Callable[..., Any], text: str) -> None:
    desk = Desk()
    desk.dispatcher.on(Ask, handler)
    assert Answer.decode(desk.answer_to(Ask(text="hi")).body).text == text


@pytest.mark.parametrize("handler", [lambda: None, lambda a, b, c: None, lambda *, request: None])
def test_a_handler_that_cannot_be_called_so_is_refused_where_it_is_written(handler: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        Desk().dispatcher.on(Ask, handler)
    assert caught.value.field == "handler"


@pytest.mark.parametrize("thing", [str, "Ask", Ask(text="x"), None])
def test_only_message_classes_are_handled(thing: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        Desk().dispatcher.on(thing, upper)
    assert caught.value.field == "message type"


def test_echo_cannot_be_taken_and_types_are_bounded() -> None:
    class Mine(Message, type_name="echo"):
        pass

    desk = Desk(types_max=1)
    with pytest.raises(ConfigError, match="echo"):
        desk.dispatcher.on(Mine, upper)
    desk.dispatcher.on(Ask, upper)
    desk.dispatcher.on(NewAsk, upper)
    with pytest.raises(ConfigError, match="1 types"):
        desk.dispatcher.on(Answer, upper)
    assert desk.dispatcher.types() == ["ask", "echo"]


def test_the_newest_handler_of_a_class_is_called() -> None:
    desk = Desk()
    desk.dispatcher.on(Ask, upper)
    desk.dispatcher.on(Ask, with_option)
    assert Answer.decode(desk.answer_to(Ask(text="hi")).body).text == "False"


@pytest.mark.parametrize("value", [None, 5, "x", [1, {"a": None}], {"b": [True]}])
def test_echo_answers_what_it_was_given(value: Any) -> None:
    desk = Desk()
    desk.ask(encode_untyped(REQUEST, 7, "echo", value))
    assert desk.answers[0].type_name == b"echo"
    assert decode_any(desk.answers[0].body) == value


def test_echo_answers_a_typed_body_too() -> None:
    desk = Desk()
    desk.ask(encode(REQUEST, 7, 1, b"echo", Ask(text="hi", data=b"\xff").encode()))
    assert Ask.decode(desk.answers[0].body) == Ask(text="hi", data=b"\xff")


def test_a_request_in_json_is_answered_in_json() -> None:
    desk = Desk()
    desk.dispatcher.on(Ask, upper)
    desk.ask(encode_untyped(REQUEST, 7, "ask", {"text": "hi", "data": "/w=="}))
    assert decode_any(desk.answers[0].body) == {"text": "HI", "data": "/w=="}
    assert bytes(desk.answers[0].body)[0] == 0xC4, "the body is a bin that holds JSON text"


def test_versions_of_a_type_are_handled_side_by_side() -> None:
    desk = Desk()
    desk.dispatcher.on(NewAsk, lambda request: Answer(text="new"))
    desk.dispatcher.on(Ask, lambda request: Answer(text="old"))
    assert Answer.decode(desk.answer_to(Ask(text="x")).body).text == "old"
    assert Answer.decode(desk.answer_to(NewAsk(words=[])).body).text == "new"
    desk.ask(encode_untyped(REQUEST, 7, "ask", {"words": []}))
    assert decode_any(desk.answers[0].body)["text"] == "new", "who does not know the class gets the newest"


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


def test_more_than_may_run_is_busy_until_one_ends() -> None:
    desk = Desk(running_max=2)
    desk.dispatcher.on(Ask, upper_later)
    request = encode_message(REQUEST, 7, Ask(text="hi"))
    desk.ask(request)
    desk.ask(request, ELSEWHERE)
    assert desk.refusal_of(request).code == "busy"
    desk.finish()
    desk.answers.clear()
    desk.ask(request)
    assert (len(desk.running), desk.answers) == (2, [])
    desk.finish()
    desk.finish()


def test_one_peer_cannot_keep_the_others_waiting() -> None:
    desk = Desk(running_max=3, running_per_peer_max=2)
    desk.dispatcher.on(Ask, upper_later)
    request = encode_message(REQUEST, 7, Ask(text="hi"))
    desk.ask(request)
    desk.ask(request)
    assert desk.refusal_of(request).code == "busy"
    desk.ask(request, ELSEWHERE)
    assert len(desk.running) == 3
    while desk.running:
        desk.finish()
    assert len(desk.answers) == 3


def test_one_way_messages_are_not_refused_for_too_much_work() -> None:
    desk = Desk(running_max=1, running_per_peer_max=1)
    desk.dispatcher.on(Ask, upper_later)
    for _ in range(5):
        desk.ask(encode_message(ONE_WAY, 7, Ask(text="hi")))
    assert desk.dispatcher.running_of(THERE) == len(desk.running) == 5
    assert desk.refusal_of(encode_message(REQUEST, 7, Ask(text="hi"))).code == "busy"
    while desk.running:
        desk.finish()
    assert desk.dispatcher.dropped == {"busy": 1}


def test_the_host_is_told_when_the_handlers_of_a_peer_have_become_few() -> None:
    desk = Desk(resume_below=2)
    told: list[tuple[NodeId, int]] = []
    desk.dispatcher.on_idle = lambda peer: told.append((peer, desk.dispatcher.running_of(peer)))
    desk.dispatcher.on(Ask, upper_later)
    for sender in (THERE, THERE, THERE, ELSEWHERE):
        desk.ask(encode_message(REQUEST, 7, Ask(text="hi")), sender)
    desk.finish()
    assert told == []
    desk.finish()
    desk.finish()
    assert told == [(THERE, 1)]
    assert (desk.dispatcher.running_of(THERE), desk.dispatcher.running_of(ELSEWHERE)) == (0, 1)
    desk.finish()


def test_plain_handlers_work_while_coroutines_fill_the_limit() -> None:
    desk = Desk(running_max=1)
    desk.dispatcher.on(Ask, upper_later)
    desk.dispatcher.on(Answer, lambda request: None)
    desk.ask(encode_message(REQUEST, 7, Ask(text="hi")))
    assert desk.answer_to(Answer(text="x")).type_name == b"none"
    desk.finish()


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


@pytest.mark.parametrize("name", ["running_max", "running_per_peer_max", "resume_below", "types_max"])
def test_limits_are_at_least_one(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        DispatcherConfig(**{name: 0})
    assert caught.value.field == name
