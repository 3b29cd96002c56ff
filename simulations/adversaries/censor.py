"""Censor: ids ground next to keys, which take what is stored there and never give it out (NDSS 2024.23153).

The silent claim to hold nothing and name their own kind as the nearest there are. The loud answer at once with a record
of their own under the key, so that a reader who takes the first that verifies asks nobody else (arXiv 2505.01139). The
inventive name nodes that nobody runs, nearer than any that exists. They lie about the whole neighbourhood of the key,
so that asking for a place beside it helps no more than asking for the key. Whatever concerns other places they answer
honestly, so that they are well thought of.
"""

from __future__ import annotations

from itertools import cycle

from ...dht.distance import SPACE, number_of
from ...dht.get import GetResult
from ...dht.messages import (
    FindNode,
    FindValue,
    Listen,
    Listening,
    Nodes,
    Outcome,
    Reply,
    Request,
    Store,
    Stored,
    StoredMany,
    StoreMany,
    Values,
)
from ...dht.server import Answers
from ...wire.contact import Contact
from ...wire.crypto import REAL
from ...wire.identity import PublicKey
from ...wire.record import KEY_AT, KEY_BYTES, Record
from ..host import Host
from ..workload.publishing import Value
from .addresses import nowhere
from .adversary import Adversary
from .colluders import Colluders
from .grinding import ids_next_to
from .hostile_server import LISTENING_S, TOKEN, HostileServer
from .sybil import NAMED

TRIES_PER_ID_AND_NODE = 2
"""Keys made per identity and honest node: one would do to be nearer to the key than all of them, in the mean."""

KNOWN_SHARE = 0.25
"""The value is put so long before the end of the settling: the censors have met everybody near it by then."""

FALSE_VALUE = b"false"
FALSE_TTL_S = 3600

NEIGHBOURHOOD_NODES = 64
"""They lie about targets within the distance of the key in which so many honest nodes live."""

INVENTED_SHARE = 4
"""Nodes invented for each identity of the inventive."""


class CensorServer(HostileServer):
    """Hide one key, with a record of its own when there is one."""

    def __init__(
        self,
        honest: Answers,
        group: Colluders,
        key: bytes,
        false_record: Record | None,
        neighbourhood: int = 0,
    ) -> None:
        super().__init__(honest)
        self._group = group
        self._key = key
        self._place = number_of(key)
        self._neighbourhood = neighbourhood
        self._false_record = false_record

    def false_reply(self, request: Request, sender: Contact, now: float) -> Reply | None:
        """Answer what concerns the key."""
        if isinstance(request, FindNode) and self._is_near(request.target):
            return Nodes(TOKEN, self._group.nearest(request.target, NAMED, sender.node_id))
        if isinstance(request, FindValue) and request.key == self._key:
            return self._values(sender)
        if isinstance(request, Store) and request.record[1 : 1 + len(self._key)] == self._key:
            contacts = self._group.nearest(self._key, request.want, sender.node_id) if request.want else []
            return Stored(Outcome.STORED, 0, TOKEN if request.want else b"", contacts)
        if isinstance(request, StoreMany) and any(
            encoded[KEY_AT : KEY_AT + KEY_BYTES] == self._key for _, encoded in request.records
        ):
            return StoredMany([(Outcome.STORED, 0)] * len(request.records))
        if isinstance(request, Listen) and request.key == self._key:
            return Listening(Outcome.STORED, LISTENING_S)
        return None

    def _is_near(self, target: bytes) -> bool:
        return number_of(target) ^ self._place <= self._neighbourhood

    def _values(self, sender: Contact) -> Values:
        if self._false_record is not None:
            return Values(TOKEN, 1, [(0, self._false_record.encode())], [])
        return Values(TOKEN, 0, [], self._group.nearest(self._key, NAMED, sender.node_id))


class Ring:
    """Who surrounds one key: those that exist, and those and the invented together."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.present = Colluders()
        self.named = Colluders()


class Censor(Adversary):
    """Surround keys of the workload."""

    _gets = 0
    _right = 0

    def recruits(self) -> int:
        """Return how many hosts it has: so many at each key."""
        return super().recruits() * self.spec.keys

    def prepare(self) -> None:
        """Choose the keys and grind ids next to them; who is there from the start is there before the values."""
        spec, stage = self.spec, self.stage
        self.rings = {key: Ring(key) for key in stage.workload.keys[: spec.keys] or [self.choose_key()]}
        if not spec.at:
            known_s = KNOWN_SHARE * stage.scenario.settle
            for key in self.rings:
                stage.workload.put_later(key, stage.measured_from_s - known_s)
        stage.workload.on_get.append(self._got)
        each, nodes = self.count // spec.keys, stage.scenario.population.nodes
        invented = INVENTED_SHARE * each if spec.censors in ("inventive", "all") else 0
        tries = TRIES_PER_ID_AND_NODE * self.count * nodes
        within = SPACE * spec.spread // nodes
        ground = ids_next_to(list(self.rings), each + invented, tries, self.random, within)
        for ring, seeds in zip(self.rings.values(), ground, strict=True):
            # Of those that are there the nearest: others only have to be named.
            self.seeds += seeds[:each]
            self._invent(ring, seeds[each:])
        self._kinds = cycle(("silent", "loud", "inventive") if spec.censors == "all" else (spec.censors,))
        if spec.censors == "mixed":
            self._kinds = cycle(("silent", "loud"))

    @property
    def key(self) -> bytes:
        """The first key that it hides."""
        return next(iter(self.rings))

    def figures(self) -> dict[str, float]:
        """Return how often a hidden key was read, and the share of the reads that returned its owner's value."""
        if not self._gets:
            return {}
        return {"censored_gets": self._gets, "censored_get_success": round(self._right / self._gets, 4)}

    def equip(self, host: Host) -> None:
        """Hide the key that it stands next to, each in its way."""
        node_id = host.identity.node_id
        ring = min(self.rings.values(), key=lambda ring: node_id.distance(ring.key))
        kind = next(self._kinds)
        for group in (self.group, ring.present, ring.named):
            group.add(host.contact)
        false_record = self._false_record(host, ring.key) if kind == "loud" else None
        named = ring.named if kind == "inventive" else ring.present
        near = SPACE * NEIGHBOURHOOD_NODES // self.stage.scenario.population.nodes
        server = CensorServer(host.overlay.dht.server, named, ring.key, false_record, near)
        host.overlay.dht.server = server

    def _invent(self, ring: Ring, seeds: list[bytes]) -> None:
        for seed in seeds:
            place = self.random.getrandbits(24)
            ring.named.add(Contact(PublicKey(REAL.signing_public(seed)), nowhere(place)))

    def _got(self, host: Host, value: Value, result: GetResult) -> None:
        if value.key in self.rings:
            self._gets += 1
            self._right += any(record.value == value.content for record in result.records)

    def _false_record(self, host: Host, key: bytes) -> Record:
        return Record.create(host.identity, key, FALSE_VALUE, sequence=1, ttl_s=FALSE_TTL_S)
