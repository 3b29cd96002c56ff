"""Reading records of a key: the search ends at the first answers that suffice, repair goes on behind them.

Whatever comes is verified here: a holder can withhold a record, never forge one. Of one owner only the highest
sequence counts; an empty value is a tombstone, which hides older records and is no result itself.

Records of any owners are believed less: whoever has made identities next to the key has as many owners, too. A list is
taken from several holders, and where there is a crowd (crowd.py) from all, those around it first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from typing import NamedTuple

from ..wire.contact import Contact
from ..wire.errors import DecodeError
from ..wire.identity import PublicKey
from ..wire.record import Record
from .crowd import KeySearch
from .lookup import Candidate, State
from .messages import COPIES_WANT_MAX, FindValue, Reply, Store, Values
from .rpc import INDIFFERENT, Pending
from .search import Context, Hop


class Found(NamedTuple):
    """A verified record and when, in our time, its life began."""

    record: Record
    born_at: float


class GetResult(NamedTuple):
    """Verified live records, the latest of each owner; `source` gave the first, None is our own store.

    `found` has the same records with their ages. `hops` is how many answers led to the source, 0 for our own store.
    `total` is the most that one holder says it has.
    """

    records: list[Record]
    source: Contact | None
    hops: int
    trace: list[Hop]
    found: Sequence[Found] = ()
    total: int = 0


class Holder:
    """What one peer showed: of the `total` records it has, `received` came so far."""

    __slots__ = ("candidate", "copies", "pages", "received", "sequences", "token", "total")

    def __init__(self, candidate: Candidate) -> None:
        self.candidate = candidate
        self.token = b""
        self.copies = 0
        self.total = 0
        self.received = 0
        self.pages = 0
        self.sequences: dict[PublicKey, int] = {}

    @property
    def unread(self) -> int:
        """Return how many records did not come yet."""
        return self.total - self.received

    def take(self, page: Values, total_max: int) -> None:
        """Count a page; an empty one after the first is the last, whatever total it claims."""
        self.token = page.token
        self.copies = page.copies
        self.received += len(page.records)
        self.total = min(page.total, total_max) if page.records or not self.pages else self.received
        self.pages += 1


class ValueSearch(KeySearch):
    """Find `want` records of a key, of one owner or of any; without `copies`, at its holders only."""

    __slots__ = (
        "_all_seeds",
        "_done",
        "_found",
        "_holders",
        "_key",
        "_owner",
        "_paging",
        "_reading",
        "_source",
        "_want",
    )

    def __init__(
        self,
        context: Context,
        key: bytes,
        owner: PublicKey | None,
        want: int,
        done: Callable[[GetResult, float], None],
        *,
        copies: bool = True,
    ) -> None:
        asked_for = want if copies else max(want, COPIES_WANT_MAX + 1)
        request = FindValue(key, owner or b"", asked_for, 0, context.asks)
        super().__init__(context, key, request, context.config.bucket_size)
        self._key = key
        self._owner = owner
        self._want = want
        self._all_seeds = False
        self._done = done
        self._found: dict[PublicKey, Found] = {}
        self._source: Candidate | None = None
        self._holders: list[Holder] = []
        self._paging: Holder | None = None
        self._reading: Holder | None = None

    def start(self, now: float, on_end: Callable[[float], None]) -> None:
        """Look into our own store, then ask."""
        for held in self.context.store.get(self._key, now, self._owner or b""):
            self._found[held.record.owner] = Found(held.record, held.born_at)
        super().start(now, on_end)

    def seed_count(self) -> int:
        """Begin with as many as there are replicas; the others follow if these do not suffice."""
        return self.context.config.value_replicas

    def parallelism_wide(self) -> int:
        """Ask as many at once as there are replicas: one of them will do."""
        return self.context.config.value_replicas

    def wide_radius(self) -> int:
        """Stay narrow until the nearest of all has nothing: the next few asked are likely to hold what is sought."""
        return 0

    def likely_radius(self) -> int:
        """Trust that whoever is as near as the replicas should be holds what is sought, if one record is."""
        return self.context.table.radius(self.context.config.value_replicas) if self._want == 1 else 0

    def minds_crowds(self) -> bool:
        """Tell whether as many as should hold what is sought have had their say."""
        heard = sum(candidate.state is not State.WAITING for candidate in self.lookup.asked)
        return heard >= self.context.config.value_replicas

    def satisfied(self) -> bool:
        """Tell whether enough live records are here, or the only one there can be."""
        if self._owner is not None:
            return self._owner in self._found
        if self._want > 1 and (len(self._holders) < self.context.config.store_quorum or self.is_crowded()):
            return False
        return len(self._found) >= self._want and len(self._live()) >= self._want

    def take(self, candidate: Candidate, reply: Reply, now: float) -> Sequence[Contact] | None:
        """Keep the records of an answer; dismiss a peer that gave a bad one."""
        if not isinstance(reply, Values):
            return None
        if reply.records and self.context.standings.refuses(candidate.contact.node_id, now):
            return None
        holder = self._holder(candidate)
        known = len(self._found)
        holder.take(reply, self.context.config.records_want_max)
        try:
            for age_s, encoded in reply.records:
                self._keep(Record.decode(encoded), age_s, holder, now)
        except DecodeError:
            holder.total = holder.received
            return None
        if self._reading is holder and len(self._found) == known:
            self._reading = None
        return reply.contacts

    def advance(self, now: float) -> None:
        """Ask on, and read on where a holder has more than it could send."""
        super().advance(now)
        if not self.ended and self._paging is None:
            self._ask_page(now)

    def exhausted(self, now: float) -> None:
        """End unless there are more seeds, or a holder has more to give."""
        if not self._all_seeds:
            self._all_seeds = True
            self.lookup.add_seeds(self.nearest_known(self.context.config.bucket_size, now))
            self.advance(now)
        elif self._paging is None and not self._with_more() and not self.goes_around:
            self.end(now)

    def answered(self, pending: Pending, reply: Reply, now: float) -> None:
        """Feed an answer to the lookup; a further page goes the same way."""
        self._page_done(pending)
        super().answered(pending, reply, now)

    def failed(self, pending: Pending, now: float) -> None:
        """Go on without a dead peer, and without its further pages."""
        paged = self._page_done(pending)
        if paged is not None:
            paged.total = paged.received
        super().failed(pending, now)

    def give(self, now: float) -> None:
        """Hand over the records; then give them to nearer peers that lack them."""
        source = self._source
        contact, hops = (source.contact, source.depth) if source is not None else (None, 0)
        total = max((holder.total for holder in self._holders), default=len(self._found))
        found = list(self._found.values())
        self._done(GetResult(self._live(), contact, hops, self.hops(), found, total), now)
        self._repair(now)

    def remark(self, candidate: Candidate) -> tuple[str, float | None]:
        """Return how many records a peer has, or that it was dismissed for a bad one."""
        holder = next((each for each in self._holders if each.candidate is candidate), None)
        if holder is None:
            return "", None
        if candidate.state is State.FAILED:
            return "bad record", None
        what = "copy" if holder.copies else "records" if holder.total > 1 else "record"
        return f"{holder.total} {what}" if holder.total else "", None

    def _live(self) -> list[Record]:
        """Return what is no tombstone, as many as are wanted; what nodes around a crowd hold comes first."""
        live = [found.record for found in self._found.values() if found.record.value]
        if not self.found_around:
            return live[: self._want]
        vouched = {owner for holder in self._holders if self._is_around(holder) for owner in holder.sequences}
        return sorted(live, key=lambda record: record.owner not in vouched)[: self._want]

    def _is_around(self, holder: Holder) -> bool:
        return holder.candidate.contact.node_id in self.found_around

    def _keep(self, record: Record, age_s: int, holder: Holder, now: float) -> None:
        """Verify and keep a record that is news; raise DecodeError when it is not what was asked for.

        One whose life is over by what its holder says is passed over: it may have ended on the way.
        """
        blame, teller = self.context.standings.blame, holder.candidate.contact.node_id
        if record.key != self._key or self._owner not in (None, record.owner):
            blame(teller, "record not asked for", now)
            raise DecodeError("record", "not asked for")
        if age_s >= min(record.ttl_s, self.context.config.record_ttl_s_max):
            return
        known = self._found.get(record.owner)
        if known is None or record.sequence > known.record.sequence:
            if not self.context.signatures.verify(record):
                blame(teller, "forged record", now)
                raise DecodeError("record", "bad signature")
            if not self._found:
                self._source = holder.candidate
            self._found[record.owner] = Found(record, now - age_s)
        holder.sequences[record.owner] = record.sequence

    def _holder(self, candidate: Candidate) -> Holder:
        for holder in self._holders:
            if holder.candidate is candidate:
                return holder
        self._holders.append(Holder(candidate))
        return self._holders[-1]

    def _with_more(self) -> list[Holder]:
        """Return the holders that have records still to come: those around a crowd, else who has more than are here.

        One of those with the most is read to its end, for what is here may be others' records than theirs.
        """
        around = [holder for holder in self._holders if holder.unread > 0 and self._is_around(holder)]
        if around:
            return around
        here, most = len(self._found), max((holder.total for holder in self._holders), default=0)
        whole = any(holder.unread <= 0 and holder.total == most for holder in self._holders)
        least = here + 1 if whole else min(here + 1, most)
        return [holder for holder in self._holders if holder.unread > 0 and holder.total >= least]

    def _ask_page(self, now: float) -> None:
        """Read on where it was begun as long as that brings news: the others would say the same; else anywhere."""
        more = self._with_more()
        if more:
            holder = self._reading if self._reading in more else self.context.random.choice(more)
            self._paging = self._reading = holder
            request = FindValue(self._key, self._owner or b"", self._want, holder.received)
            self.context.rpc.ask(holder.candidate.contact, request, self, now)

    def _page_done(self, pending: Pending) -> Holder | None:
        """Note the end of a page; a peer that is being read was asked by the lookup before, and answered."""
        holder = self._paging
        if holder is None or holder.candidate.contact.node_id != pending.contact.node_id:
            return None
        self._paging = None
        return holder

    def _repair(self, now: float) -> None:
        """Give what was found to peers nearer to the key than its source that have shown not to hold it."""
        if self._source is None or self._holder(self._source).copies:
            return  # whoever lacks what is copied on the way need not be one that should hold it
        config, rpc = self.context.config, self.context.rpc
        nearer = [holder for holder in self._holders if holder.candidate.distance < self._source.distance]
        copies = [
            (holder, found)
            for holder in sorted(nearer, key=lambda holder: holder.candidate.distance)
            for owner, found in self._found.items()
            if holder.unread <= 0 and holder.sequences.get(owner, -1) < found.record.sequence
        ]
        for holder, found in copies[: config.repairs_max]:
            store = Store(holder.token, ceil(now - found.born_at), found.record.encode())
            rpc.ask(holder.candidate.contact, store, INDIFFERENT, now)
