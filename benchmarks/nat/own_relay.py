"""Two ends of a circuit through a mesh99 relay: what they send each other is what it forwards.

The packets are opaque, as those of a session between the ends are to a relay. A burst is sealed first and then sent at
once, so that the relay and not the ends is what takes time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType

from mesh99.nat.relay.circuits import Circuit
from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.line import Line
from mesh99.wire.endpoint import Endpoint

from ..overlay_host import OverlayHost

ANSWER_S = 10.0


class End:
    """One end: its node, the line to the relay, and its side of the circuit."""

    host: OverlayHost
    line: Line
    circuit: Circuit

    async def begin(self, relay: Endpoint) -> None:
        """Start a node and meet the relay."""
        self.host = OverlayHost(OverlayConfig())
        self.line = await self.host.connect(relay)

    def send(self, packets: int, payload: bytes) -> None:
        """Send a burst through the circuit."""
        now, number = self.host.host.now(), self.circuit.number << 1
        burst = [self.line.session.relay(number, payload, now) for _ in range(packets)]
        for packet in burst:
            assert packet is not None, "it fits, and the line stands"
            self.host.host.send(*packet)

    async def come(self, size_bytes: int) -> None:
        """Wait until so much has come through the circuit in all."""
        async with asyncio.timeout(ANSWER_S):
            while self.circuit.came_bytes < size_bytes:
                await asyncio.sleep(0)


class Ends:
    """Two nodes in this process, with a circuit through a relay between them."""

    def __init__(self, relay: Endpoint) -> None:
        self._runner = asyncio.Runner()
        self._relay = relay
        self._caller, self._called = End(), End()

    def __enter__(self) -> Ends:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._runner.run(self._close())
        self._runner.close()

    def open(self) -> None:
        """Have the called end reserve at the relay, and open a circuit to it there."""
        self._runner.run(self._meet())

    def echo(self, packets: int, payload: bytes, burst: int) -> tuple[int, int]:
        """Send bursts there and back; return how many packets were forwarded, and 0: one lost ends it all."""
        self._runner.run(self._echo(packets // burst, burst, payload))
        return 2 * (packets // burst * burst), 0

    async def _meet(self) -> None:
        for end in (self._called, self._caller):
            await end.begin(self._relay)
        called, caller = self._called.host, self._caller.host
        relaying = called.overlay.relaying
        relaying.reservations.wanted = True
        relaying.fill(called.host.now())
        called.pump.kick()
        await _until(lambda: any(relaying.reservations.granted(called.host.now())))
        self._caller.circuit = caller.overlay.relaying.open(self._caller.line, called.identity.node_id)
        caller.pump.kick()
        await _until(lambda: bool(relaying.circuits.of_relay(self._called.line.node_id)))
        (self._called.circuit,) = relaying.circuits.of_relay(self._called.line.node_id)

    async def _echo(self, bursts: int, burst: int, payload: bytes) -> None:
        came = {end: end.circuit.came_bytes for end in (self._called, self._caller)}
        for _ in range(bursts):
            for sender, receiver in ((self._caller, self._called), (self._called, self._caller)):
                sender.send(burst, payload)
                came[receiver] += burst * len(payload)
                await receiver.come(came[receiver])

    async def _close(self) -> None:
        for end in (self._caller, self._called):
            await end.host.close()


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(ANSWER_S):
        while not condition():
            await asyncio.sleep(0.001)
