"""Two ends of a line that only a relay can carry: what they send each other is what a mesh99 node forwards."""

from __future__ import annotations

import asyncio
from types import TracebackType

from mesh99.node.asyncio_host import AsyncioHost
from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.line import Line
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint

from ..overlay_host import OverlayHost

NOWHERE = Endpoint("udp", "192.0.2.1", 9)
"""Where the called end claims to be: a network for documentation (RFC 5737)."""

ANSWER_S, LOOK_S = 10.0, 0.005


class Apart(AsyncioHost):
    """A host in whose network there is one relay and nothing else."""

    def __init__(self, relay: Endpoint) -> None:
        super().__init__()
        self._relay = relay
        self.sent = 0
        """Packets to the relay."""

    def send(self, packet: bytes, destination: Endpoint) -> None:
        """Send to the relay; everything else is lost."""
        if destination == self._relay:
            self.sent += 1
            super().send(packet, destination)

    def open_stream(self, destination: Endpoint) -> None:
        """Leave it: nobody is reached over TCP, either."""


class Ends:
    """Two nodes in this process, with a line through a relay between them."""

    def __init__(self, relay: Endpoint) -> None:
        self._runner = asyncio.Runner()
        self._relay = relay

    def __enter__(self) -> Ends:
        self._runner.run(self._begin())
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._runner.run(self._close())
        self._runner.close()

    def open(self) -> None:
        """Have the called end reserve at the relay, and call it through there."""
        self._runner.run(self._meet())

    def echo(self, packets: int, payload: bytes, burst: int) -> tuple[int, int]:
        """Send bursts there and back; return how many packets the relay was given, and 0: a session loses nothing."""
        before = sum(host.sent for host in self._hosts)
        self._runner.run(self._echo(packets // burst, burst, payload))
        return sum(host.sent for host in self._hosts) - before, 0

    async def _begin(self) -> None:
        self._hosts = [Apart(self._relay), Apart(self._relay)]
        self._caller, self._called = (OverlayHost(OverlayConfig(), host) for host in self._hosts)
        self._awaited = 0
        self._all_came = asyncio.Event()
        self._caller.overlay.on_message = self._count
        self._called.overlay.on_message = self._answer

    async def _meet(self) -> None:
        await self._called.connect(self._relay)
        reservations = self._called.overlay.relaying.reservations
        reservations.wanted = True
        self._called.overlay.relaying.fill(self._called.host.now())
        self._called.pump.kick()
        async with asyncio.timeout(ANSWER_S):
            while not list(reservations.granted(self._called.host.now())):
                await asyncio.sleep(LOOK_S)
        relay = await self._caller.connect(self._relay)
        called = Contact(self._called.identity.public_key, NOWHERE)
        self._line = await self._caller.connect(called, relays=[relay.contact()])

    async def _echo(self, bursts: int, burst: int, payload: bytes) -> None:
        for _ in range(bursts):
            self._awaited = burst
            self._all_came.clear()
            for _ in range(burst):
                self._caller.overlay.send_message(self._line, payload, self._caller.host.now())
            self._caller.pump.kick()
            async with asyncio.timeout(ANSWER_S):
                await self._all_came.wait()

    async def _close(self) -> None:
        await self._caller.close()
        await self._called.close()

    def _answer(self, line: Line, message: bytes) -> None:
        self._called.overlay.send_message(line, message, self._called.host.now())

    def _count(self, line: Line, message: bytes) -> None:
        self._awaited -= 1
        if not self._awaited:
            self._all_came.set()
