"""One comparison with one neighbour: a summary, the marks when it differs, copies of what is missing there.

One request is on its way at a time, so a comparison never sends faster than one datagram a round trip. What we lack
ourselves the neighbour gives us in a comparison of its own.
"""

from __future__ import annotations

from ..wire.contact import Contact
from .batch import datagrams
from .digest import flagged, mark_of, summary_of
from .messages import MARKS_MAX, RECORDS_MAX, Digest, Lacking, Outcome, Reply, StoredMany, StoreMany
from .rpc import Pending
from .search import Context
from .store import Held


class Comparison:
    """Give one neighbour those of some records that it lacks."""

    __slots__ = ("_contact", "_context", "_copied", "_copies", "_named", "_token", "_unnamed")

    def __init__(self, context: Context, contact: Contact, records: list[Held]) -> None:
        self._context = context
        self._contact = contact
        self._unnamed = list(records)
        # A page that is refused as a whole ends a comparison; the next one must not begin with the same.
        context.random.shuffle(self._unnamed)
        self._named: list[Held] = []
        self._copies: list[Held] = []
        self._copied = 0
        self._token = b""

    def compare(self, now: float) -> None:
        """Begin with a summary: a few bytes when nothing is missing."""
        self._context.rpc.ask(self._contact, Digest(summary_of(self._unnamed)), self, now)

    def name(self, now: float) -> None:
        """Begin, or go on, with marks: for a neighbour that has probably none of these."""
        self._named, self._unnamed = self._unnamed[:MARKS_MAX], self._unnamed[MARKS_MAX:]
        if self._named and self._copied < self._context.config.repair_records_max:
            marks = b"".join(map(mark_of, self._named))
            self._context.rpc.ask(self._contact, Digest(marks=marks), self, now)

    def answered(self, pending: Pending, reply: Reply, now: float) -> None:
        """Go on with what the answer asks for."""
        if isinstance(reply, StoredMany):
            if any(outcome is Outcome.STORED for outcome, _ in reply.outcomes):
                self._copy(now)
        elif isinstance(reply, Lacking):
            self._lacking(reply, now)

    def slow(self, pending: Pending, now: float) -> None:
        """Wait on."""

    def failed(self, pending: Pending, now: float) -> None:
        """Give nothing: who does not answer is no replica."""

    def _lacking(self, reply: Lacking, now: float) -> None:
        if self._named:
            self._token = reply.token
            room = self._context.config.repair_records_max - self._copied
            self._copies = list(flagged(self._named, reply.bits))[:room] if reply.token else []
            self._copy(now)
        elif reply.bits:
            self.name(now)

    def _copy(self, now: float) -> None:
        """Send as many copies as fit one datagram, with their ages of this moment; then the next marks."""
        copies = [held for held in self._copies if held.expires_at > now]
        if not copies:
            self.name(now)
            return
        aged = ((held.age_s(now), held.record.encode()) for held in copies[:RECORDS_MAX])
        page = next(datagrams(aged))
        self._copies = copies[len(page) :]
        self._copied += len(page)
        self._context.rpc.ask(self._contact, StoreMany(self._token, page), self, now)
