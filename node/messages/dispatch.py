"""Dispatcher: hand requests and one-way messages to their handlers, and answer.

Whatever goes wrong is answered with a code of errors.py: a type without a handler, another version, a body that does
not fit (with the field at fault), a handler that raises, too much work. One-way messages are never answered, and never
refused for too much work, for nobody would know: the host reads no more from a peer with many handlers under way
(`running_of`) until they are few again (`on_idle`). A plain function is called at once; a coroutine is given to `run`,
which the host provides, and answered when it ends.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from types import CoroutineType
from typing import Any

from ...wire.errors import ConfigError, MeshError, PayloadTooLarge
from ...wire.identity import NodeId
from .envelope import (
    ONE_WAY,
    REPLY,
    Envelope,
    Header,
    encode_echo,
    encode_error,
    encode_message,
    encode_message_as_json,
    encode_none,
)
from .errors import BUSY, CANCELLED, FAILED, INVALID, InvalidMessage, Refused
from .handlers import ECHO, Handler, Handlers
from .message import Message

logger = logging.getLogger(__name__)

Reply = Callable[[bytes], None]
"""Send bytes to the peer that a message came from; may raise MeshError."""
Done = Callable[[Any, BaseException | None], None]
"""Told once what a coroutine returned, or what it raised: a cancellation too."""
Run = Callable[[Coroutine[Any, Any, Any], Done], None]
"""Run a coroutine to its end."""

ECHO_TYPE = ECHO.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatcherConfig:
    """Bound the work that an agent takes on."""

    running_max: int = 16_384
    """Async handlers under way; further requests are answered `busy`. Raising it costs memory: 4 KiB each and what
    they hold."""

    running_per_peer_max: int = 8192
    """Of them for one peer. Raising it lets one peer keep the others waiting."""

    hold_above: int = 256
    """So many handlers of a peer are under way when `on_full` is told. Raising it lets a peer queue more here."""

    resume_below: int = 128
    """So few handlers of a peer are under way when `on_idle` is told. Raising it lets a peer that was held up go on
    sooner, lowering it lets its handlers run dry before more arrives."""

    types_max: int = 1024
    """Types that an agent handles. Raising it costs memory: 1 KiB each."""

    def __post_init__(self) -> None:
        """Check the values; raises ConfigError."""
        for name in ("running_max", "running_per_peer_max", "hold_above", "resume_below", "types_max"):
            if getattr(self, name) < 1:
                raise ConfigError(name, "must be at least 1")


class Dispatcher:
    """Find the handler of each message and answer for it."""

    def __init__(self, own_id: NodeId, run: Run, config: DispatcherConfig | None = None) -> None:
        self._own_id = own_id
        self._run = run
        self._config = config or DispatcherConfig()
        self._handlers = Handlers(self._config.types_max)
        self._running = 0
        self._running_by_peer: dict[NodeId, int] = {}
        self.dropped: Counter[str] = Counter()
        """Messages refused and answers that could not be sent, by reason."""
        self.on_full: Callable[[NodeId], None] = lambda peer: None
        """Told when so many handlers of a peer are under way that it should be held up; may be told again."""
        self.on_idle: Callable[[NodeId], None] = lambda peer: None
        """Told when the handlers of a peer that are under way have become few."""

    def on(self, message_class: type[Message], function: Callable[..., Any]) -> None:
        """Handle a message class with a function, instead of an earlier one; raises ConfigError."""
        self._handlers.add(message_class, function)

    def types(self) -> list[str]:
        """Return the names of the types handled here."""
        return self._handlers.types()

    def running_of(self, peer: NodeId) -> int:
        """Return how many handlers of a peer's messages are under way."""
        return self._running_by_peer.get(peer, 0)

    def takes_early(self, envelope: Envelope, sender: NodeId) -> bool:
        """Tell whether a message may be handled that somebody else may have sent again, and that nothing holds back."""
        try:
            idempotent = self._handlers.find(envelope).form.idempotent
        except Refused:
            return False
        config = self._config
        has_time = self.running_of(sender) < config.hold_above and self._running < config.running_max
        return envelope.kind == ONE_WAY and idempotent and has_time

    def receive(self, envelope: Envelope, sender: NodeId, reply: Reply) -> None:
        """Handle one request or one-way message; never raises on what came from the network."""
        try:
            if envelope.type_name == ECHO_TYPE:
                self._send(encode_echo(envelope), envelope, reply)
            else:
                self._call(self._handlers.find(envelope), envelope, sender, reply)
        except Refused as refused:
            self._refuse(refused, envelope, reply)

    def _call(self, handler: Handler, envelope: Envelope, sender: NodeId, reply: Reply) -> None:
        """Call a handler; raises Refused."""
        try:
            message, is_json = handler.form.decode(envelope.body)
        except InvalidMessage as error:
            raise Refused(INVALID, str(error), error.field or None, error.hint) from None
        except Exception as error:  # of code in the class itself, such as __post_init__
            raise _failed(envelope, error) from None
        try:
            if handler.takes_header:
                result = handler.function(message, Header.of(envelope, sender, self._own_id))
            else:
                result = handler.function(message)
        except Exception as error:
            raise _failed(envelope, error) from None
        if type(result) is CoroutineType:
            self._start(result, envelope, sender, reply, is_json)
        elif isinstance(result, Awaitable):
            self._start(_result_of(result), envelope, sender, reply, is_json)
        else:
            self._send(_encoded(result, envelope, is_json), envelope, reply)

    def _start(
        self,
        coroutine: Coroutine[Any, Any, Any],
        envelope: Envelope,
        sender: NodeId,
        reply: Reply,
        is_json: bool,
    ) -> None:
        """Run a coroutine and answer with its result; raises Refused for a request if too many are under way."""
        of_peer, config = self._running_by_peer.get(sender, 0), self._config
        is_full = self._running >= config.running_max or of_peer >= config.running_per_peer_max
        if is_full and envelope.kind != ONE_WAY:
            coroutine.close()
            raise Refused(BUSY, f"{self._running} requests are under way", hint="try again later")
        counted = ended = False

        def done(result: Any, error: BaseException | None) -> None:
            nonlocal ended
            ended = True
            try:
                if error is not None:
                    raise _failed(envelope, error)
                if envelope.kind != ONE_WAY:
                    self._send(_encoded(result, envelope, is_json), envelope, reply)
            except Refused as refused:
                self._refuse(refused, envelope, reply)
            finally:
                if counted:
                    self._ended(sender)

        try:
            self._run(coroutine, done)
        except MeshError as error:
            coroutine.close()
            raise Refused(CANCELLED, str(error)) from None
        if not ended:
            counted = True
            self._began(sender, of_peer + 1)

    def _began(self, sender: NodeId, of_peer: int) -> None:
        """Count a handler that has to wait; the others cost nothing here."""
        self._running += 1
        self._running_by_peer[sender] = of_peer
        if of_peer >= self._config.hold_above:
            self.on_full(sender)

    def _ended(self, sender: NodeId) -> None:
        self._running -= 1
        of_peer = self._running_by_peer[sender] - 1
        if of_peer:
            self._running_by_peer[sender] = of_peer
        else:
            del self._running_by_peer[sender]
        if of_peer == self._config.resume_below - 1:
            self.on_idle(sender)

    def _send(self, answer: bytes, envelope: Envelope, reply: Reply) -> None:
        """Send an answer, if one is awaited; raises Refused for one that is too large."""
        if envelope.kind == ONE_WAY:
            return
        try:
            reply(answer)
        except PayloadTooLarge as error:
            raise Refused(FAILED, f"the reply is too large: {error}", hint=error.hint) from None
        except MeshError:
            self.dropped["unsent"] += 1

    def _refuse(self, refused: Refused, envelope: Envelope, reply: Reply) -> None:
        self.dropped[refused.code] += 1
        if envelope.kind == ONE_WAY:
            return
        try:
            reply(encode_error(envelope.id, refused.code, refused.text, refused.field, refused.hint))
        except MeshError:
            self.dropped["unsent"] += 1


def _encoded(result: Any, envelope: Envelope, is_json: bool) -> bytes:
    """Return the reply that holds what a handler returned, in the shape of its request; raises Refused."""
    if envelope.kind == ONE_WAY:
        return b""
    if result is None:
        return encode_none(envelope.id)
    if not isinstance(result, Message):
        raise _failed(envelope, TypeError(f"the handler returned {type(result).__name__}, not a Message"))
    try:
        if is_json:
            return encode_message_as_json(REPLY, envelope.id, result)
        return encode_message(REPLY, envelope.id, result)
    except Exception as error:
        raise _failed(envelope, error) from None


def _failed(envelope: Envelope, error: BaseException) -> Refused:
    """Tell the agent's own people all, and the peer what happened without where."""
    name = envelope.type_name.decode(errors="replace")
    if not isinstance(error, Exception):
        return Refused(CANCELLED, f"{name} was given up", hint="it is probably stopping: ask another peer")
    logger.error("the handler of %s failed", name, exc_info=error)
    return Refused(FAILED, f"{name}: {type(error).__name__}: {error}")


async def _result_of(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
