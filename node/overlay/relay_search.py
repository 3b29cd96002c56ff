"""Relays from the DHT, for a node that strangers do not reach and of whose peers too few relay for others.

Relays announce themselves under a capability (nat/relay/offer.py). Some of those found are called at once, the emptier
ones, at addresses of their own; whichever lines stand first are the nearest, and there is reserved (relaying.py). What
was called for nothing ends by itself. While there are too few, the pauses grow.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Protocol

from ...dht.dht import Dht
from ...dht.get import GetResult
from ...nat.relay.offer import CAPABILITY, choose
from ...nat.relay.reservations import ReservationConfig
from ...wire.contact import Contact
from ...wire.endpoint import Endpoint
from ...wire.errors import DecodeError, MeshError, QueueFull
from ...wire.identity import NodeId
from ...wire.node_record import NodeRecord
from ...wire.record import Record, capability_key
from .dialing import Connected
from .line import Line
from .lines import LineTable
from .relaying import Relaying

KEY = capability_key(CAPABILITY)


class Connect(Protocol):
    """Gets a line to a peer; `Overlay.connect`."""

    def __call__(self, peer: Contact, now: float, done: Connected, *others: Endpoint) -> None: ...


class RelaySearch:
    """Look for relays whenever there are too few."""

    def __init__(
        self,
        config: ReservationConfig,
        dht: Dht,
        lines: LineTable,
        relaying: Relaying,
        connect: Connect,
        random: Random,
        now: float,
    ) -> None:
        self._config = config
        self._dht = dht
        self._lines = lines
        self._relaying = relaying
        self._reservations = relaying.reservations
        self._connect = connect
        self._random = random
        self._next_at = now
        self._pause_s = config.search_s
        self._next: Callable[[float], None] | None = self._look
        """What to do when it is time; None while an answer is waited for."""
        self._called: list[NodeId] = []
        self._under_way = 0

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due; None while nobody is sought, or others have the word."""
        idle = self._next == self._look and not self._reservations.are_few
        return None if self._next is None or idle else self._next_at

    def handle_timeout(self, now: float) -> None:
        """Take the next step."""
        due = self.next_timeout()
        if due is not None and self._next is not None and now >= due:
            self._next_at = now
            self._next(now)

    def _look(self, now: float) -> None:
        """Ask peers that serve; if that is not enough, ask the DHT who else does."""
        self._relaying.fill(now)
        self._next_at = now + self._pause_s
        if not self._reservations.are_few or not self._dht.size:
            return
        self._pause_s = min(2 * self._pause_s, self._config.search_s_max)
        self._next = None
        try:
            self._dht.get_spread(KEY, now, self._take, want=self._config.sought)
        except QueueFull:
            self._next = self._look

    def _take(self, result: GetResult) -> None:
        relays = [relay for record in result.records if (relay := _relay_of(record)) is not None]
        self._next = partial(self._call, relays)

    def _call(self, relays: list[NodeRecord], now: float) -> None:
        """Call some of those found; peers that did not relay yet when they were met are asked over their lines."""
        strangers: list[NodeRecord] = []
        for relay in relays:
            line = self._lines.find(relay.node_id)
            if line is not None:
                line.serves = True
            elif not self._reservations.blocks(relay.node_id, now):
                strangers.append(relay)
        self._relaying.fill(now)
        chosen = choose(strangers, self._config.calls, self._random) if self._reservations.are_few else []
        self._called = [relay.node_id for relay in chosen]
        self._next, self._under_way = None, len(chosen) + 1
        for relay in chosen:
            first, *others = places_of(relay)
            self._connect(Contact(relay.public_key, first), now, self._answered, *others)
        self._answered(None, None)

    def _answered(self, line: Line | None, error: MeshError | None) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._next = self._close

    def _close(self, now: float) -> None:
        """Leave those alone who did not answer; and rather two relays at one address than one."""
        for node_id in self._called:
            if self._lines.find(node_id) is None:
                self._reservations.block(node_id, now)
        self._relaying.fill(now, anywhere=True)
        if not self._reservations.are_few:
            self._pause_s = self._config.search_s
        self._next, self._next_at = self._look, now + self._pause_s


def _relay_of(record: Record) -> NodeRecord | None:
    """Return a relay that can be called; None for what is none."""
    try:
        relay = NodeRecord.from_record(record)
    except DecodeError:
        return None
    return relay if places_of(relay) else None


def places_of(relay: NodeRecord) -> list[Endpoint]:
    """Return where to call a relay: where everybody reaches it, before addresses of its own network."""
    usable = [each for each in relay.endpoints if each.is_usable]
    return sorted(usable, key=lambda each: (-each.scope, each.transport != "udp"))
