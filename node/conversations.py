"""Typed requests, replies and one-way messages over the lines of an Overlay.

Outgoing requests wait in PendingCalls as futures; incoming ones go to the Dispatcher. A sender waits when a line holds
as much as it should, so that a slow peer slows whoever writes to it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeVar

from ..wire.contact import Contact
from ..wire.errors import (
    DeadlineExceeded,
    DecodeError,
    MeshError,
    NodeClosed,
    NoPath,
    RemoteRejected,
)
from ..wire.identity import NodeId
from .config import NodeConfig
from .handler_pool import HandlerPool
from .host import Host
from .messages.calls import PendingCalls
from .messages.dispatch import Dispatcher
from .messages.envelope import ONE_WAY, REQUEST, Envelope, decode, decode_any, encode_message, encode_untyped
from .messages.errors import INVALID, VERSION, InvalidMessage
from .messages.form import ANY_VERSION
from .messages.message import Message, form_of, message_class
from .overlay.early_messages import take_none
from .overlay.line import Line
from .overlay.overlay import Overlay
from .ports import Timer
from .results import Answer

T = TypeVar("T", bound=Message)
P = TypeVar("P")


class Early(NamedTuple):
    """A message that may ride in a first packet."""

    message_id: int
    data: bytes
    """Empty when it may not."""


class Conversations:
    """Talk in typed messages; handlers may be registered before the node runs."""

    def __init__(self, config: NodeConfig) -> None:
        self._config = config
        self._handlers: list[tuple[type[Message], Callable[..., Any]]] = []
        self._dispatcher: Dispatcher | None = None
        self._overlay: Overlay | None = None
        self._host: Host | None = None
        self._calls: PendingCalls | None = None
        self._pool: HandlerPool | None = None
        self._kick: Callable[[], None] = lambda: None
        self._timer: Timer | None = None
        self._armed_at = float("inf")
        self._held: dict[NodeId, list[Line]] = {}
        self._progress: dict[int, asyncio.Future[None]] = {}
        self.dropped: Counter[str] = Counter()

    def on(self, message_type: type[Message], handler: Callable[..., Any]) -> None:
        """Handle a message type from now on."""
        self._handlers.append((message_type, handler))
        if self._dispatcher is not None:
            self._dispatcher.on(message_type, handler)

    def open(self, overlay: Overlay, host: Host, kick: Callable[[], None]) -> None:
        """Begin to talk over an Overlay."""
        self._overlay, self._host, self._kick = overlay, host, kick
        self._calls = PendingCalls(int.from_bytes(host.entropy(8), "big"), self._config.calls)
        self._pool = HandlerPool(host)
        self._dispatcher = Dispatcher(overlay.identity.node_id, self._pool.run, self._config.dispatcher)
        self._dispatcher.on_full = self._hold
        self._dispatcher.on_idle = self._go_on
        for message_type, handler in self._handlers:
            self._dispatcher.on(message_type, handler)
        overlay.on_message = self._received
        overlay.early_messages.on_message = self._received_early

    def close(self) -> None:
        """Fail what still waits with NodeClosed, and forget the Overlay."""
        if self._timer is not None:
            self._timer.cancel()
        if self._overlay is not None:
            self._overlay.on_message = lambda line, message: None
            self._overlay.early_messages.on_message = take_none
        if self._pool is not None:
            self._pool.close()
        calls = self._calls
        self._overlay = self._host = self._calls = self._pool = self._dispatcher = self._timer = None
        self._kick, self._armed_at = (lambda: None), float("inf")
        if calls is not None:
            calls.close(NodeClosed("wait for replies"))
        self._held.clear()
        for key in list(self._progress):
            self._progressed(key)

    # out

    def ask(self, line: Line, message: Message, timeout_s: float) -> asyncio.Future[Envelope]:
        """Send a typed request; the future fails with RemoteRejected, DeadlineExceeded or NoPath."""
        message_id = self._opened(self._calls).next_id()
        data = encode_message(REQUEST, message_id, message)
        return self._ask(line, message.type_name, message_id, data, timeout_s)

    async def request(self, line: Line, message: Message, timeout_s: float, reply: type[T] | None) -> Any:
        """Send a typed request and return the typed reply."""
        return typed_reply(await self.ask(line, message, timeout_s), reply)

    async def call(self, line: Line, type_name: str, body: object, timeout_s: float) -> Answer:
        """Send an untyped request and return its reply as plain values."""
        host = self._opened(self._host)
        started = host.now()
        message_id = self._opened(self._calls).next_id()
        data = encode_untyped(REQUEST, message_id, type_name, body)
        envelope = await self._ask(line, type_name, message_id, data, timeout_s)
        try:
            reply = decode_any(envelope.body)
        except DecodeError as error:
            raise RemoteRejected(INVALID, f"the reply makes no sense: {error}") from None
        return Answer(
            reply=reply,
            type_name=envelope.type_name.decode(errors="replace"),
            sender=line.node_id.text,
            elapsed_s=host.now() - started,
            path=line.path_kind,
            transport="direct",
        )

    def send(self, line: Line, message: Message) -> int:
        """Send a one-way message and return its id; the line has taken it."""
        message_id = self._opened(self._calls).next_id()
        self._write(line, encode_message(ONE_WAY, message_id, message))
        return message_id

    def early(self, message: Message) -> Early:
        """Give a one-way message its id, and its bytes if it may ride in a first packet."""
        message_id = self._opened(self._calls).next_id()
        data = encode_message(ONE_WAY, message_id, message) if form_of(message).idempotent else b""
        return Early(message_id, data)

    def is_full(self, line: Line) -> bool:
        """Tell whether a line holds so much that its writers should wait."""
        return line.session.queued_bytes > self._config.line_queue_bytes

    async def post(self, line: Line, type_name: str, body: object, timeout_s: float) -> int:
        """Send an untyped one-way message; returns its id once the peer has acknowledged every byte."""
        message_id = self._opened(self._calls).next_id()
        self._write(line, encode_untyped(ONE_WAY, message_id, type_name, body))
        await self.acknowledged(line, timeout_s)
        return message_id

    def peer_lost(self, line: Line) -> None:
        """Fail what awaits a peer that has no line any more."""
        if self._calls is not None:
            self._calls.peer_lost(line.node_id)
        self._progressed(line.session.local_id)

    async def drained(self, line: Line, timeout_s: float) -> None:
        """Wait until the line has room again."""
        room = self._config.overlay.session.drained_bytes
        await self._until(line, lambda: line.session.queued_bytes <= room, "room on the line", timeout_s)

    async def acknowledged(self, line: Line, timeout_s: float) -> None:
        """Wait until the peer has acknowledged all that was written."""
        await self._until(line, lambda: line.session.queued_bytes == 0, "acknowledgement", timeout_s)

    async def _until(self, line: Line, holds: Callable[[], bool], waited_for: str, timeout_s: float) -> None:
        async with asyncio.timeout(timeout_s) as limit:
            try:
                while not holds():
                    await self._progress_of(line)
            except asyncio.CancelledError:
                if limit.expired():
                    raise DeadlineExceeded(f"{waited_for} from {line.node_id.short}", timeout_s) from None
                raise

    async def _progress_of(self, line: Line) -> None:
        """Wait for the next acknowledgement on a line; many may wait for the same."""
        if self._overlay is None:
            raise NodeClosed("wait for a peer")
        if line.session.closed is not None:
            raise NoPath(line.node_id.short)
        key = line.session.local_id
        future = self._progress.get(key)
        if future is None:
            future = self._progress[key] = asyncio.get_running_loop().create_future()
            line.session.on_drained = lambda: self._progressed(key)
        await asyncio.shield(future)

    def _progressed(self, key: int) -> None:
        future = self._progress.pop(key, None)
        if future is not None and not future.done():
            future.set_result(None)

    def _ask(
        self, line: Line, type_name: str, message_id: int, data: bytes, timeout_s: float
    ) -> asyncio.Future[Envelope]:
        calls, host = self._calls, self._host
        if calls is None or host is None:
            raise NodeClosed("send a request")
        future: asyncio.Future[Envelope] = host.loop.create_future()

        def told(envelope: Envelope | None, error: MeshError | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(envelope)  # type: ignore[arg-type]
            else:
                future.set_exception(error)

        now = host.now()
        calls.add(line.node_id, message_id, type_name, timeout_s, now, told)
        try:
            self._write(line, data)
        except MeshError:
            calls.cancel(message_id)
            raise
        if now + timeout_s < self._armed_at:
            self._arm()
        return future

    def _write(self, line: Line, data: bytes) -> None:
        overlay, host = self._overlay, self._host
        if overlay is None or host is None:
            raise NodeClosed("send a message")
        overlay.send_message(line, data, host.now())
        self._kick()

    # in

    def _received(self, line: Line, data: bytes) -> None:
        try:
            envelope = decode(data)
        except DecodeError as error:
            self.dropped[f"message: {error.reason}"] += 1
            return
        if envelope.kind in (REQUEST, ONE_WAY):
            assert self._dispatcher is not None, "messages come only to an open node"
            if line.reply is None:
                line.reply = partial(self._write, line)
            self._dispatcher.receive(envelope, line.node_id, line.reply)
        elif self._calls is not None:
            self._calls.receive(envelope, line.node_id)

    def _received_early(self, sender: Contact, data: bytes) -> bool:
        """Handle a message that came before there is a line; false when it should come over the line."""
        try:
            envelope = decode(data)
        except DecodeError as error:
            self.dropped[f"message: {error.reason}"] += 1
            return False
        dispatcher = self._opened(self._dispatcher)
        taken = dispatcher.takes_early(envelope, sender.node_id)
        if taken:
            dispatcher.receive(envelope, sender.node_id, _unanswered)
        return taken

    def _hold(self, peer: NodeId) -> None:
        """Read no further from a peer whose messages wait for their handlers; its windows bound what still comes."""
        line = self._opened(self._overlay).lines.find(peer)
        if line is not None and line.session.reading:
            line.session.read(False)
            self._held.setdefault(peer, []).append(line)

    def _go_on(self, peer: NodeId) -> None:
        """Read on: few of the peer's messages still wait."""
        for line in self._held.pop(peer, ()):
            line.session.read(True)
            self._opened(self._overlay).lines.mark(line)
            self._kick()

    # time

    def _arm(self) -> None:
        host, calls = self._opened(self._host), self._opened(self._calls)
        deadline = calls.next_timeout()
        if deadline is None or deadline >= self._armed_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._armed_at = deadline
        self._timer = host.call_at(deadline, self._timed_out)

    def _timed_out(self) -> None:
        self._armed_at, self._timer = float("inf"), None
        self._opened(self._calls).handle_timeout(self._opened(self._host).now())
        self._arm()

    def _opened(self, part: P | None) -> P:
        if part is None:
            raise NodeClosed("talk")
        return part


def _unanswered(answer: bytes) -> None:
    """Send no answer: one-way messages have none."""


def typed_reply(envelope: Envelope, reply: type[T] | None) -> Any:
    """Read a reply as the class asked for, else as the class of its type name, else as nothing or plain values."""
    cls = reply or message_class(envelope.type_name.decode(errors="replace"))
    try:
        if cls is None:
            return decode_any(envelope.body)
        if envelope.version not in (cls.version, ANY_VERSION):
            _check_version(envelope, cls)
        return cls.decode(envelope.body)
    except InvalidMessage as error:
        raise RemoteRejected(INVALID, f"the reply does not fit: {error}", error.field) from None
    except DecodeError as error:
        raise RemoteRejected(INVALID, f"the reply makes no sense: {error}") from None


def _check_version(envelope: Envelope, cls: type[Message]) -> None:
    """Refuse another version of the same type; a class that was asked for may also read another type."""
    name = envelope.type_name.decode(errors="replace")
    if name == cls.type_name:
        raise RemoteRejected(VERSION, f"the reply {name} has version {envelope.version}, not {cls.version}")
