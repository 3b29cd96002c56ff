"""What holders compare: a mark of each record, one summary of many marks, and a bit for each mark that is missing.

A mark is the beginning of the record's signature, which covers key, owner, sequence and value (Ed25519, RFC 8032): as
good as a hash of them, and there already. Only its owner can choose it, so nobody hides another's record behind a mark
of his own. Content is marked by its key. Which keys two holders share each knows from its own table; where these
disagree the summaries differ, and the marks tell what is missing whatever the tables say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

from ..wire.contact import Contact
from ..wire.identity import NodeId
from .distance import number_of
from .messages import MARK_BYTES, SUMMARY_BYTES, Digest
from .search import Context
from .store import Held

MINUTE_S = 60.0
DIFFERENT = b"\x01"


class Holders(NamedTuple):
    """Who should hold a key by our own table: `others` in order, and at which place we stand ourselves."""

    others: list[Contact]
    own_rank: int

    @classmethod
    def of(cls, key: bytes, context: Context) -> Holders:
        """Return the replicas of a key; without others when we are none of them."""
        target, replicas = number_of(key), context.config.value_replicas
        nearest = context.table.nearest(target, replicas)
        own_distance = number_of(context.own_id) ^ target
        own_rank = sum(contact.number ^ target < own_distance for contact in nearest)
        return cls(nearest[: replicas - 1] if own_rank < replicas else [], own_rank)


def shares(context: Context) -> dict[NodeId, tuple[Contact, list[Held]]]:
    """Return each neighbour with the records that it should hold as we do."""
    shared: dict[NodeId, tuple[Contact, list[Held]]] = {}
    for key, records in context.store.by_key():
        for contact in Holders.of(key, context).others:
            shared.setdefault(contact.node_id, (contact, []))[1].extend(records)
    return shared


def mark_of(held: Held) -> bytes:
    """Return the mark of a record; content has no signature, and is what its key says."""
    record = held.record
    return (record.key if record.is_content else record.signature)[:MARK_BYTES]


def summary_of(records: Iterable[Held]) -> bytes:
    """Return one hash of all marks, whatever their order."""
    return blake2b(b"".join(sorted(map(mark_of, records))), digest_size=SUMMARY_BYTES).digest()


def bits_of(flags: Sequence[bool]) -> bytes:
    """Pack a bit for each flag, the first in the lowest bit of the first byte; nothing when none is set."""
    number = sum(1 << place for place, flag in enumerate(flags) if flag)
    return number.to_bytes(-(-len(flags) // 8), "little") if number else b""


def flagged(records: Sequence[Held], bits: bytes) -> Iterator[Held]:
    """Yield the records whose bits are set; bits beyond the records mean nothing."""
    number = int.from_bytes(bits, "little")
    return (held for place, held in enumerate(records) if number >> place & 1)


class DigestAnswers:
    """Say what of a neighbour's records is missing here, at most so often in a minute.

    Each answer goes over the whole store. Whoever asks more is told that nothing is missing: no answer would count as
    our death.
    """

    __slots__ = ("_began_at", "_context", "_served")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._began_at = float("-inf")
        self._served = 0

    def answer(self, request: Digest, sender: NodeId, now: float) -> bytes:
        """Return a bit for the summary or for each mark, set where we have something else or nothing."""
        if not self._may_serve(now):
            return b""
        self._context.store.expire(now)
        if request.summary:
            _, records = shares(self._context).get(sender, (None, []))
            return b"" if summary_of(records) == request.summary else DIFFERENT
        here = {mark_of(held) for held in self._context.store}
        marks = request.marks
        ends = range(MARK_BYTES, len(marks) + 1, MARK_BYTES)
        return bits_of([marks[end - MARK_BYTES : end] not in here for end in ends])

    def _may_serve(self, now: float) -> bool:
        if now - self._began_at >= MINUTE_S:
            self._began_at, self._served = now, 0
        self._served += 1
        return self._served <= self._context.config.repair_answers_max
