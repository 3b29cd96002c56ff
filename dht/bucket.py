"""One k-bucket: contacts that share a prefix length with us, the longest unheard first, and a reserve behind them.

    event                       bucket has room   bucket is full
    verified, member            moves to the tail, failures forgotten, endpoint updated
    verified, in reserve        joins             moves to the tail of the reserve
    verified, unknown           joins             joins the reserve (its oldest makes room)
    failed, below the limit     counts
    failed, at the limit        leaves; the newest of the reserve joins

Old contacts are kept over new ones: who has been up long stays up long (section 2.4 of the Kademlia paper). Whether a
contact may enter at all (authenticated, not ourselves, subnet caps) is the table's business.
"""

from __future__ import annotations

from ..wire.identity import NodeId
from .entry import Entry


class KBucket:
    """A bucket of at most `size` entries and `reserve_max` reserves, both ordered by when they were last heard."""

    __slots__ = ("entries", "reserve", "reserve_max", "size")

    def __init__(self, size: int, reserve_max: int) -> None:
        self.size = size
        self.reserve_max = reserve_max
        self.entries: dict[NodeId, Entry] = {}
        self.reserve: dict[NodeId, Entry] = {}

    def find(self, node_id: NodeId) -> Entry | None:
        """Return the entry of a member or of a reserve."""
        return self.entries.get(node_id) or self.reserve.get(node_id)

    def heard(self, node_id: NodeId, now: float) -> Entry | None:
        """Note a sign of life of a member or a reserve; None when it is neither."""
        home = self.entries if node_id in self.entries else self.reserve
        entry = home.pop(node_id, None)
        if entry is not None:
            home[node_id] = entry
            entry.last_seen = now
            entry.failures = 0
        return entry

    def add(self, entry: Entry) -> Entry | None:
        """Take in an entry that is no member; return the one that fell out of the reserve, if any."""
        node_id = entry.contact.node_id
        self.reserve.pop(node_id, None)
        if len(self.entries) < self.size:
            self.entries[node_id] = entry
            return None
        self.reserve[node_id] = entry
        if len(self.reserve) <= self.reserve_max:
            return None
        return self.reserve.pop(next(iter(self.reserve)))

    def remove(self, node_id: NodeId) -> tuple[Entry | None, Entry | None]:
        """Drop a member or a reserve; return (what left, the reserve that joined in its place)."""
        if node_id not in self.entries:
            return self.reserve.pop(node_id, None), None
        left = self.entries.pop(node_id)
        if not self.reserve:
            return left, None
        newest = next(reversed(self.reserve))
        joined = self.entries[newest] = self.reserve.pop(newest)
        return left, joined
