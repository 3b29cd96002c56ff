"""How long a packet is under way between two nodes: four models, and the two directions of a pair.

`planetlab` gives each pair of nodes a delay of its own, from the quantiles of the round-trip times between 490
PlanetLab hosts (NetLatency-Data, 18 slices): cheap, but 61 % of all triangles are violated, 6 % among those hosts.
`coordinates` gives each node a place (coordinates.py): pairs have nearly the same quantiles, and what is near to the
same node is near to each other. `uniform` draws each pair's delay between two bounds: the wide-area model of the DHT
benchmark (benchmarks/dht/wan_shim.py). `fixed` gives every pair the same.

A delay is a number of nanoseconds one way, and a function of the seed and the pair: nothing is kept per pair. The
models use hash() of tuples of integers, which Python computes alike in every process.
"""

from __future__ import annotations

from typing import Protocol

from ..scenario.schema import Latency
from ..world import World
from .coordinates import Coordinates

RTT_QUANTILES_MS = (
    (0.0, 2.0),
    (0.05, 19.3),
    (0.25, 59.0),
    (0.5, 135.0),
    (0.75, 202.0),
    (0.9, 291.0),
    (0.95, 325.0),
    (0.99, 413.0),
    (1.0, 600.0),
)
"""Round-trip times between PlanetLab hosts; the ends are rounded outwards."""

TABLE_SIZE = 4096
"""Values among which a pair draws: steps of 0.025 % of the pairs, and a table stays in the processor's cache."""

SAME_PLACE_NS = 500_000
"""One way between two machines behind the same box, and of a machine to itself: a home's wireless network."""


class Delays(Protocol):
    """The delay between two places, in nanoseconds, one way."""

    def one_way_ns(self, a: int, b: int) -> int: ...


class PlanetLab:
    """Draw each pair's delay from a table of the measured quantiles."""

    def __init__(self, world: World) -> None:
        self._salt = world.random(0, "delays").getrandbits(60)
        shares = ((step + 0.5) / TABLE_SIZE for step in range(TABLE_SIZE))
        self._table = [int(rtt_quantile_ms(share) * 500_000) for share in shares]

    def one_way_ns(self, a: int, b: int) -> int:
        """Return the same for both directions."""
        return self._table[hash((self._salt, a, b) if a < b else (self._salt, b, a)) & (TABLE_SIZE - 1)]


class Uniform:
    """Draw each pair's delay between two bounds."""

    def __init__(self, world: World, shortest_s: float, longest_s: float) -> None:
        self._salt = world.random(0, "delays").getrandbits(60)
        width_s = longest_s - shortest_s
        shares = ((step + 0.5) / TABLE_SIZE for step in range(TABLE_SIZE))
        self._table = [int((shortest_s + share * width_s) * 1e9) for share in shares]

    def one_way_ns(self, a: int, b: int) -> int:
        """Return the same for both directions."""
        return self._table[hash((self._salt, a, b) if a < b else (self._salt, b, a)) & (TABLE_SIZE - 1)]


class Fixed:
    """Give every pair the same delay."""

    def __init__(self, one_way_s: float) -> None:
        self._delay_ns = int(one_way_s * 1e9)

    def one_way_ns(self, a: int, b: int) -> int:
        """Return the one delay."""
        return self._delay_ns


class Asymmetric:
    """Let the two directions of a pair differ by up to a share of its round trip; their sum stays."""

    def __init__(self, world: World, delays: Delays, share: float) -> None:
        self._salt = world.random(0, "asymmetry").getrandbits(60)
        self._symmetric = delays.one_way_ns
        middle = (TABLE_SIZE - 1) / 2
        self._shifts = [share * (step - middle) / middle for step in range(TABLE_SIZE)]

    def one_way_ns(self, a: int, b: int) -> int:
        """Return the delay from the first to the second."""
        delay_ns = self._symmetric(a, b)
        if a < b:
            return delay_ns + int(delay_ns * self._shifts[hash((self._salt, a, b)) & (TABLE_SIZE - 1)])
        return delay_ns - int(delay_ns * self._shifts[hash((self._salt, b, a)) & (TABLE_SIZE - 1)])


def delays_of(world: World, latency: Latency) -> Delays:
    """Build the model that a scenario asks for."""
    delays: Delays
    if latency.model == "fixed":
        delays = Fixed(latency.one_way)
    elif latency.model == "uniform":
        delays = Uniform(world, latency.one_way_min, latency.one_way_max)
    elif latency.model == "coordinates":
        delays = Coordinates(world)
    else:
        delays = PlanetLab(world)
    return Asymmetric(world, delays, latency.asymmetry) if latency.asymmetry else delays


def rtt_quantile_ms(share: float) -> float:
    """Return the round-trip time that a share of the pairs stays below; linear between known points."""
    low_share, low_ms = RTT_QUANTILES_MS[0]
    for high_share, high_ms in RTT_QUANTILES_MS[1:]:
        if share <= high_share:
            return low_ms + (high_ms - low_ms) * (share - low_share) / (high_share - low_share)
        low_share, low_ms = high_share, high_ms
    return low_ms
