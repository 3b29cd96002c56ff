"""How many requests of a node may be in flight: additive increase, multiplicative decrease (RFC 5681).

A burst of lookups would lose its own packets in the queues on the way, and its time-outs would send more. What shows
that a queue overflows is a peer that answers a repeated request: it is alive, so the first one was lost or late. A peer
that never answers is dead, and says nothing about the way to others.
"""

from __future__ import annotations

from .config import DhtConfig

DECREASE = 0.7  # CUBIC's (RFC 9438, section 4.6): few packets are lost, and the queue still drains


class Window:
    """Count what is in flight against a size that follows what the network carries."""

    __slots__ = ("_config", "_shrunk_at", "in_flight", "size")

    def __init__(self, config: DhtConfig) -> None:
        self.size = float(config.window_first)
        self.in_flight = 0
        self._config = config
        self._shrunk_at = float("-inf")

    @property
    def has_room(self) -> bool:
        """Tell whether another request may leave."""
        return self.in_flight < self.size

    def answered(self) -> None:
        """Grow: by one per window that was answered at the first try."""
        if self.in_flight >= self.size - 1:
            self.size = min(self._config.window_max, self.size + 1 / self.size)

    def answered_late(self, sent_at: float, now: float) -> None:
        """Shrink, once for all that were in flight together."""
        if sent_at >= self._shrunk_at:
            self._shrunk_at = now
            self.size = max(self._config.window_min, self.size * DECREASE)
