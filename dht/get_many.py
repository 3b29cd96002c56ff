"""Reading many keys at once: those that are likely to share a holder are asked for in one datagram.

Whom to ask is planned from the table alone, as one get does: of the nodes within the radius in which a key's holders
are expected, the one that is expected to hold the most of what is still sought gets as many keys as its answer has room
for, and so on; those asked for less come before those asked for more, the quicker before the slower. What an answer
lacks (for want of room, of the record, or of the peer) is got alone, as is every key that shares its holders with none.
Of keys beside each other whose holders are not known yet one is got alone, and who had it is asked for the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeAlias

from ..wire.contact import Contact
from ..wire.errors import DecodeError
from ..wire.identity import NodeId
from ..wire.record import Record
from .distance import number_of
from .get import Found, GetResult
from .messages import RECORDS_MAX, FindMany, Reply, ValuesMany
from .rpc import Pending
from .search import Context, Hop

Tell: TypeAlias = Callable[[GetResult, float], None]
GetAlone: TypeAlias = Callable[[bytes, Tell, float], None]


class Part:
    """Some of the keys, asked of one peer; `get_alone` is told of each that does not come."""

    __slots__ = ("_asked_at", "_contact", "_context", "_get_alone", "_sought")

    def __init__(
        self,
        context: Context,
        contact: Contact,
        sought: dict[bytes, Tell],
        get_alone: GetAlone,
    ) -> None:
        self._context = context
        self._contact = contact
        self._sought = sought
        self._get_alone = get_alone

    def ask(self, now: float) -> None:
        """Ask, unless the peer is late already."""
        self._asked_at = now
        if not self._context.rpc.ask(self._contact, FindMany(list(self._sought)), self, now):
            self._give_up(now)

    def answered(self, pending: Pending, reply: Reply, now: float) -> None:
        """Take what came, and get the rest alone."""
        if isinstance(reply, ValuesMany):
            self._context.tokens.note(self._contact.node_id, reply.token, now)
            for age_s, encoded in reply.records:
                self._take(encoded, now - age_s, now)
        self._give_up(now)

    def slow(self, pending: Pending, now: float) -> None:
        """Wait no longer for a peer that is late."""
        self._give_up(now)

    def failed(self, pending: Pending, now: float) -> None:
        """Go on without the peer."""
        self._give_up(now)

    def _take(self, encoded: bytes, born_at: float, now: float) -> None:
        """Give a record to whoever waits for it; one that is no good is as good as none."""
        try:
            record = Record.decode(encoded)
        except DecodeError:
            return
        if record.key in self._sought and record.value and self._context.signatures.verify(record):
            hop = Hop(self._contact, 1, now - self._asked_at, "answered", 0, remark="1 record")
            result = GetResult([record], self._contact, 1, [hop], [Found(record, born_at)])
            self._sought.pop(record.key)(result, now)

    def _give_up(self, now: float) -> None:
        sought, self._sought = self._sought, {}
        for key, tell in sought.items():
            self._get_alone(key, tell, now)


class Plan:
    """Which of the keys to ask of whom."""

    __slots__ = ("_asked", "_contacts", "_context", "_keys_of", "_most")

    def __init__(self, context: Context, keys: Sequence[bytes], now: float) -> None:
        self._context = context
        self._most = _most(context)
        self._contacts: dict[NodeId, Contact] = {}
        self._keys_of: dict[NodeId, dict[bytes, None]] = {}
        self._asked: dict[NodeId, int] = {}
        for key in keys:
            for contact in self._likely(key, now):
                self._contacts[contact.node_id] = contact
                self._keys_of.setdefault(contact.node_id, {})[key] = None

    def parts(self) -> Iterator[tuple[Contact, list[bytes]]]:
        """Yield peers, each with at least two keys; no key comes twice."""
        while self._keys_of:
            node_id = min(self._keys_of, key=self._order)
            keys = list(self._keys_of[node_id])[: self._most]
            if len(keys) < 2:
                return
            self._asked[node_id] = self._asked.get(node_id, 0) + 1
            for key in keys:
                self._planned(key)
            yield self._contacts[node_id], keys

    def _order(self, node_id: NodeId) -> tuple[int, int, float]:
        many = min(len(self._keys_of[node_id]), self._most)
        return -many, self._asked.get(node_id, 0), self._context.rpc.timing.expected_rtt_s(node_id)

    def _planned(self, key: bytes) -> None:
        for keys in self._keys_of.values():
            keys.pop(key, None)

    def _likely(self, key: bytes, now: float) -> list[Contact]:
        """Return the known nodes that are expected to hold a key; none where we hold it ourselves."""
        context, target = self._context, number_of(key)
        if context.store.get(key, now):
            return []
        replicas = context.config.value_replicas
        radius = context.table.radius(replicas)
        near = [each for each in context.table.nearest(target, replicas) if each.number ^ target <= radius]
        return context.rpc.timing.not_avoided(near, now)


def get_many(context: Context, sought: dict[bytes, Tell], get_alone: GetAlone, now: float) -> None:
    """Get a record of each key; whoever seeks it is told once."""
    left = dict(sought)
    for contact, keys in Plan(context, list(sought), now).parts():
        Part(context, contact, {key: left.pop(key) for key in keys}, get_alone).ask(now)
    for first, *others in _regions(context, list(left)):
        rest = {key: left[key] for key in others}
        get_alone(first, partial(_go_on, context, left[first], rest, get_alone), now)


def _regions(context: Context, keys: list[bytes]) -> Iterator[list[bytes]]:
    """Yield keys that are as near to each other as two nodes are, so that they share all but a few of their holders."""
    radius, region = context.table.radius(1), list[bytes]()
    for key in sorted(keys):
        if region and number_of(key) ^ number_of(region[0]) > radius:
            yield region
            region = []
        region.append(key)
    if region:
        yield region


def _go_on(
    context: Context, tell: Tell, rest: dict[bytes, Tell], get_alone: GetAlone, result: GetResult, now: float
) -> None:
    """Give the first of a region to whoever waits for it, and ask who had it for the rest."""
    tell(result, now)
    for keys in _chunks(list(rest), context):
        sought = {key: rest[key] for key in keys}
        if result.source is not None:
            Part(context, result.source, sought, get_alone).ask(now)
        else:
            for key in keys:
                get_alone(key, rest[key], now)


def _chunks(keys: list[bytes], context: Context) -> Iterator[list[bytes]]:
    most = _most(context)
    return (keys[start : start + most] for start in range(0, len(keys), most))


def _most(context: Context) -> int:
    return min(context.config.get_many_keys, RECORDS_MAX)
