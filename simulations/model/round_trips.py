"""How long an answer takes: per pair of nodes a round trip of its own, jitter on both ways, and lost packets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..network.delays import RTT_QUANTILES_MS
from ..scenario.schema import Latency
from .mixing import Floats, Numbers, mix, unit
from .space import Ranks

SHARES, RTT_MS = np.array(RTT_QUANTILES_MS).T

DELAY, PAIR, THERE, BACK, LOSS = np.arange(5, dtype=np.uint64).reshape(5, 1)


def rtt_quantile_s(latency: Latency, share: float) -> float:
    """Return the round trip that a share of them stays below, with the jitter of the mean packet."""
    jitter = 1 + latency.jitter / 2
    if latency.model == "fixed":
        return 2 * latency.one_way * jitter
    if latency.model == "uniform":
        return 2 * (latency.one_way_min + share * (latency.one_way_max - latency.one_way_min)) * jitter
    return float(np.interp(share, SHARES, RTT_MS)) / 1000 * jitter


class RoundTrips:
    """Draw round trips; `coordinates` has the same quantiles as independent pairs, and is drawn like those."""

    def __init__(self, latency: Latency, loss: float, key: Numbers) -> None:
        self._latency = latency
        self._key = key
        self._lost_share = 1 - (1 - loss) ** 2

    def seconds(self, nodes: Ranks, peers: Ranks, serials: Numbers) -> Floats:
        """Return the round trips between nodes and peers; `serials` make the jitter of a request its own."""
        latency = self._latency
        if latency.model == "fixed":
            base = np.full(peers.shape, 2 * float(latency.one_way))
        elif latency.model == "uniform":
            width_s = latency.one_way_max - latency.one_way_min
            base = 2 * (latency.one_way_min + width_s * self._of_pair(nodes, peers, DELAY))
        else:
            base = np.interp(self._of_pair(nodes, peers, DELAY), SHARES, RTT_MS) / 1000
        there, back = (self._of_request(peers, serials, way) for way in (THERE, BACK))
        return np.asarray(base * (1 + latency.jitter * (there + back) / 2))

    def failed_tries(self, peers: Ranks, serials: Numbers) -> NDArray[np.int64]:
        """Return how many transmissions of a request are in vain before one is answered."""
        if not self._lost_share:
            return np.zeros(peers.shape, np.int64)
        drawn = self._of_request(peers, serials, LOSS)
        # Each try fails by itself, so the count of failures is geometric.
        failed: NDArray[np.int64] = (np.log(1 - drawn) / np.log(self._lost_share)).astype(np.int64)
        return failed

    def share_of(self, nodes: Ranks, peers: Ranks) -> Floats:
        """Return a uniform share of each pair's own, for what is to be decided once per pair."""
        return self._of_pair(nodes, peers, PAIR)

    def _of_pair(self, nodes: Ranks, peers: Ranks, purpose: Numbers) -> Floats:
        low, high = np.minimum(nodes, peers), np.maximum(nodes, peers)
        return unit(mix(self._key, purpose, low.astype(np.uint64), high.astype(np.uint64)))

    def _of_request(self, peers: Ranks, serials: Numbers, purpose: Numbers) -> Floats:
        return unit(mix(self._key, purpose, serials, peers.astype(np.uint64)))
