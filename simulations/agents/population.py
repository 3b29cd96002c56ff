"""Who is there: every member that ever was, those that are up, and who is nearest to what among them."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Sequence
from random import Random

from ...wire.contact import Contact
from ...wire.endpoint import IPV4, Endpoint
from ...wire.identity import NodeId
from ..population.nearest import NearestIndex
from ..scenario.schema import Population as Settings
from ..world import World
from .member import Member
from .seat import Seat

Introduce = Callable[[Seat, Sequence[Contact]], Sequence[Contact]]

Make = Callable[[int], Member]
"""Make the member with an index, switched off."""

FIRST_INDEX = 2
"""0 is the world, 1 the machine of the registry."""


class Population:
    """The members of one run; where the heap's population has hosts, this one has seats."""

    def __init__(self, world: World, loop: asyncio.AbstractEventLoop, settings: Settings, make: Make) -> None:
        self.hosts: dict[int, Seat] = {}
        """All that ever were, by index."""
        self.live: list[Seat] = []
        """Those that are up, in the order in which they came up."""
        self.took_ms = array("d")
        """How long each took, from its start until it knew others."""
        self.introduce: Introduce = lambda seat, contacts: contacts
        """Decides whom a newcomer is told of, where there is no registry that does."""
        self.on_up: list[Callable[[Seat], None]] = []
        self.on_down: list[Callable[[Seat], None]] = []
        self.on_joined: list[Callable[[Seat], None]] = []
        self.by_node_id: dict[bytes, Seat] = {}
        self.arrivals = 0
        self.departures = 0
        self._world = world
        self._loop = loop
        self._settings = settings
        self._make = make
        self._random: Random = world.random(0, "joining")
        self._index = NearestIndex()

    @property
    def honest_live(self) -> list[Seat]:
        """Those that are up and keep to the protocol: all of them."""
        return self.live

    def create(self) -> Seat:
        """Return a new member, switched off."""
        member = self._make(FIRST_INDEX + len(self.hosts))
        seat = self.hosts[member.machine.index] = Seat(self._world, self._loop, member, self)
        self.by_node_id[member.node_id] = seat
        return seat

    def start_new(self) -> Seat:
        """Start a new member, which joins through those that are there."""
        seat = self.create()
        seat.start()
        return seat

    def nearest(
        self, target: bytes, count: int = 1, exclude: bytes | None = None, families: int = IPV4
    ) -> list[NodeId]:
        """Return the ids nearest to a target, in order, among those that are up and have joined: all speak IPv4."""
        return self._index.nearest(target, count, exclude)

    def any_of(self, seats: Sequence[Seat], random: Random) -> Seat | None:
        """Return one of a list at random; None when it is empty."""
        return seats[int(random.random() * len(seats))] if seats else None

    # what seats tell of themselves

    def came_up(self, seat: Seat) -> Sequence[Endpoint]:
        """Note that a member starts; return whom it is told of."""
        introducers = self.introducers(seat)
        self.arrivals += 1
        self.live.append(seat)
        for listener in self.on_up:
            listener(seat)
        return introducers

    def introducers(self, newcomer: Seat) -> Sequence[Endpoint]:
        """Draw members that are up and know others; the first is told of nobody."""
        others = [seat for seat in self.live if seat is not newcomer]
        joined = [seat for seat in others if seat.joined] or others
        drawn = self._random.sample(joined, min(len(joined), self._settings.introducers))
        contacts = [Contact(seat.identity.public_key, seat.endpoint) for seat in drawn]
        return [contact.endpoint for contact in self.introduce(newcomer, contacts)]

    def went_down(self, seat: Seat) -> None:
        """Note that a member stops or has crashed."""
        self.departures += 1
        self.live.remove(seat)
        self._index.discard(seat.member.node_id)
        for listener in self.on_down:
            listener(seat)

    def is_alone(self, seat: Seat) -> bool:
        """Tell whether there is nobody whom it could find."""
        return self.live == [seat]

    def has_joined(self, seat: Seat, took_s: float) -> None:
        """Note that a member found its network."""
        self._index.add(seat.member.node_id)
        for listener in self.on_joined:
            listener(seat)
        if seat.joined:
            self.took_ms.append(took_s * 1000)
