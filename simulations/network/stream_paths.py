"""Whether and how fast the segments of a connection get from one end to the other."""

from __future__ import annotations

from .medium import Medium
from .partitions import Passage
from .stream_end import StreamConfig, StreamEnd

NANOSECONDS = 1_000_000_000


class StreamPaths:
    """Ask the medium for connections; TCP itself repairs what is lost, so loss is time here."""

    def __init__(self, medium: Medium, config: StreamConfig) -> None:
        self._medium = medium
        self.stalled_ns = int(config.stalled_s * NANOSECONDS)
        self._repeat_ns = int(config.repeat_s * NANOSECONDS)

    def is_open(self, end: StreamEnd) -> bool:
        """Tell whether a segment sent from an end now would reach its peer, were it not lost by chance."""
        peer = end.peer
        if peer is None or self._medium.partitions.passage(end.index, peer.index) is not Passage.OPEN:
            return False
        now_ns = self._medium.world.now_ns
        realms = self._medium.realms
        way = realms.leave(end.index, end.local, end.remote, now_ns)
        # A box that forgot its mapping gives the connection another name, under which the peer does not know it.
        return way is not None and way.source == peer.remote and realms.enter(way, now_ns) == peer.local

    def delay_ns(self, end: StreamEnd) -> int:
        """Return how far it is from an end to its peer, one way; nothing while there is no peer."""
        return 0 if end.peer is None else self._medium.delay_ns(end.index, end.peer.index)

    def rtt_ns(self, end: StreamEnd) -> int:
        """Return a connection's round trip."""
        return self.delay_ns(end) + (0 if end.peer is None else self.delay_ns(end.peer))

    def repeat_ns(self, end: StreamEnd, tries: int) -> int:
        """Return how long to wait before the next try."""
        return int(max(self._repeat_ns, 2 * self.rtt_ns(end)) << min(tries, 20))

    def repair_ns(self, end: StreamEnd, count: int) -> int | None:
        """Return how much later so many segments are whole for those that are lost; None when it takes too long.

        The first loss is seen from later segments, a round trip after; what is lost again, when its time is out.
        """
        late_ns, wait_ns = 0, self.rtt_ns(end)
        loses = self._medium.loses
        missing = sum(loses(end.index) is not None for _ in range(count))
        while missing:
            late_ns += wait_ns
            if late_ns > self.stalled_ns:
                return None
            wait_ns = max(self._repeat_ns, 2 * wait_ns)
            missing = sum(loses(end.index) is not None for _ in range(missing))
        return late_ns
