"""A child process: runs nodes as its parent orders, and ends when the parent does.

python -m mesh99.simulations.processes.child
"""

from __future__ import annotations

import asyncio
import sys

from ...dht.search import LookupResult
from .machine import Machine, Surroundings, endpoint_of
from .orders import (
    LINE_BYTES_MAX,
    Counts,
    Join,
    Joined,
    Know,
    LookedUp,
    LookUp,
    Order,
    Report,
    Setup,
    Start,
    Started,
    encode,
    to_child,
)


class Child:
    """Obey."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._machines: dict[int, Machine] = {}

    def obey(self, order: Order) -> None:
        """Do what a line says; the answer may come later."""
        if isinstance(order, Start):
            machine = self._machines[order.index] = Machine(self._around, order.index)
            tell(Started(number=order.number, peer=machine.peer))
        elif isinstance(order, Know):
            index_of = self._around.directory.index_of
            index_of.update((endpoint_of(peer), peer.index) for peer in order.peers)
        elif isinstance(order, Join):
            self._join(order)
        elif isinstance(order, LookUp):
            self._look_up(order)
        elif isinstance(order, Report):
            tell(self._counts(order.number))

    async def close(self) -> None:
        """End all nodes."""
        for machine in self._machines.values():
            await machine.close()

    def _join(self, order: Join) -> None:
        def joined(took_s: float) -> None:
            tell(Joined(number=order.number, took_s=took_s))

        self._machines[order.index].join(order.introducers, order.retry_s, joined)

    def _look_up(self, order: LookUp) -> None:
        def done(result: LookupResult, took_s: float) -> None:
            nearest = [contact.node_id.hex() for contact in result.contacts]
            tell(
                LookedUp(
                    number=order.number,
                    took_s=took_s,
                    nearest=nearest,
                    depth=result.depth,
                    asked=len(result.hops),
                )
            )

        self._machines[order.index].look_up(bytes.fromhex(order.target), order.count, done)

    def _counts(self, number: int) -> Counts:
        networks = [machine.network for machine in self._machines.values()]
        return Counts(
            number=number,
            requests=dict(self._around.requests.counts),
            packets=sum(network.packets for network in networks),
            bytes=sum(network.bytes for network in networks),
        )


def tell(order: Order) -> None:
    """Write a line to the parent; a few of them always fit its pipe."""
    sys.stdout.buffer.write(encode(order))
    sys.stdout.buffer.flush()


async def main() -> None:
    """Read orders until there are no more."""
    lines = asyncio.StreamReader(limit=LINE_BYTES_MAX)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    first = await lines.readline()
    if not first:
        return
    setup = to_child(first)
    if not isinstance(setup, Setup):
        raise ValueError(f"the first order must be Setup, not {type(setup).__name__}")
    child = Child(Surroundings(setup))
    try:
        while line := await lines.readline():
            child.obey(to_child(line))
    finally:
        await child.close()


if __name__ == "__main__":
    asyncio.run(main())
