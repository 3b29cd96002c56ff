"""Meets: a host resolves another one by its node record, calls it, asks something and gets an answer.

Measured are the time from the call to the answer, the time until the two need no relay any more, and what they are on
ten seconds after the call. Whether two could meet directly is known from their boxes (network/pairs.py).
"""

from __future__ import annotations

from array import array
from collections import Counter
from functools import partial
from statistics import mean

from ...dht.get import GetResult
from ...node.directory import contacts_of
from ...node.overlay.line import Line
from ...wire.endpoint import RELAY
from ...wire.errors import DecodeError, MeshError
from ...wire.node_record import NodeRecord
from ...wire.record import node_key
from ..host import Host
from ..network.network import Network
from ..network.pairs import can_meet, kind_of
from ..population.population import Population
from ..scenario.schema import Workload as Settings
from ..world import World
from .measurements import quantile
from .rhythm import Rhythm

QUESTION, ANSWER = b"?", b"!"

JUDGED_AFTER_S = 10.0
"""When it is looked at by which way two are met; an answer that has not come by then counts as none."""

IDLE_S = 60.0
"""For how long a line is watched after that."""

LOOK_EVERY_S = 0.02
"""How often it is looked whether a line is direct, until it is."""

DRAWS_MAX = 16
"""Hosts drawn until one is found with which there is no line yet."""


class Meetings:
    """What came of all meets."""

    def __init__(self) -> None:
        self.began = 0
        self.found = 0
        """Those whose record was found."""
        self.answered_ms = array("f")
        self.direct_ms = array("f")
        """From the call until the line needed no relay."""
        self.ways: Counter[tuple[str, str, str]] = Counter()
        """How many were met how after ten seconds (`direct`, `relay`, `none`), by the kinds of the two, sorted."""
        self.idle_bytes_per_s = array("f")
        """What one side sends over a line that nobody uses."""
        self.stuck = 0
        """On a relay after ten seconds though there is a direct way."""

    def figures(self) -> dict[str, float]:
        """Return the figures by name; none when there were no meets."""
        judged = self.ways.total()
        if not judged:
            return {}
        answered, direct_ms = sorted(self.answered_ms), sorted(self.direct_ms)
        idle = self.idle_bytes_per_s
        figures = {
            "meets": judged,
            "meet_found": round(self.found / judged, 6),
            "meet_success": round(len(answered) / judged, 6),
            "meet_p50_ms": round(quantile(answered, 0.5), 1),
            "meet_p99_ms": round(quantile(answered, 0.99), 1),
            "meet_direct": self._share("direct"),
            "meet_relayed": self._share("relay"),
            "meet_stuck": round(self.stuck / judged, 6),
            "meet_direct_p50_ms": round(quantile(direct_ms, 0.5), 1),
            "meet_direct_p99_ms": round(quantile(direct_ms, 0.99), 1),
        }
        if idle:
            figures["idle_bytes_per_s"] = round(mean(idle), 2)
        for one, other in sorted({(one, other) for one, other, _ in self.ways}):
            figures[f"meet_direct_{one}_{other}"] = self._share("direct", one, other)
        return figures

    def _share(self, way: str, *kinds: str) -> float:
        """Return the share of a way among all, or among those of two kinds."""
        of_kinds = {key: count for key, count in self.ways.items() if not kinds or key[:2] == kinds}
        return round(
            sum(count for key, count in of_kinds.items() if key[2] == way) / sum(of_kinds.values()), 6
        )


class Meets:
    """Let hosts meet others from one time until another."""

    def __init__(self, world: World, network: Network, population: Population, settings: Settings) -> None:
        self.world = world
        self.network = network
        self.results = Meetings()
        self._population = population
        self._drawn = world.random(0, "meets: who is met")
        self._rhythm = Rhythm(world, population, "meets", settings.meets_every, self._meet)
        self._under_way: dict[bytes, MeetUnderWay] = {}
        if settings.meets_every is not None:
            population.on_up.append(self._came_up)

    def run(self, from_s: float, until_s: float) -> None:
        """Begin, and stop asking for more at a time."""
        self._rhythm.run(from_s, until_s - JUDGED_AFTER_S)

    def ended(self, meet: MeetUnderWay) -> None:
        """Forget a meet."""
        self._under_way.pop(meet.number, None)

    def _meet(self, host: Host) -> None:
        other = self._draw(host)
        if other is None:
            return
        self.results.began += 1
        meet = MeetUnderWay(self, self.results.began.to_bytes(8, "big"), host, other)
        self._under_way[meet.number] = meet
        meet.start()

    def _draw(self, host: Host) -> Host | None:
        """Return another host that has joined and is not met yet."""
        for _ in range(DRAWS_MAX):
            other = self._population.any_of(self._population.honest_live, self._drawn)
            if other is None or other is host or not other.joined:
                continue
            if host.overlay.lines.find(other.identity.node_id) is None:
                return other
        return None

    def _came_up(self, host: Host) -> None:
        host.overlay.on_message = partial(self._heard, host)

    def _heard(self, host: Host, line: Line, message: bytes) -> None:
        kind, number = message[:1], message[1:]
        meet = self._under_way.get(number)
        if kind == QUESTION:
            host.overlay.send_message(line, ANSWER + number, host.clock.now())
        elif meet is not None:
            meet.answered()


class MeetUnderWay:
    """One of them."""

    __slots__ = (
        "_answered_ms",
        "_began_s",
        "_direct_ms",
        "_found_record",
        "_host",
        "_kinds",
        "_meets",
        "_other",
        "_session",
        "number",
    )

    def __init__(self, meets: Meets, number: bytes, host: Host, other: Host) -> None:
        self.number = number
        self._meets = meets
        self._host = host
        self._other = other
        self._session = host.session
        boxes = [meets.network.box_of(each.index) for each in (host, other)]
        self._kinds = sorted(kind_of(box) for box in boxes)
        self._began_s = meets.world.now()
        self._found_record = False
        self._answered_ms: float | None = None
        self._direct_ms: float | None = None

    def start(self) -> None:
        """Find the record of the other."""
        host, other = self._host, self._other.identity
        try:
            host.overlay.dht.get(
                node_key(other.node_id), host.clock.now(), self._found, owner=other.public_key
            )
        except MeshError:
            self._judge()
        host.pump.kick()

    def answered(self) -> None:
        """Note that the answer has come."""
        if self._answered_ms is None:
            self._answered_ms = self._since_ms

    def _found(self, result: GetResult) -> None:
        world = self._meets.world
        self._began_s = world.now()
        try:
            record = NodeRecord.from_record(result.records[0]) if result.records else None
        except DecodeError:
            record = None
        contacts = contacts_of(record, frozenset()) if record is not None else []
        if record is None or not contacts or not self._is_up:
            self._judge()
            return
        self._found_record = True
        host, others = self._host, [contact.endpoint for contact in contacts[1:]]
        world.call_at(self._began_s + JUDGED_AFTER_S, self._judge)
        host.overlay.connect(contacts[0], host.clock.now(), self._connected, *others, relays=record.relays)
        host.pump.kick()

    def _connected(self, line: Line | None, error: MeshError | None) -> None:
        if line is None:
            return
        host = self._host
        host.overlay.send_message(line, QUESTION + self.number, host.clock.now())
        host.pump.kick()
        self._look()

    def _look(self) -> None:
        """Look whether the line is direct, again and again until it is."""
        if self._direct_ms is not None or not self._is_up or self._since_ms >= 1000 * JUDGED_AFTER_S:
            return
        if self._way() == "direct":
            self._direct_ms = self._since_ms
            return
        world = self._meets.world
        world.call_at(world.now() + LOOK_EVERY_S, self._look)

    def _judge(self) -> None:
        """See by which way the two are met, unless one of them has gone meanwhile."""
        self._meets.ended(self)
        if not self._is_up or not self._other.up:
            return
        results, way = self._meets.results, self._way()
        results.found += self._found_record
        if self._answered_ms is not None:
            results.answered_ms.append(self._answered_ms)
        if self._direct_ms is not None:
            results.direct_ms.append(self._direct_ms)
        one, other = self._kinds
        results.ways[one, other, way] += 1
        boxes = [self._meets.network.box_of(each.index) for each in (self._host, self._other)]
        line = self._host.overlay.lines.find(self._other.identity.node_id)
        if line is not None:
            look = partial(self._look_idle, line, line.last_use, line.session.tx_bytes)
            self._meets.world.call_at(self._meets.world.now() + IDLE_S, look)
        results.stuck += way == "relay" and can_meet(*boxes)

    def _look_idle(self, line: Line, last_use: float, sent_bytes: int) -> None:
        """Note what a line costs over which nothing went but what keeps it."""
        if line.session.closed is None and line.last_use == last_use:
            self._meets.results.idle_bytes_per_s.append((line.session.tx_bytes - sent_bytes) / IDLE_S)

    def _way(self) -> str:
        line = self._host.overlay.lines.find(self._other.identity.node_id)
        if line is None or line.session.closed is not None:
            return "none"
        return "relay" if line.session.path.transport == RELAY else "direct"

    @property
    def _is_up(self) -> bool:
        return self._host.up and self._host.session == self._session

    @property
    def _since_ms(self) -> float:
        return (self._meets.world.now() - self._began_s) * 1000
