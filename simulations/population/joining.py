"""How a host finds its network: through those it knew before and those it is told of, all at once, again and again.

This is node/joining.py without asyncio: the contacts on its disk and a few introducers (what a registry or `--peer`
gives to a real node) are asked at the same time, and the first that answers is enough to go on. A
host that has lost every contact begins anew, with growing pauses.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from operator import attrgetter
from random import Random

from ...dht.search import LookupResult
from ...dht.table import RoutingTable
from ...wire.contact import Contact
from ..host import NODE, Host
from ..scenario.schema import Population as Settings
from ..world import World
from .population import Population

_SIZE = attrgetter("size")


class Joining:
    """See to it that every host that comes up gets into the network and stays in it."""

    def __init__(self, world: World, population: Population, settings: Settings) -> None:
        self.world = world
        self.population = population
        self.settings = settings
        self.took_ms = array("f")
        """How long each honest host took, from its start until its table was filled."""
        self.is_on = True
        """Those that come up while it is off have been given their contacts."""
        self.random: Random = world.random(0, "joining")
        self._attempts: dict[int, Attempt] = {}
        self._tables: dict[int, RoutingTable] = {}
        """Of those that are up and joined, by index."""
        population.on_up.append(self._came_up)
        population.on_joined.append(self._joined)
        population.on_down.append(self._went_down)
        world.call_at(world.now() + NODE.rejoin_s, self._look_for_the_lonely)

    def introducers(self, host: Host) -> Sequence[Contact]:
        """Return whom a host is told of: some that are up and can be called, other than itself."""
        live, count = self.population.reachable(self.population.live), self.settings.introducers
        if self.settings.is_mixed:
            live = [other for other in live if other.families & host.families]
        drawn = self.random.sample(live, min(len(live), count + 1))
        told = [
            contact for other in drawn if other is not host and (contact := other.contact_for(host.families))
        ]
        told = told[:count]
        return self.population.introduce(host, told)

    def ended(self, host: Host) -> None:
        """Note that a host is in the network."""
        self._attempts.pop(host.index, None)

    def _came_up(self, host: Host) -> None:
        if self.is_on:
            self._begin(host)

    def _begin(self, host: Host) -> None:
        attempt = self._attempts[host.index] = Attempt(self, host)
        attempt.start()

    def _joined(self, host: Host) -> None:
        self._tables[host.index] = host.overlay.dht.table

    def _went_down(self, host: Host) -> None:
        self._attempts.pop(host.index, None)
        self._tables.pop(host.index, None)

    def _look_for_the_lonely(self) -> None:
        """Let those that lost every contact join again."""
        for host in self._lonely():
            if host.index not in self._attempts and len(self.population.live) > 1:
                self._begin(host)
        self.world.call_at(self.world.now() + NODE.rejoin_s, self._look_for_the_lonely)

    def _lonely(self) -> list[Host]:
        # Asked so often that the way to each table, through cold memory, was a hundredth of a large run.
        if all(map(_SIZE, self._tables.values())):
            return []
        live = self.population.live
        return [host for host in live if host.joined and not host.overlay.dht.size]


class Attempt:
    """One host's way into the network."""

    __slots__ = ("_began_s", "_host", "_joining", "_pause_s", "_session", "_sources")

    def __init__(self, joining: Joining, host: Host) -> None:
        self._joining = joining
        self._host = host
        self._session = host.session
        self._began_s = joining.world.now()
        self._pause_s = float(joining.settings.retry)
        self._sources = 0

    def start(self) -> None:
        """Ask all sources at once."""
        if self._is_void:
            return
        host = self._host
        told = [*host.saved_contacts(), *self._joining.introducers(host)]
        sources = list({(contact.node_id, contact.family): contact for contact in told}.values())
        if not sources and len(self._joining.population.live) == 1:
            self._arrive()
            return
        self._sources = len(sources)
        if not sources:
            self._try_later()
            return
        host.overlay.dht.bootstrap(host.clock.now(), self._bootstrapped, through=sources)
        host.pump.kick()

    @property
    def _is_void(self) -> bool:
        return self._host.session != self._session or not self._host.up

    def _bootstrapped(self, result: LookupResult) -> None:
        if self._is_void:
            return
        if result.contacts:
            self._arrive()
        else:
            self._try_later()

    def _try_later(self) -> None:
        """Try again after a pause that grows, as node/joining.py does."""
        joining = self._joining
        pause_s = self._pause_s * joining.random.uniform(0.8, 1.2)
        self._pause_s = min(2 * self._pause_s, NODE.rejoin_max_s)
        joining.world.call_at(joining.world.now() + pause_s, self.start)

    def _arrive(self) -> None:
        joining, host = self._joining, self._host
        joining.ended(host)
        if not host.joined:
            if host.honest and self._sources:
                joining.took_ms.append((joining.world.now() - self._began_s) * 1000)
            joining.population.joined(host)
