"""What a Dht did and holds, for people and programs that watch it: counted as it happens, summed up when asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
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
        "ephemeral",
        "failures_nonsense",
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
        self.failures_nonsense = 0
        """Requests given up because what came was no answer to them."""
        self.failures_unreachable = 0
        """Requests given up because no session could be had, or because it broke."""
        self.ephemeral = 0
        """Times that somebody was met who asks not to be listed."""
        self.hedges = 0
        """Further peers asked because everybody was silent for too long."""
        self.refreshes = 0
        """Lookups for the sake of the table."""

    @classmethod
    def sum_of(cls, all_counts: Iterable[Counts]) -> Counts:
        """Add up counts."""
        total = cls()
        for counts in all_counts:
            for name in cls.__slots__:
                setattr(total, name, getattr(total, name) + getattr(counts, name))
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """One look at a Dht; times in milliseconds."""

    contacts: int
    contacts_by_bucket: dict[int, int]
    """Contacts by the number of leading bits that they share with us; the deepest bucket last."""
    reserve: int
    ephemeral: int
    """Times that somebody was met who asks not to be listed."""
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
    faults: dict[str, int]
    """What peers did that no honest node does, by reason (standing.py)."""
    rtt_p50_ms: float | None
    """Median of the last round trips; None before the first."""


def look(
    contexts: Sequence[Context], *, lookups: int, running: int, waiting: int, dropped: dict[str, int]
) -> Statistics:
    """Sum up what a Dht did and holds, in all its address families."""
    store = contexts[0].store
    tables = [context.table for context in contexts]
    counts = Counts.sum_of(context.rpc.counts for context in contexts)
    sizes: Counter[int] = Counter()
    for table in tables:
        sizes.update({bits: len(bucket.entries) for bits, bucket in table.buckets.items()})
    rtts_s = [rtt_s for context in contexts for rtt_s in context.rpc.timing.samples]
    return Statistics(
        contacts=sum(len(table) for table in tables),
        contacts_by_bucket={bits: sizes[bits] for bits in sorted(sizes) if sizes[bits]},
        reserve=sum(len(bucket.reserve) for table in tables for bucket in table.buckets.values()),
        ephemeral=counts.ephemeral,
        network_size=max(size_estimate(context) for context in contexts),
        records=store.size,
        record_bytes=store.bytes,
        lookups=lookups,
        lookups_running=running,
        lookups_waiting=waiting,
        refreshes=counts.refreshes,
        requests=counts.requests,
        requests_in_flight=sum(len(context.rpc) for context in contexts),
        answers=counts.answers,
        timeouts=counts.timeouts,
        hedges=counts.hedges,
        failures={
            "silent": counts.failures_silent,
            "unreachable": counts.failures_unreachable,
            "nonsense": counts.failures_nonsense,
        },
        dropped=dropped,
        faults=dict(contexts[0].standings.faults),
        rtt_p50_ms=round(median(rtts_s) * 1000, 3) if rtts_s else None,
    )


def size_estimate(context: Context) -> int:
    """Estimate how many nodes the network has, from the table alone."""
    table = context.table
    return network_size(len(table), context.config.bucket_size, table.radius(1))


def network_size(contacts: int, bucket_size: int, spacing: int) -> int:
    """Return how many nodes there are: we and all contacts while they are few, else by the spacing of neighbours.

    Ids are uniform, so the i-th nearest of N nodes lies i / (N + 1) of the space away in the mean (order statistics;
    go-libp2p-kad-dht's netsize fits the same line); `spacing` is the slope through our nearest contacts.
    """
    if contacts < bucket_size:
        return contacts + 1
    return max(contacts + 1, SPACE // max(spacing, 1))
