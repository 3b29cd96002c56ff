"""What a Dht did and holds, for people and programs that watch it: counted as it happens, summed up when asked."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from .distance import SPACE

if TYPE_CHECKING:
    from .search import Context


class Counts:
    """Numbers since the start of a node; whoever does something adds one."""

    __slots__ = (
        "answers",
        "failures_silent",
        "failures_unreachable",
        "hedges",
        "refreshes",
        "requests",
        "timeouts",
    )

    def __init__(self) -> None:
        self.requests = 0
        """Requests of ours, each once however often it was sent."""
        self.answers = 0
        self.timeouts = 0
        """Tries that were not answered in time."""
        self.failures_silent = 0
        """Requests given up after the last try."""
        self.failures_unreachable = 0
        """Requests given up because no session could be had, or because it broke."""
        self.hedges = 0
        """Further peers asked because everybody was silent for too long."""
        self.refreshes = 0
        """Lookups for the sake of the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """One look at a Dht; times in milliseconds."""

    contacts: int
    contacts_by_bucket: dict[int, int]
    """Contacts by the number of leading bits that they share with us; the deepest bucket last."""
    reserve: int
    network_size: int
    """Estimate of the number of nodes, from how near our neighbours are; exact for a network that fits a bucket."""
    records: int
    record_bytes: int
    lookups: int
    """Lookups of all kinds, gets, puts and refreshes among them."""
    lookups_running: int
    lookups_waiting: int
    refreshes: int
    requests: int
    requests_in_flight: int
    answers: int
    timeouts: int
    hedges: int
    failures: dict[str, int]
    """Requests given up, by reason."""
    dropped: dict[str, int]
    """Messages of peers that were not taken, by reason."""
    rtt_p50_ms: float | None
    """Median of the last round trips; None before the first."""


def look(
    context: Context, *, lookups: int, running: int, waiting: int, dropped: dict[str, int]
) -> Statistics:
    """Sum up what a Dht did and holds."""
    table, store, rpc, counts = context.table, context.store, context.rpc, context.rpc.counts
    sizes = {bits: len(bucket.entries) for bits, bucket in sorted(table.buckets.items()) if bucket.entries}
    rtts_s = rpc.timing.samples
    return Statistics(
        contacts=len(table),
        contacts_by_bucket=sizes,
        reserve=sum(len(bucket.reserve) for bucket in table.buckets.values()),
        network_size=network_size(len(table), context.config.bucket_size, table.radius(1)),
        records=store.size,
        record_bytes=store.bytes,
        lookups=lookups,
        lookups_running=running,
        lookups_waiting=waiting,
        refreshes=counts.refreshes,
        requests=counts.requests,
        requests_in_flight=len(rpc),
        answers=counts.answers,
        timeouts=counts.timeouts,
        hedges=counts.hedges,
        failures={"silent": counts.failures_silent, "unreachable": counts.failures_unreachable},
        dropped=dropped,
        rtt_p50_ms=round(median(rtts_s) * 1000, 3) if rtts_s else None,
    )


def network_size(contacts: int, bucket_size: int, spacing: int) -> int:
    """Return how many nodes there are: we and all contacts while they are few, else by the spacing of neighbours."""
    if contacts < bucket_size:
        return contacts + 1
    return max(contacts + 1, SPACE // max(spacing, 1))
