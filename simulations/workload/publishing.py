"""Values and node records that their owners keep alive in the DHT.

An owner publishes when it has joined, and again whenever it comes back; in between its DHT renews what it published
(dht/publish.py). A value whose owner left stays for what is left of its life, and is read only while it must be there.
"""

from __future__ import annotations

from functools import partial

from ...dht.publish import Publication
from ...dht.spread import SpreadPublication
from ...nat.relay.offer import CAPABILITY
from ...node.whereabouts import endpoints_of, relays_of
from ...wire.attributes import Attributes
from ...wire.identity import PublicKey
from ...wire.node_record import NodeRecord
from ...wire.record import KEY_BYTES, Record, capability_key
from ..host import NODE, Host
from ..population.population import Population
from ..scenario.schema import Scenario
from ..world import World

RELAYS = capability_key(CAPABILITY)

SIGNED_MAX = 64
"""Versions of a value whose time of signing is remembered: more than live at the same time."""

DRAWS_MAX = 16
"""Keys tried until one is found whose value must be there."""


class Value:
    """A signed value under a random key; `record_of` signs it for the DHT of its owner."""

    __slots__ = (
        "_host",
        "_publication",
        "_sequence",
        "_signed_at_s",
        "_stays_until_s",
        "_ttl_s",
        "_world",
        "content",
        "key",
        "owner",
    )

    def __init__(self, world: World, host: Host, key: bytes, content: bytes, ttl_s: int) -> None:
        self.key = key
        self.content = content
        self.owner: PublicKey = host.identity.public_key
        self._world = world
        self._host = host
        self._publication: Publication | None = None
        self._signed_at_s: dict[int, float] = {}
        self._stays_until_s = 0.0
        self._ttl_s = ttl_s
        self._sequence = 0

    def publish(self) -> None:
        """Put it, and keep it alive as long as its owner is up."""
        host = self._host
        self._publication = host.overlay.dht.publish(self.record_of, host.clock.now())
        host.pump.kick()

    def must_be_there(self, now: float) -> bool:
        """Tell whether a get has to find it: it was stored, and its life cannot be over."""
        result = self._publication.result if self._publication is not None else None
        if result is not None and len(result.stored_on) > 1:
            self._stays_until_s = float("inf")
        return now < self._stays_until_s

    def left_alone(self, now: float) -> None:
        """Note that its owner is gone; what was renewed at two thirds of its life has a third left at least."""
        if self.must_be_there(now):
            self._stays_until_s = min(self._stays_until_s, now + self._ttl_s / 3)
        self._publication = None

    def signed_at_s(self, sequence: int) -> float:
        """Return when a version was signed; one of which nothing is known any more, before all that are known."""
        return self._signed_at_s.get(sequence, min(self._signed_at_s.values(), default=0.0))

    def record_of(self, sequence: int) -> Record:
        """Sign it anew; the number is over all before it, by the clock on the wall as in node/directory.py."""
        self._sequence = max(self._sequence + 1, int(self._host.clock.unix_now() * 1000))
        self._signed_at_s[self._sequence] = self._world.now()
        if len(self._signed_at_s) > SIGNED_MAX:
            del self._signed_at_s[next(iter(self._signed_at_s))]
        identity = self._host.identity
        return Record.create(identity, self.key, self.content, sequence=self._sequence, ttl_s=self._ttl_s)


class OwnRecord:
    """The node record of a host: published anew when it is seen elsewhere or reached through other relays. Who relays
    for others announces that, too."""

    __slots__ = ("_host", "_offer", "_publication", "_sequence", "_session")

    def __init__(self, host: Host) -> None:
        self._host = host
        self._publication: Publication | None = None
        self._offer: SpreadPublication | None = None
        self._session = host.session
        self._sequence = 0

    def publish(self) -> None:
        """Put it, and keep it alive as long as its node is up."""
        host = self._host
        if host.up and host.session == self._session:
            self._publication = host.overlay.dht.publish(self.record_of, host.clock.now())
            changed = partial(host.clock.call_soon, self._renew)
            host.overlay.relaying.reservations.on_change = host.overlay.reach.on_change = changed
            if host.overlay.reach.serves:
                node_id, now = host.identity.node_id, host.clock.now()
                self._offer = host.overlay.dht.publish_spread(RELAYS, node_id, self.offer_of, now)
            host.pump.kick()

    def _renew(self) -> None:
        host = self._host
        if self._publication is not None and host.up and host.session == self._session:
            self._publication.change(host.clock.now())
            host.pump.kick()

    def record_of(self, sequence: int) -> Record:
        """Sign it anew."""
        return self._described({}).to_record(self._host.identity)

    def offer_of(self, key: bytes, sequence: int) -> Record:
        """Sign what those hear who look for a relay."""
        told = self._host.overlay.relaying.server.offer.attributes()
        return self._described(told).to_record(self._host.identity, key)

    def _described(self, attributes: Attributes) -> NodeRecord:
        host = self._host
        self._sequence = max(self._sequence + 1, int(host.clock.unix_now() * 1000))
        return NodeRecord(
            public_key=host.identity.public_key,
            endpoints=endpoints_of(host.overlay, host.endpoints),
            nat=host.overlay.reach.kind.value,
            relays=relays_of(host.overlay, host.clock.now()),
            attributes=attributes,
            sequence=self._sequence,
            ttl_s=NODE.record_ttl_s,
        )


class Publishing:
    """Who publishes what."""

    def __init__(self, world: World, population: Population, scenario: Scenario) -> None:
        self._world = world
        self._population = population
        self._settings = scenario.workload
        self._publishers = scenario.population.publishers
        self._random = world.random(0, "values")
        self._drawn = world.random(0, "values read")
        self.keys = [self._random.randbytes(KEY_BYTES) for _ in range(scenario.workload.keys)]
        """Under which values are put."""
        self.spread_s = 0.0
        """Over how long hosts that join at the same moment publish themselves."""
        self.put_at_s: dict[bytes, float] = {}
        """Keys that are put at a time of their own, when the others are there."""
        self._values: list[Value] = []
        self._hot: Value | None = None
        """What is put under the first of the keys."""
        self._values_of: dict[int, list[Value]] = {}
        population.on_joined.append(self._joined)
        population.on_down.append(self._went_down)

    def begin(self, over_s: float) -> None:
        """Give each value an owner, and put them all within a time."""
        random = self._random
        for key in (key for key in self.keys for _ in range(self._settings.owners)):
            when_s = self._world.now() + over_s * random.random()
            self._world.call_at(max(when_s, self.put_at_s.get(key, 0.0)), partial(self._put, key))

    def draw(self) -> Value | None:
        """Return one of the values that must be found now, or None when none is met with."""
        now, hot_share = self._world.now(), self._settings.hot_share
        if hot_share and self._drawn.random() < hot_share:
            return self._hot if self._hot is not None and self._hot.must_be_there(now) else None
        for _ in range(DRAWS_MAX if self._values else 0):
            value = self._values[int(self._drawn.random() * len(self._values))]
            if value.must_be_there(now):
                return value
        return None

    def _put(self, key: bytes) -> None:
        host = self._population.any_of(self._population.honest_live, self._random)
        if host is None:
            return
        content = self._random.randbytes(self._settings.value_size)
        value = Value(self._world, host, key, content, int(self._settings.value_ttl))
        self._values.append(value)
        if key == self.keys[0]:
            self._hot = value
        self._values_of.setdefault(host.index, []).append(value)
        if host.joined:
            value.publish()

    def _joined(self, host: Host) -> None:
        for value in self._values_of.get(host.index, ()):
            value.publish()
        if host.honest and self._is_publisher(host):
            when = self._world.now() + self.spread_s * self._random.random()
            self._world.call_at(when, OwnRecord(host).publish)

    def _is_publisher(self, host: Host) -> bool:
        share = self._publishers
        return share > 0 and self._world.random(host.index, "publisher").random() < share

    def _went_down(self, host: Host) -> None:
        for value in self._values_of.get(host.index, ()):
            value.left_alone(self._world.now())
