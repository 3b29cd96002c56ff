"""A lookup retold: who was asked when, who named whom, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence

from ..dht.distance import number_of
from ..dht.search import Hop as DhtHop
from .results import Hop


def hops_of(hops: Sequence[DhtHop], target: bytes) -> list[Hop]:
    """Return the questions of a lookup for a target, in the order in which they were asked."""
    place = number_of(target)
    return [
        Hop(
            node_id=hop.contact.node_id.text,
            endpoint=str(hop.contact.endpoint),
            depth=hop.depth,
            rtt_ms=_milliseconds(hop.rtt_s),
            outcome=hop.outcome,
            closer=hop.closer,
            distance_bits=(hop.contact.number ^ place).bit_length(),
            asked_ms=round(hop.asked_s * 1000, 3),
            named_by=None if hop.named_by is None else hop.named_by.text,
            remark=hop.remark,
            remark_ms=_milliseconds(hop.remark_s),
        )
        for hop in hops
    ]


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
