"""A world that writes down every event: which ran when, for whom, and during which other one it was asked for.

It is used only when a trace is asked for, so the usual World pays nothing. Numbers and order of the events are those of
the usual World: a run is the same with a trace and without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import CellType
from typing import Any

from ...wire.endpoint import Endpoint
from ..code_version import code_version
from ..outcome import RunOptions
from ..scenario.reading import write
from ..scenario.schema import Scenario
from ..world import ScheduledCall, World
from .trace import TraceHeader, TraceWriter

Tap = Callable[[int, int, int, Endpoint, Endpoint, bytes], None]
"""Told of each packet: time in ns, sender, receiver, source, destination, bytes (as in network/network.py)."""

OWNERS = ("_network", "host", "_host", "node")
"""Attributes by which an object names the machine that it belongs to (the network of a Pump is its Host)."""


@contextmanager
def world_for(scenario: Scenario, seed: int, options: RunOptions) -> Iterator[World]:
    """Yield the world of a run: the usual one, or one that writes the trace that was asked for."""
    if options.trace is None:
        yield World(seed)
        return
    header = TraceHeader(
        scenario=scenario.name,
        seed=seed,
        code=code_version(),
        crypto=options.crypto,
        definition=write(scenario),
    )
    world = TracingWorld(seed, TraceWriter(options.trace, header, options.trace_from_s))
    with closing_trace(world):
        yield world


@contextmanager
def closing_trace(world: World) -> Iterator[None]:
    """End the trace of a world, if it writes one, when what is done with it ends."""
    try:
        yield
    finally:
        if isinstance(world, TracingWorld):
            world.close()


def taps_of(world: World) -> list[Tap]:
    """Return what is to be told of every packet that the network of a world sends."""
    return [world.tap] if isinstance(world, TracingWorld) else []


class TracingWorld(World):
    """Run events and write each down. `close` it at the end; add `tap` to the taps of the network."""

    def __init__(self, seed: int, writer: TraceWriter) -> None:
        super().__init__(seed)
        self._writer = writer

    def push(self, time_ns: int, callback: Callable[..., object], *args: Any) -> None:
        """Put a call that nobody will call off into the heap."""
        super().push(time_ns, self._traced, self.event, callback, args)

    def tap(
        self,
        now_ns: int,
        sender_index: int,
        receiver_index: int,
        source: Endpoint,
        destination: Endpoint,
        packet: bytes,
    ) -> None:
        """Write a packet that is sent now."""
        self._writer.packet(self.event, now_ns, sender_index, receiver_index, packet)

    def close(self) -> None:
        """End the trace."""
        self._writer.close()

    def _traced(self, parent: int, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        called, given = _unwrapped(callback, args)
        if called is not None:
            node = node_of(called, given)
            # Bytes that are handed to a machine are a packet; the world's own calls have keys among their arguments.
            packet = next((each for each in given if type(each) is bytes), None) if node else None
            self._writer.call(self.event, parent, self.now_ns, node, label_of(called), packet)
        callback(*args)


def _unwrapped(
    callback: Callable[..., object], args: tuple[Any, ...]
) -> tuple[Callable[..., object] | None, tuple[Any, ...]]:
    """Return what is really called, with which arguments; None for a call that was called off."""
    called: Any = callback
    while True:
        if isinstance(called, ScheduledCall):
            called = called.callback
        elif isinstance(called, partial):
            called, args = called.func, (*called.args, *args)
        else:
            return called, args


def label_of(callback: Callable[..., object]) -> str:
    """Return the name of a callback."""
    return getattr(callback, "__qualname__", type(callback).__qualname__)


def node_of(callback: Callable[..., object], args: tuple[Any, ...] = ()) -> int:
    """Return the index of the machine that a callback works for, or 0 when none is to be seen."""
    owner = getattr(callback, "__self__", None)
    cells = getattr(callback, "__closure__", None) or ()
    for candidate in (owner, *args, *(_content(cell) for cell in cells)):
        index = _index_of(candidate)
        if index is not None:
            return index
    return 0


def _content(cell: CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:
        return None  # a variable that has no value yet


def _index_of(candidate: object) -> int | None:
    index = getattr(candidate, "index", None)
    if type(index) is int:
        return index
    owners = (getattr(candidate, name, None) for name in OWNERS)
    indexes = (getattr(owner, "index", None) for owner in owners)
    return next((index for index in indexes if type(index) is int), None)
