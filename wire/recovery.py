"""Know what of the sent packets arrived, on datagram paths (RFC 9002, with NewReno).

A packet is lost when three later ones arrived or when it is overdue by 9/8 of a round trip. When nothing arrives at
all, the oldest packets are sent again as probes, after a time that doubles from try to try. On TCP packets are only
remembered: it delivers them or its connection dies, and then `change_path` gives them back.
"""

from __future__ import annotations

from itertools import islice

from .packet import DATAGRAM_BYTES

PACKET_THRESHOLD = 3
"""RFC 9002, section 6.1.1."""

TIME_THRESHOLD = 9 / 8
"""RFC 9002, section 6.1.2."""

GRANULARITY_S = 0.001
INITIAL_RTT_S = 0.333
"""RFC 9002, section 6.2.2."""

INITIAL_WINDOW_BYTES = 10 * DATAGRAM_BYTES
"""RFC 9002, section 7.2."""

MINIMUM_WINDOW_BYTES = 4 * DATAGRAM_BYTES
"""With fewer than four packets under way, three later ones can never tell that one is lost."""

LOSS_REDUCTION = 0.7
"""CUBIC's factor (RFC 9438): half would waste more on links that lose packets at random."""

PROBE_PACKETS = 2
"""Sent per probe time-out, whatever the window says (RFC 9002, section 6.2.4)."""

PROBES_UNTIL_COLLAPSE = 3
"""Time-outs in a row after which the path is taken to be congested throughout (RFC 9002, section 7.6)."""

PROBE_TIMEOUT_S_MAX = 2.0
"""The time-out doubles up to this (or stays where it began): a session goes on so soon after an outage ended."""

NEVER = float("inf")

Span = tuple[int, int, bytes | memoryview]
"""Bytes of a lane that a packet carried: (lane, offset, bytes)."""


class Sent:
    """One packet that awaits acknowledgement."""

    __slots__ = ("grants", "size", "spans", "time")

    def __init__(self, time: float, size: int, spans: list[Span], grants: bool) -> None:
        self.time = time
        self.size = size
        self.spans = spans
        self.grants = grants
        """It carried a MAX_DATA frame."""


class RttEstimate:
    """Smoothed round-trip time (RFC 6298 and RFC 9002, section 5)."""

    __slots__ = ("latest_s", "minimum_s", "smoothed_s", "variance_s")

    def __init__(self) -> None:
        self.latest_s = 0.0
        self.minimum_s = 0.0
        self.smoothed_s: float | None = None
        self.variance_s = 0.0

    def add(self, sample_s: float, delay_s: float = 0.0) -> None:
        """Take in a measured round trip, and how long the other side held the acknowledgement."""
        sample_s = max(sample_s, 1e-6)
        self.latest_s = sample_s
        smoothed = self.smoothed_s
        if smoothed is None:
            self.minimum_s = self.smoothed_s = sample_s
            self.variance_s = sample_s / 2
            return
        self.minimum_s = min(self.minimum_s, sample_s)
        if sample_s - delay_s >= self.minimum_s:
            sample_s -= delay_s
        self.variance_s += (abs(smoothed - sample_s) - self.variance_s) / 4
        self.smoothed_s = smoothed + (sample_s - smoothed) / 8


class Recovery:
    """Track sent packets; say what is lost, when to probe, and how much may be under way."""

    __slots__ = (
        "_ack_delay_max_s",
        "_datagram",
        "_largest_acked",
        "_last_sent",
        "_loss_time",
        "_probe_credit",
        "_probes",
        "_recovery_start",
        "_sent",
        "_slow_start_until",
        "_window_max",
        "in_flight",
        "rtt",
        "waiting_since",
        "window",
    )

    def __init__(self, window_max: int, ack_delay_max_s: float, *, datagram: bool) -> None:
        self._datagram = datagram
        self.rtt = RttEstimate()
        self.window = float(INITIAL_WINDOW_BYTES)
        self.in_flight = 0
        """Bytes sent and neither acknowledged nor lost."""
        self.waiting_since: float | None = None
        """When the last packet was acknowledged, or the first one sent, of those that still wait; repeats count on."""
        self._ack_delay_max_s = ack_delay_max_s
        self._last_sent = 0.0
        self._window_max = window_max
        self._slow_start_until = NEVER
        self._sent: dict[int, Sent] = {}
        self._largest_acked = -1
        self._recovery_start = -1.0
        self._loss_time = NEVER
        self._probes = 0
        self._probe_credit = 0

    @property
    def may_send(self) -> bool:
        """Tell whether a datagram may go: the window has room, or it is a probe. Of no meaning on TCP."""
        return self.in_flight < self.window or self._probe_credit > 0

    def sent(self, counter: int, packet: Sent) -> None:
        """Remember a packet that is to be acknowledged."""
        self._sent[counter] = packet
        self.in_flight += packet.size
        self._last_sent = packet.time
        if self.waiting_since is None:
            self.waiting_since = packet.time
        if self._probe_credit:
            self._probe_credit -= 1

    def acknowledged(
        self, ranges: list[tuple[int, int]], delay_s: float, now: float
    ) -> tuple[list[Sent], list[Sent]]:
        """Take in an ACK (ranges newest first); return the packets that arrived and those lost."""
        largest = ranges[0][1]
        newest = self._sent.get(largest)
        arrived = self._take_acknowledged(ranges)
        if arrived:
            self.waiting_since = now if self._sent else None
        if not arrived or not self._datagram:
            return arrived, []
        self._largest_acked = max(self._largest_acked, largest)
        if newest is not None:
            # Not cut to the delay agreed (RFC 9002, section 5.3): an ACK may come late because others were lost.
            self.rtt.add(now - newest.time, delay_s)
        self._probes = self._probe_credit = 0
        self._grow(arrived)
        return arrived, self._take_lost(now)

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due; None when no datagram is under way."""
        if not self._datagram or not self._sent:
            return None
        if self._loss_time != NEVER:
            return self._loss_time
        return self._last_sent + self._probe_timeout_s()

    def handle_timeout(self, now: float) -> list[Sent]:
        """Return the packets to send again: those lost, or the oldest as probes."""
        if self._loss_time <= now:
            return self._take_lost(now)
        due = self.next_timeout()
        if due is None or due > now:
            return []
        self._probes += 1
        if self._probes >= PROBES_UNTIL_COLLAPSE:
            self.window = float(MINIMUM_WINDOW_BYTES)
        self._last_sent = now
        self._probe_credit = PROBE_PACKETS
        return [self._remove(counter) for counter in list(islice(self._sent, PROBE_PACKETS))]

    def change_path(self, *, datagram: bool) -> list[Sent]:
        """Forget what was learned of the path before (RFC 9000, section 9.4); return all packets: they go again."""
        self._datagram = datagram
        if datagram:
            self.rtt = RttEstimate()
        self.window = float(INITIAL_WINDOW_BYTES)
        self._slow_start_until = self._loss_time = NEVER
        self._probes = self._probe_credit = 0
        self.waiting_since = None
        return [self._remove(counter) for counter in list(self._sent)]

    def _take_acknowledged(self, ranges: list[tuple[int, int]]) -> list[Sent]:
        """Walk the packets that wait, never the numbers that a range spans: those are the peer's to choose."""
        sent = self._sent
        position = len(ranges) - 1
        first, last = ranges[position]
        counters: list[int] = []
        for counter in sent:
            while counter > last and position:
                position -= 1
                first, last = ranges[position]
            if counter > last:
                break
            if counter >= first:
                counters.append(counter)
        return [self._remove(counter) for counter in counters]

    def _remove(self, counter: int) -> Sent:
        packet = self._sent.pop(counter)
        self.in_flight -= packet.size
        return packet

    def _grow(self, arrived: list[Sent]) -> None:
        """Open the window by what arrived, unless the sender left it half empty (RFC 9002, section 7.8)."""
        start = self._recovery_start
        size = sum([packet.size for packet in arrived if packet.time > start])
        if not size or self.in_flight + size < self.window / 2:
            return
        slow_start = self.window < self._slow_start_until
        self.window += size if slow_start else DATAGRAM_BYTES * size / self.window
        self.window = min(self.window, self._window_max)

    def _take_lost(self, now: float) -> list[Sent]:
        self._loss_time = NEVER
        delay_s = self._loss_delay_s()
        lost = []
        for counter, packet in self._sent.items():
            if counter >= self._largest_acked:
                break
            if counter <= self._largest_acked - PACKET_THRESHOLD or packet.time + delay_s <= now:
                lost.append(counter)
            else:
                self._loss_time = min(self._loss_time, packet.time + delay_s)
        packets = [self._remove(counter) for counter in lost]
        if packets:
            self._shrink(packets[-1].time, now)
        return packets

    def _shrink(self, lost_time: float, now: float) -> None:
        """Once per round trip: losses of packets sent before the last reduction say nothing new."""
        if lost_time <= self._recovery_start:
            return
        self._recovery_start = now
        self.window = max(self.window * LOSS_REDUCTION, MINIMUM_WINDOW_BYTES)
        self._slow_start_until = self.window

    def _loss_delay_s(self) -> float:
        rtt = self.rtt
        smoothed_s = INITIAL_RTT_S if rtt.smoothed_s is None else rtt.smoothed_s
        return max(TIME_THRESHOLD * max(smoothed_s, rtt.latest_s), GRANULARITY_S)

    def _probe_timeout_s(self) -> float:
        rtt = self.rtt
        if rtt.smoothed_s is None:
            timeout_s = 2 * INITIAL_RTT_S
        else:
            timeout_s = rtt.smoothed_s + max(4 * rtt.variance_s, GRANULARITY_S) + self._ack_delay_max_s
        return max(timeout_s, min(timeout_s * 2.0 ** min(self._probes, 30), PROBE_TIMEOUT_S_MAX))
