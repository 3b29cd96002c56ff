"""Censor: ids ground next to one key, which take what is stored there and never give it out (NDSS 2024.23153).

The passive half claims to hold nothing and names its own kind as the nearest there are. The active half answers at once
with a record of its own under the key, so that a reader who takes the first that verifies asks nobody else
(arXiv 2505.01139). Whatever does not concern the key they answer honestly, so that they are well thought of.
"""

from __future__ import annotations

from ...dht.get import GetResult
from ...dht.messages import (
    FindNode,
    FindValue,
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
from ...wire.record import KEY_AT, KEY_BYTES, Record
from ..host import Host
from ..workload.publishing import Value
from .adversary import Adversary
from .colluders import Colluders
from .grinding import ids_near
from .hostile_server import TOKEN, HostileServer
from .sybil import NAMED

TRIES_PER_ID_AND_NODE = 2
"""Keys made per identity and honest node: one would do to be nearer to the key than all of them, in the mean."""

KNOWN_SHARE = 0.25
"""The value is put so long before the end of the settling: the censors have met everybody near it by then."""

FALSE_VALUE = b"false"
FALSE_TTL_S = 3600


class CensorServer(HostileServer):
    """Hide one key, with a record of its own when there is one."""

    def __init__(self, honest: Answers, group: Colluders, key: bytes, false_record: Record | None) -> None:
        super().__init__(honest)
        self._group = group
        self._key = key
        self._false_record = false_record

    def false_reply(self, request: Request, sender: Contact, now: float) -> Reply | None:
        """Answer what concerns the key."""
        if isinstance(request, FindNode) and request.target == self._key:
            return Nodes(TOKEN, self._group.nearest(self._key, NAMED, sender.node_id))
        if isinstance(request, FindValue) and request.key == self._key:
            return self._values(sender)
        if isinstance(request, Store) and request.record[1 : 1 + len(self._key)] == self._key:
            return Stored(Outcome.STORED, 0)
        if isinstance(request, StoreMany) and any(
            encoded[KEY_AT : KEY_AT + KEY_BYTES] == self._key for _, encoded in request.records
        ):
            return StoredMany([(Outcome.STORED, 0)] * len(request.records))
        return None

    def _values(self, sender: Contact) -> Values:
        if self._false_record is not None:
            return Values(TOKEN, 1, [(0, self._false_record.encode())], [])
        return Values(TOKEN, 0, [], self._group.nearest(self._key, NAMED, sender.node_id))


class Censor(Adversary):
    """Surround one key of the workload."""

    key: bytes
    _gets = 0
    _right = 0

    def prepare(self) -> None:
        """Choose the key and grind ids next to it; those who are there from the start are there before the value."""
        self.key = self.choose_key()
        if not self.spec.at:
            known_s = KNOWN_SHARE * self.stage.scenario.settle
            self.stage.workload.put_later(self.key, self.stage.measured_from_s - known_s)
        self.stage.workload.on_get.append(self._got)
        tries = TRIES_PER_ID_AND_NODE * self.count * self.stage.scenario.population.nodes
        self.seeds = ids_near(self.key, self.count, tries, self.random)

    def figures(self) -> dict[str, float]:
        """Return how often the hidden key was read, and the share of the reads that returned its owner's value."""
        if not self._gets:
            return {}
        return {"censored_gets": self._gets, "censored_get_success": round(self._right / self._gets, 4)}

    def equip(self, host: Host) -> None:
        """Hide the key: one in silence, the next with something false."""
        active = len(self.group) % 2 == 1
        self.group.add(host.contact)
        false_record = self._false_record(host) if active else None
        host.overlay.dht.server = CensorServer(host.overlay.dht.server, self.group, self.key, false_record)

    def _got(self, host: Host, value: Value, result: GetResult) -> None:
        if value.key == self.key:
            self._gets += 1
            self._right += any(record.value == value.content for record in result.records)

    def _false_record(self, host: Host) -> Record:
        return Record.create(host.identity, self.key, FALSE_VALUE, sequence=1, ttl_s=FALSE_TTL_S)
