"""The round trips and failures of one peer."""

from __future__ import annotations

from msgspec import Struct

NEVER = float("-inf")
RISE = 1 / 16
"""Part by which a longer round trip raises the shortest one: after a dozen in a row the way has become longer."""


class PeerTiming(Struct, gc=False, eq=False):
    """What is known of one peer; a node remembers many, so it is small and no part of a circle."""

    smoothed_s: float | None = None
    deviation_s: float = 0.0
    shortest_s: float | None = None
    """The shortest round trip, lately: how far away the peer is. The smoothed one also says how busy both were when it
    was asked, which after a storm of joins is all it says."""
    timeout_s: float | None = None
    late: int = 0
    """Time-outs since it was last heard."""
    failures: int = 0
    failed_at: float = NEVER

    def sample(self, rtt_s: float) -> float:
        """Take in a round trip (RFC 6298, section 2); return the smoothed one."""
        shortest_s = self.shortest_s
        if shortest_s is None or rtt_s <= shortest_s:
            self.shortest_s = rtt_s
        else:
            self.shortest_s = shortest_s + RISE * (rtt_s - shortest_s)
        if self.smoothed_s is None:
            self.smoothed_s = rtt_s
            self.deviation_s = rtt_s / 2
        else:
            self.deviation_s += (abs(self.smoothed_s - rtt_s) - self.deviation_s) / 4
            self.smoothed_s += (rtt_s - self.smoothed_s) / 8
        return self.smoothed_s
