"""What the hosts do: look up random ids, read values, and put new ones.

The ids come from one stream, the moments (rhythm.py) from another, so that a slower network is asked for the same ids.
"""

from __future__ import annotations

from collections.abc import Callable

from ...dht.get import GetResult
from ...dht.put import PutResult
from ...dht.search import LookupResult
from ...wire.errors import MeshError
from ...wire.identity import NodeId
from ...wire.record import Record
from ..host import Host
from ..population.population import Population
from ..scenario.schema import Workload as Settings
from ..world import World
from .measurements import Measurements
from .publishing import Publishing, Value
from .rhythm import Rhythm

ID_BYTES = 32


class Workload:
    """Let hosts look up and get from one time until another."""

    def __init__(
        self,
        world: World,
        population: Population,
        measurements: Measurements,
        publishing: Publishing,
        settings: Settings,
    ) -> None:
        self.world = world
        self.population = population
        self.measurements = measurements
        self.on_lookup: list[Callable[[Host, NodeId, LookupResult], None]] = []
        """Told of what each lookup of a host returned for a target."""
        self.on_get: list[Callable[[Host, Value, GetResult], None]] = []
        """Told of what each get of a host returned for a value."""
        self.gets_want = settings.gets_want
        self.lookup_count = settings.lookup_count
        self._publishing = publishing
        self._targets = world.random(0, "targets")
        self._lookups = Rhythm(world, population, "lookups", settings.lookups_every, self._look_up)
        self._gets = Rhythm(world, population, "gets", settings.gets_every, self._get)
        self._puts = Rhythm(world, population, "puts", settings.puts_every, self._put)
        self._contents = world.random(0, "contents")
        self._settings = settings

    @property
    def keys(self) -> list[bytes]:
        """Under which the values are that hosts read."""
        return self._publishing.keys

    def put_later(self, key: bytes, when_s: float) -> None:
        """Put the value of a key at a time of its own; to be said before the others are put."""
        self._publishing.put_at_s[key] = when_s

    def run(self, from_s: float, until_s: float) -> None:
        """Begin, and stop asking for more at a time."""
        self._lookups.run(from_s, until_s)
        self._gets.run(from_s, until_s)
        self._puts.run(from_s, until_s)

    def _look_up(self, host: Host) -> None:
        LookupUnderWay(self, host, NodeId(self._targets.randbytes(ID_BYTES))).start()

    def _get(self, host: Host) -> None:
        value = self._publishing.draw()
        if value is not None:
            GetUnderWay(self, host, value).start()

    def _put(self, host: Host) -> None:
        key = self._contents.randbytes(ID_BYTES)
        content = self._contents.randbytes(self._settings.value_size)
        record = Record.create(host.identity, key, content, sequence=1, ttl_s=int(self._settings.value_ttl))
        PutUnderWay(self, host, record).start()


class LookupUnderWay:
    """One lookup of a random id: right when the first of the answer that is honest and open is the nearest of those."""

    __slots__ = ("_began_s", "_host", "_target", "_workload")

    def __init__(self, workload: Workload, host: Host, target: NodeId) -> None:
        self._workload = workload
        self._host = host
        self._target = target
        self._began_s = workload.world.now()

    def start(self) -> None:
        """Ask."""
        host = self._host
        try:
            host.overlay.dht.find_node(
                self._target, host.clock.now(), self._done, count=self._workload.lookup_count
            )
        except MeshError:
            self._measured(0, False, 0)
        host.pump.kick()

    def _done(self, result: LookupResult) -> None:
        host, population = self._host, self._workload.population
        found = (c.node_id for c in result.contacts if population.is_findable(c.node_id))
        nearest = population.nearest(self._target, exclude=host.identity.node_id, families=host.families)
        right = [next(found, None)] == nearest
        self._measured(result.depth, right, len(result.hops))
        for listener in self._workload.on_lookup:
            listener(self._host, self._target, result)

    def _measured(self, depth: int, right: bool, asked: int) -> None:
        took_ms = (self._workload.world.now() - self._began_s) * 1000
        self._workload.measurements.looked_up(self._began_s, took_ms, depth, right, asked)


class GetUnderWay:
    """One get of a value that should be there: right when the owner's own value comes."""

    __slots__ = ("_began_s", "_host", "_value", "_workload")

    def __init__(self, workload: Workload, host: Host, value: Value) -> None:
        self._workload = workload
        self._host = host
        self._value = value
        self._began_s = workload.world.now()

    def start(self) -> None:
        """Ask."""
        host, value, want = self._host, self._value, self._workload.gets_want
        owner = None if want else value.owner
        try:
            host.overlay.dht.get(value.key, host.clock.now(), self._done, owner=owner, want=max(1, want))
        except MeshError:
            self._measured(0, False, 0)
        host.pump.kick()

    def _done(self, result: GetResult) -> None:
        right = any(record.value == self._value.content for record in result.records)
        self._measured(result.hops, right, len(result.trace))
        for listener in self._workload.on_get:
            listener(self._host, self._value, result)

    def _measured(self, hops: int, right: bool, asked: int) -> None:
        took_ms = (self._workload.world.now() - self._began_s) * 1000
        self._workload.measurements.got(self._began_s, took_ms, hops, right, asked)


class PutUnderWay:
    """One put of a new value: right when a quorum of holders has it."""

    __slots__ = ("_began_s", "_host", "_record", "_workload")

    def __init__(self, workload: Workload, host: Host, record: Record) -> None:
        self._workload = workload
        self._host = host
        self._record = record
        self._began_s = workload.world.now()

    def start(self) -> None:
        """Ask."""
        host = self._host
        try:
            host.overlay.dht.put(self._record, host.clock.now(), self._done)
        except MeshError:
            self._measured(False, 0)
        host.pump.kick()

    def _done(self, result: PutResult) -> None:
        self._measured(len(result.stored_on) >= self._host.overlay.config.dht.store_quorum, len(result.hops))

    def _measured(self, stored: bool, asked: int) -> None:
        took_ms = (self._workload.world.now() - self._began_s) * 1000
        self._workload.measurements.put(self._began_s, took_ms, stored, asked)
