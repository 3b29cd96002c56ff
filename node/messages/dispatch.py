"""Hand incoming requests and one-way messages to their handlers, and answers back.

A handler is a function of one message, or of a message and its Header; plain or async. Whatever goes wrong is answered:
an unknown type, a body that does not fit (the field is named), a wrong version, a handler that raises, too much work. A
handler that does not have to wait costs no task.
"""

from __future__ import annotations

import inspect
import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from ...wire.errors import ConfigError, DecodeError, MeshError
from ...wire.identity import NodeId
from . import errors
from .envelope import (
    ONE_WAY,
    REPLY,
    Envelope,
    Header,
    decode_any,
    decode_headers,
    encode,
    encode_error,
)
from .errors import InvalidMessage
from .message import Message

logger = logging.getLogger(__name__)

ECHO = "echo"
"""The type that every node answers with the body it was given."""

NONE_TYPE = b"none"
"""Type of the reply of a handler that returned nothing."""

Reply = Callable[[bytes], None]
Done = Callable[[Any, BaseException | None], None]
Run = Callable[[Coroutine[Any, Any, Any], Done], None]
"""Run a coroutine to its end and tell its result or error."""

_encoder = msgspec.msgpack.Encoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatcherConfig:
    """Bound the work an agent takes on."""

    running_max: int = 1024
    """Async handlers under way; further requests are answered `busy`. Raising it costs about 4 KiB each."""

    handlers_max: int = 1024
    """Types an agent may handle."""

    def __post_init__(self) -> None:
        """Check the values; raises ConfigError."""
        if self.running_max < 1 or self.handlers_max < 1:
            raise ConfigError("dispatcher", "limits must be at least 1")


class _Handler(NamedTuple):
    message_type: type[Message]
    function: Callable[..., Any]
    wants_header: bool


class Dispatcher:
    """Find the handler of each message and answer for it."""

    def __init__(self, own_id: NodeId, run: Run, config: DispatcherConfig | None = None) -> None:
        self._own_id = own_id
        self._run = run
        self._config = config or DispatcherConfig()
        self._handlers: dict[bytes, _Handler] = {}
        self._running = 0
        self.dropped: Counter[str] = Counter()

    def on(self, message_type: type[Message], function: Callable[..., Any]) -> None:
        """Handle a type with a function; the newest wins. Raises ConfigError for one that cannot be called so."""
        if len(self._handlers) >= self._config.handlers_max:
            raise ConfigError("handlers", f"at most {self._config.handlers_max} types")
        try:
            parameters = len(inspect.signature(function).parameters)
        except (TypeError, ValueError):
            parameters = 1
        if parameters not in (1, 2):
            raise ConfigError(
                "handler", f"of {message_type.type_name} takes a message, or a message and its header"
            )
        handler = _Handler(message_type, function, parameters == 2)
        self._handlers[message_type.type_name.encode()] = handler

    def types(self) -> list[str]:
        """Return the names of the types handled here."""
        return sorted(name.decode() for name in (*self._handlers, ECHO.encode()))

    def receive(self, envelope: Envelope, sender: NodeId, reply: Reply) -> None:
        """Handle one request or one-way message; never raises on what came from the network."""
        handler = self._handlers.get(envelope.type_name)
        try:
            if handler is not None:
                self._handle(handler, envelope, sender, reply)
            elif envelope.type_name == ECHO.encode():
                decode_any(envelope.body)
                self._answer(
                    envelope, encode(REPLY, envelope.id, 1, envelope.type_name, envelope.body), reply
                )
            else:
                text = f"no handler for {envelope.type_name.decode(errors='replace')}; known: {self._known()}"
                self._refuse(envelope, reply, errors.UNKNOWN_TYPE, text)
        except InvalidMessage as error:
            self._refuse(envelope, reply, errors.INVALID, str(error), error.field or None)
        except DecodeError as error:
            self._refuse(envelope, reply, errors.INVALID, str(error))

    def _handle(self, handler: _Handler, envelope: Envelope, sender: NodeId, reply: Reply) -> None:
        message_type = handler.message_type
        if envelope.version != message_type.version:
            text = f"{message_type.type_name} has version {message_type.version} here, not {envelope.version}"
            self._refuse(envelope, reply, errors.VERSION, text)
            return
        message = message_type.decode(envelope.body)
        arguments = (message, self._header(envelope, sender)) if handler.wants_header else (message,)
        try:
            result = handler.function(*arguments)
        except Exception as error:
            self._finish(envelope, reply, None, error)
            return
        if inspect.iscoroutine(result):
            self._start(result, envelope, reply)
        else:
            self._finish(envelope, reply, result, None)

    def _start(self, coroutine: Coroutine[Any, Any, Any], envelope: Envelope, reply: Reply) -> None:
        if self._running >= self._config.running_max:
            coroutine.close()
            self._refuse(
                envelope, reply, errors.BUSY, f"{self._running} requests are being worked on; try again later"
            )
            return
        self._running += 1

        def done(result: Any, error: BaseException | None) -> None:
            self._running -= 1
            self._finish(envelope, reply, result, error)

        self._run(coroutine, done)

    def _finish(self, envelope: Envelope, reply: Reply, result: Any, error: BaseException | None) -> None:
        if error is not None:
            self._failed(envelope, reply, error)
            return
        if envelope.kind == ONE_WAY:
            return
        try:
            answer = _reply_to(envelope, result)
        except InvalidMessage as invalid:
            self._failed(envelope, reply, invalid)
            return
        self._answer(envelope, answer, reply)

    def _failed(self, envelope: Envelope, reply: Reply, error: BaseException) -> None:
        name = envelope.type_name.decode(errors="replace")
        logger.error("the handler of %s failed", name, exc_info=error)
        text = f"{name}: {type(error).__name__}: {error}"
        self._refuse(envelope, reply, errors.FAILED, text)

    def _answer(self, envelope: Envelope, answer: bytes, reply: Reply) -> None:
        if envelope.kind == ONE_WAY:
            return
        try:
            reply(answer)
        except MeshError as error:
            self.dropped[f"reply: {type(error).__name__}"] += 1

    def _refuse(
        self, envelope: Envelope, reply: Reply, code: str, text: str, field: str | None = None
    ) -> None:
        self.dropped[f"message: {code}"] += 1
        self._answer(envelope, encode_error(envelope.id, code, text[: errors.TEXT_CHARS_MAX], field), reply)

    def _header(self, envelope: Envelope, sender: NodeId) -> Header:
        return Header(
            id=envelope.id,
            type_name=envelope.type_name.decode(),
            version=envelope.version,
            sender=sender,
            to=self._own_id,
            headers=decode_headers(envelope.headers),
            one_way=envelope.kind == ONE_WAY,
        )

    def _known(self) -> str:
        names = self.types()
        return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")


def _reply_to(envelope: Envelope, result: Any) -> bytes:
    if isinstance(result, Message):
        body = result.encode()
        return encode(REPLY, envelope.id, result.version, result.type_name.encode(), body)
    if result is None:
        return encode(REPLY, envelope.id, 1, NONE_TYPE, _encoder.encode(None))
    raise InvalidMessage(
        envelope.type_name.decode(), "", f"the handler returned {type(result).__name__}, no Message"
    )
