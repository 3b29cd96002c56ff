"""The parent's side: child processes with nodes in them, as coroutines.

Children end with their input: when the cluster closes, and when the parent dies however it dies. One that does not end
in time is killed, by its own process id.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import Sequence
from itertools import count
from types import TracebackType
from typing import TypeVar

from msgspec import structs

from ...wire.errors import LocalError
from ..scenario.schema import LOOKUP_COUNT
from .orders import (
    LINE_BYTES_MAX,
    Counts,
    Join,
    Joined,
    Know,
    LookedUp,
    LookUp,
    Order,
    Peer,
    Report,
    Setup,
    Start,
    Started,
    ToParent,
    encode,
    to_parent,
)

Answer = TypeVar("Answer", Started, Joined, LookedUp, Counts)

CHILD = "mesh99.simulations.processes.child"

END_S = 5.0
"""Time that a child has to end by itself."""


class Child:
    """One child process."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._numbers = count(1)
        self._asked: dict[int, asyncio.Future[ToParent]] = {}
        self._lost: LocalError | None = None
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def spawn(cls, setup: Setup) -> Child:
        """Start a process; Ctrl-C on the terminal is for the parent alone."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", CHILD, stdin=PIPE, stdout=PIPE, start_new_session=True, limit=LINE_BYTES_MAX
        )
        child = cls(process)
        child.tell(setup)
        return child

    @property
    def process_id(self) -> int:
        """Return the system's name of it."""
        return self._process.pid

    def tell(self, order: Order) -> None:
        """Give an order that has no answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(encode(order))

    async def ask(self, order: Order, kind: type[Answer]) -> Answer:
        """Give an order and wait for its answer; raises LocalError when the process has ended."""
        if self._lost is not None:
            raise self._lost
        number = next(self._numbers)
        self.tell(structs.replace(order, number=number))
        future = self._asked[number] = asyncio.get_running_loop().create_future()
        answer = await future
        assert isinstance(answer, kind)
        return answer

    async def close(self) -> None:
        """End the process, and see that it has ended."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), END_S)
        except TimeoutError:
            self._process.kill()
        await self._reading

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            answer = to_parent(line)
            asked = self._asked.pop(answer.number)
            if not asked.done():
                asked.set_result(answer)
        exit_code = await self._process.wait()
        self._lost = LocalError(f"child process {self._process.pid} ended with exit code {exit_code}")
        for future in self._asked.values():
            if not future.done():
                future.set_exception(self._lost)


class Cluster:
    """Some child processes, and the nodes that they run; `async with` ends them all."""

    def __init__(self, setup: Setup, processes: int) -> None:
        self.peers: dict[int, Peer] = {}
        """Where each node is that was started."""
        self._setup = setup
        self._processes = processes
        self._children: list[Child] = []

    async def __aenter__(self) -> Cluster:
        spawning = [asyncio.ensure_future(Child.spawn(self._setup)) for _ in range(self._processes)]
        spawned = await asyncio.gather(*spawning, return_exceptions=True)
        self._children = [child for child in spawned if isinstance(child, Child)]
        failed = [error for error in spawned if isinstance(error, BaseException)]
        if failed:
            await self.close()
            raise failed[0]
        # The first answer comes when a child has read its own code: the run begins with all of them awake.
        await self.counts()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def process_ids(self) -> list[int]:
        """Return the ids of the children."""
        return [child.process_id for child in self._children]

    async def start(self, index: int) -> None:
        """Start a node, and let all children know where it is."""
        started = await self._child_of(index).ask(Start(index=index), Started)
        self.peers[index] = started.peer
        for child in self._children:
            child.tell(Know(peers=[started.peer]))

    async def join(self, index: int, introducers: Sequence[int], retry_s: float) -> float:
        """Let a node join through others; return how long it took, in seconds."""
        peers = [self.peers[each] for each in introducers]
        order = Join(index=index, introducers=peers, retry_s=retry_s)
        return (await self._child_of(index).ask(order, Joined)).took_s

    async def look_up(self, index: int, target: bytes) -> LookedUp:
        """Let a node look up an id, as the workload of tier T1 does."""
        order = LookUp(index=index, target=target.hex(), count=LOOKUP_COUNT)
        return await self._child_of(index).ask(order, LookedUp)

    async def counts(self) -> Counts:
        """Return what all nodes together did so far."""
        reports = [await child.ask(Report(), Counts) for child in self._children]
        requests: Counter[str] = Counter()
        for report in reports:
            requests.update(report.requests)
        return Counts(
            requests=dict(sorted(requests.items())),
            packets=sum(report.packets for report in reports),
            bytes=sum(report.bytes for report in reports),
        )

    async def close(self) -> None:
        """End all processes."""
        await asyncio.gather(*(child.close() for child in self._children))

    def _child_of(self, index: int) -> Child:
        return self._children[index % len(self._children)]
