"""How long to wait for a peer: its round-trip times, its lateness and its failures.

Per peer RFC 6298 (smoothed time plus four deviations), between a floor and a ceiling; for a peer never measured, four
times the median of what the network showed lately. Karn's rule: an answer to a request that was sent more than once
is no sample for its peer (which try did it answer?), and the doubled time-out stays until there is one. It still
enters the median, with a part of its longest reading, so that a slow network is learned even when every first try is
late, and yet one that lost a packet is not taken for slow.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from ..wire.contact import Contact
from ..wire.identity import NodeId
from .config import DhtConfig
from .peer_timing import PeerTiming

SAMPLES = 16  # of the network-wide median: few, so that a burst of load is soon forgotten
SAMPLES_PER_MEDIAN = 4
MEDIAN_FACTOR = 4  # a peer four times slower than the median is late
UNSURE_SHARE = 0.4
"""Of a reading that may be of any try: 1.6 times as long, the longest it can be and a margin, is late after it. At 1 a
join whose first packet was lost waited two seconds for the next that was."""
SAMPLES_PER_USUAL = 16  # round trips between two looks at all peers, which take up to 0.1 ms
PATIENT_QUICK_TIMES = 2
"""No peer is waited for longer than so many of the network's quicker round trips. What was measured under load says
little once that is over; at 4 every second of two dead holders cost 5 ms more on loopback, and nothing was saved."""
PATIENT_DEVIATIONS = 2
"""Half of RFC 6298's: to ask somebody else in vain costs a message, and no back-off."""


class Timing:
    """The timings of a bounded number of peers and of the network as a whole.

    `first_timeout_s` is for peers never measured; `hedge_s`, the quartile of quick round trips, is how long a silence
    of everybody asked must last until one more is. `median_s` is of the last round trips, most of them of the quickest,
    who are asked most; `usual_s` is of all peers.
    """

    __slots__ = (
        "_avoided",
        "_config",
        "_fresh",
        "_network_timing",
        "_peers",
        "_quick_s",
        "_samples",
        "_until_usual",
        "first_timeout_s",
        "hedge_s",
        "median_s",
        "usual_s",
    )

    def __init__(self, config: DhtConfig) -> None:
        self._config = config
        self._peers: dict[NodeId, PeerTiming] = {}
        self._avoided: dict[NodeId, float] = {}
        self._samples: deque[float] = deque(maxlen=SAMPLES)
        self._fresh = 0
        self._until_usual = 0
        self._network_timing = PeerTiming()
        self.first_timeout_s = config.timeout_first_s
        self.hedge_s = self.median_s = self._quick_s = self.usual_s = config.timeout_first_s / MEDIAN_FACTOR

    @property
    def samples(self) -> Sequence[float]:
        """Return the last round trips of the whole network, in seconds."""
        return self._samples

    def of(self, node_id: NodeId) -> PeerTiming:
        """Return the timing of a peer; of too many, the first remembered is forgotten."""
        timing = self._peers.get(node_id)
        if timing is None:
            if len(self._peers) >= self._config.peers_max:
                forgotten = next(iter(self._peers))
                del self._peers[forgotten]
                self._avoided.pop(forgotten, None)
            timing = self._peers[node_id] = PeerTiming()
        return timing

    def heard(self, node_id: NodeId) -> None:
        """Note that a peer is alive: it is neither late nor avoided any more."""
        timing = self._peers.get(node_id)
        if timing is not None and (timing.late or timing.failures):
            timing.late = 0
            timing.failures = 0
            self._avoided.pop(node_id, None)

    def not_avoided(self, contacts: list[Contact], now: float) -> list[Contact]:
        """Return those contacts that did not fail so lately that they should be left in peace."""
        if not self._avoided:
            return contacts
        return [contact for contact in contacts if self.avoided_until(contact.node_id) <= now]

    def avoided_until(self, node_id: NodeId) -> float:
        """Return until when a peer is left in peace."""
        return self._avoided.get(node_id, 0.0)

    def timeout_s(self, timing: PeerTiming) -> float:
        """Return how long to wait for the next answer of a peer."""
        return self.first_timeout_s if timing.timeout_s is None else timing.timeout_s

    def expected_rtt_s(self, node_id: NodeId) -> float:
        """Return how long an answer of a peer takes at best, the network's median if it was never measured."""
        timing = self._peers.get(node_id)
        known_s = timing.shortest_s if timing is not None else None
        return self.median_s if known_s is None else known_s

    def patience_s(self, node_id: NodeId) -> float:
        """Return how long to wait for a peer before another is asked as well, which costs a message only."""
        timing = self._peers.get(node_id)
        if timing is None or timing.smoothed_s is None:
            return max(self._config.hedge_s_min, self._quick_s)
        usual_s = timing.smoothed_s + PATIENT_DEVIATIONS * timing.deviation_s
        return max(self._config.hedge_s_min, min(usual_s, PATIENT_QUICK_TIMES * self._quick_s))

    def second_wait_s(self, timing: PeerTiming) -> float:
        """Return how long a lookup waits for a second try: as long as RFC 6298 says, without the doubling.

        For a peer never measured it takes the network's round trips as those of one peer.
        """
        if timing.smoothed_s is not None:
            return self._clamped(timing.smoothed_s + 4 * timing.deviation_s)
        if self._network_timing.smoothed_s is None:
            return self.first_timeout_s
        return self._clamped(self._network_timing.smoothed_s + 4 * self._network_timing.deviation_s)

    def measured(self, timing: PeerTiming, rtt_s: float, tries: int) -> None:
        """Take the time from the first transmission to the answer; a sample of the peer only after one try."""
        self._network(rtt_s if tries == 1 else UNSURE_SHARE * rtt_s)
        if tries > 1:
            return
        self._network_timing.sample(rtt_s)
        smoothed_s = timing.sample(rtt_s)
        timing.timeout_s = self._clamped(smoothed_s + 4 * timing.deviation_s)
        self._until_usual -= 1
        if self._until_usual < 0:
            self._look_at_all()

    def expired(self, timing: PeerTiming, timeout_s: float) -> float:
        """Note that a wait of `timeout_s` was in vain; return the next, doubled one."""
        timing.late += 1
        doubled = self._clamped(2 * timeout_s)
        timing.timeout_s = max(doubled, timing.timeout_s or 0.0)
        return doubled

    def failed(self, node_id: NodeId, sent_at: float, now: float) -> bool:
        """Note that a request was never answered, and leave the peer in peace for a while.

        False when it left before the last failure: many requests lost at once are one failure.
        """
        timing = self.of(node_id)
        if sent_at < timing.failed_at:
            return False
        timing.failed_at = now
        longest = self._config.avoid_s_max
        self._avoided[node_id] = now + min(longest, self._config.avoid_s_min * 2 ** min(timing.failures, 20))
        timing.failures += 1
        return True

    def _look_at_all(self) -> None:
        self._until_usual = SAMPLES_PER_USUAL
        known = [peer.smoothed_s for peer in self._peers.values() if peer.smoothed_s is not None]
        known.sort()
        self.usual_s = known[len(known) // 2] if known else self.usual_s

    def _network(self, rtt_s: float) -> None:
        """Take in a round trip; the first few can only raise what is assumed, for the quickest answer first."""
        self._samples.append(rtt_s)
        self._fresh += 1
        few = len(self._samples) < SAMPLES_PER_MEDIAN
        if few or self._fresh >= SAMPLES_PER_MEDIAN:
            self._fresh = self._fresh if few else 0
            ascending = sorted(self._samples)
            self.median_s = ascending[len(ascending) // 2]
            first_s = self._clamped(MEDIAN_FACTOR * self.median_s)
            self._quick_s = ascending[len(ascending) // 4]
            hedge_s = self._clamped(self._quick_s)
            self.first_timeout_s = max(first_s, self.first_timeout_s) if few else first_s
            self.hedge_s = max(hedge_s, self.hedge_s) if few else hedge_s

    def _clamped(self, timeout_s: float) -> float:
        return min(self._config.timeout_s_max, max(self._config.timeout_s_min, timeout_s))
