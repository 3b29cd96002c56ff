"""A dispatcher on a desk: the messages and handlers its tests share, what was answered, what would run."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from mesh99.node.messages import Dispatcher, DispatcherConfig, Message
from mesh99.node.messages.dispatch import Done
from mesh99.node.messages.envelope import REQUEST, Envelope, decode, decode_error, encode_message
from mesh99.wire.errors import RemoteRejected
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
