"""Within what each number of a scenario has to be: one table, and a range per unit for what does not stand in it."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from .schema import (
    Adversary,
    Arrival,
    Checks,
    Churn,
    Fault,
    Latency,
    Lifetimes,
    Links,
    Nat,
    Part,
    Partition,
    Population,
    Scenario,
    Workload,
)
from .shape import Key
from .units import DURATIONS, Duration, Multiple, Rate, Share, Size, Unit, shown, written

NODES_MAX = 0xFFFFFF
"""Simulated addresses are 10.x.x.x."""

NODES_MIN = 2

NODES_MAX_BY_TIER = {"model": 10**8, "heap": NODES_MAX, "agents": 100_000, "processes": 500}
"""The model has no addresses, and arrays of 10^8 ids fit in memory; whole nodes and processes take far more each."""

YEARS_MAX = 1000 * DURATIONS["y"]
"""Virtual time is kept in nanoseconds; this far a float still tells milliseconds apart."""


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers from `low` to `high`; `above` takes out the lower end, `below` the upper one."""

    low: float
    high: float
    above: bool = False
    below: bool = False

    def holds(self, value: float) -> bool:
        """Tell whether a number is inside; a NaN never is."""
        low = value > self.low if self.above else value >= self.low
        return low and (value < self.high if self.below else value <= self.high)

    def text(self, unit: type[Unit] | None) -> str:
        """Say what is allowed."""
        low = f"more than {_number(unit, self.low)}" if self.above else f"at least {_number(unit, self.low)}"
        if self.high == inf:
            return low
        joint = "less than" if self.below else "at most"
        return f"{low} and {joint} {_number(unit, self.high)}"


ANY_SHARE = Range(0, 1)
SOME_SHARE = Range(0, 1, above=True)
NOT_ALL = Range(0, 1, below=True)
ANY_TIME = Range(0, YEARS_MAX)
SOME_TIME = Range(0, YEARS_MAX, above=True)

BY_UNIT: dict[type, Range] = {
    Duration: ANY_TIME,
    Share: ANY_SHARE,
    Multiple: Range(0, 1000, above=True),
    Size: Range(0, 1 << 40),
    Rate: Range(0, 1e12, above=True),
}

RANGES: dict[type[Part], dict[str, Range]] = {
    Scenario: {"duration": SOME_TIME},
    Population: {
        "introducers": Range(1, 100),
        "retry": SOME_TIME,
    },
    # Without any delay an answer comes in the instant of the question, and time could stand still.
    Latency: {"one_way": SOME_TIME, "one_way_min": SOME_TIME, "one_way_max": SOME_TIME},
    Links: {
        "loss": NOT_ALL,
        "burst_loss": NOT_ALL,
        "burst_packets": Range(1, 1e6),
        # What IPv4 and IPv6 allow a packet to be at least and at most.
        "mtu": Range(576, 65_535),
    },
    Nat: {"mapping_timeout": SOME_TIME},
    # Below a tenth, a Weibull distribution has its mean at more than 10^6 times its scale.
    Lifetimes: {"shape": Range(0.1, 100), "scale": SOME_TIME},
    Churn: {"diurnal": NOT_ALL},
    Arrival: {},
    Partition: {"lasts": SOME_TIME, "share": SOME_SHARE},
    Fault: {
        "lasts": SOME_TIME,
        "share": SOME_SHARE,
        "batch": SOME_SHARE,
        "every": SOME_TIME,
        "size": Range(-YEARS_MAX, YEARS_MAX),
    },
    Adversary: {
        "count": Range(0, NODES_MAX),
        # The public /24 networks below 1.0.0.0 to 223.255.255.0 and outside of private ones are more than this.
        "subnets": Range(0, 1_000_000),
        "keys": Range(1, 1000),
        "spread": Range(0, 1_000_000),
        "packets_per_s": Range(0, 1e6, above=True),
    },
    Workload: {
        "lookups_every": SOME_TIME,
        # Of DhtConfig.bucket_size.
        "lookup_count": Range(1, 20),
        "gets_every": SOME_TIME,
        "meets_every": SOME_TIME,
        "requests_every": SOME_TIME,
        "keys": Range(0, 1_000_000),
        "owners": Range(1, 1000),
        # Of DhtConfig.records_want_max.
        "gets_want": Range(0, 256),
        # What is left of a record of 1 KiB beside its signature, owner and name (node/values.py).
        "value_size": Range(1, 800),
        "value_ttl": SOME_TIME,
    },
    Checks: {"every": SOME_TIME, "converge_within": SOME_TIME},
}


def out_of_range(part: type[Part], key: Key, value: object) -> str | None:
    """Say what is wrong with a number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    allowed = RANGES.get(part, {}).get(key.name) or (BY_UNIT[key.unit] if key.unit else None)
    if allowed is None or allowed.holds(value):
        return None
    return f"must be {allowed.text(key.unit)}, not {_number(key.unit, value)}"


def _number(unit: type[Unit] | None, value: float) -> str:
    return written(unit, value) if unit else shown(value)
