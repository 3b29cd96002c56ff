"""The dispatcher: handlers of every shape, and the types and versions they are found by."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any

import pytest
from dispatch_desk import HERE, THERE, Answer, Ask, Desk, NewAsk, upper, upper_later

from mesh99.node.messages import Header, Headers, Message
from mesh99.node.messages.envelope import REPLY, REQUEST, decode_any, encode, encode_message, encode_untyped
from mesh99.wire.errors import ConfigError


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
