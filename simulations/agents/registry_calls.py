"""The HTTP side of a registry client on a simulated machine: its calls go over one TCP stream of the network.

The stream is opened for the first call, carries those that come meanwhile too, and is closed when it has been idle, as
the connections of the real client are.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from yarl import URL

from ...node.registry.config import ClientConfig
from ...node.registry.http_client import Answer
from ...wire.endpoint import Endpoint
from ...wire.errors import RegistryUnavailable
from .http_pipe import read_answer, request_bytes
from .stream_bytes import Gatherer, pieces

KEEPALIVE_S = 10.0
"""How long the real client keeps an idle connection (node/registry/http_client.py)."""


class Caller(Protocol):
    """The machine that calls, as far as it matters here (host.py)."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...

    @property
    def cut_off(self) -> bool: ...

    def send(self, packet: bytes, destination: Endpoint) -> None: ...

    def open_stream(self, destination: Endpoint) -> None: ...

    def close_stream(self, destination: Endpoint) -> None: ...


class RegistryCalls:
    """The port `Http` of one client of one registry."""

    def __init__(self, host: Caller, url: str, config: ClientConfig | None = None) -> None:
        base = URL(url)
        self.remote = Endpoint("tcp", base.host or "", base.port or 80)
        self._host = host
        self._url = url
        self._config = config or ClientConfig()
        self._gatherer = Gatherer()
        self._waiting: dict[int, asyncio.Future[bytes | None]] = {}
        self._held: list[bytes] = []
        self._number = 0
        self._asked_for = False
        self._open = False
        self._used_at = 0.0
        self._closures = 0
        """Streams that this side has closed and not yet been told of."""
        self._why = ""

    async def exchange(self, method: str, url: URL, body: bytes | None) -> Answer:
        """Send one request and give its answer; raise RegistryUnavailable when there is none."""
        if self._host.cut_off:
            raise self._unavailable("this machine is down")
        try:
            async with asyncio.timeout(self._config.timeout_s):
                answer = await self._answer_to(request_bytes(method, url, body))
        except TimeoutError:
            raise self._unavailable(f"no answer within {self._config.timeout_s:g} s") from None
        if answer is None:
            raise self._unavailable(self._why)
        read = read_answer(answer)
        if read is None or len(read.body) > self._config.answer_bytes_max:
            raise self._unavailable("it does not speak HTTP as a registry does")
        return read

    async def close(self) -> None:
        """Close the stream; a later call opens another."""
        self._close()

    # what the network tells

    def opened(self) -> None:
        """Send what waited for the stream."""
        self._open = True
        held, self._held = self._held, []
        for piece in held:
            self._host.send(piece, self.remote)

    def closed(self) -> None:
        """Give up all calls under way, unless it was this side that closed."""
        if self._closures:
            self._closures -= 1
            return
        self._why = "it closed the connection" if self._open else "Connection refused"
        self._open = self._asked_for = False
        self._held.clear()
        self._gatherer = Gatherer()
        for future in self._waiting.values():
            if not future.done():
                future.set_result(None)

    def received(self, packet: bytes) -> None:
        """Take a piece of an answer."""
        for number, answer in self._gatherer.add(packet):
            future = self._waiting.get(number)
            if future is not None and not future.done():
                future.set_result(answer)

    async def _answer_to(self, request: bytes) -> bytes | None:
        self._number += 1
        number = self._number
        future: asyncio.Future[bytes | None] = self._host.loop.create_future()
        self._waiting[number] = future
        self._held += pieces(number, request)
        if self._open:
            self.opened()
        elif not self._asked_for:
            self._asked_for = True
            self._host.open_stream(self.remote)
        try:
            return await future
        finally:
            del self._waiting[number]
            self._used_at = self._host.loop.time()
            self._host.loop.call_later(KEEPALIVE_S, self._close_idle)

    def _close_idle(self) -> None:
        if not self._waiting and self._host.loop.time() >= self._used_at + KEEPALIVE_S:
            self._close()

    def _close(self) -> None:
        if self._open:
            self._open = self._asked_for = False
            self._closures += 1
            self._host.close_stream(self.remote)

    def _unavailable(self, reason: str) -> RegistryUnavailable:
        return RegistryUnavailable(self._url, reason)
