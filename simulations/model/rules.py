"""What the model needs to know: the nodes' rules, from their configuration, and the world, from the scenario."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...dht.config import DhtConfig
from ...dht.timing import MEDIAN_FACTOR, SAMPLES
from ...node.overlay.config import OverlayConfig
from ..population.lifetimes import mean_s
from ..scenario.schema import LOOKUP_COUNT, Churn, Lifetimes, Scenario
from .round_trips import rtt_quantile_s

MEDIAN_SHARE = (SAMPLES // 2 + 1) / (SAMPLES + 1)
QUICK_SHARE = (SAMPLES // 4 + 1) / (SAMPLES + 1)
"""Quantiles of the round trips that dht/timing.py makes time-outs and hedges of: the i-th of n samples is that of
i / (n + 1) in the mean."""

LIVES = 1000
"""Lifetimes, evenly spaced in probability, over which a mean is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupRules:
    """How one lookup goes, as in dht/lookup.py and dht/search.py."""

    bucket_size: int = 20
    """Contacts of a bucket, of an answer and at the start."""
    count: int = 20
    """Nearest nodes that must have answered."""
    parallelism: int = 3
    """Requests in flight while the search is narrow."""
    parallelism_wide: int = 20
    """Requests in flight once it is wide."""
    requests_max: int = 128
    """Peers asked by one lookup."""
    paths: int = 1
    """Searches that share no first contact and whose results are put together; the nodes of today use one."""
    call_s: tuple[float, ...] = (0.0,)
    """When a request that calls a peer goes out while there is no answer, from the first time on."""
    talk_s: tuple[float, ...] = (0.0,)
    """The same for a request on a session that stands."""
    session_share: float = 0.0
    """Share of requests that find a session."""
    slow_s: float = 1.0
    """When a request counts as slow."""
    fail_s: float = 3.0
    """When it counts as failed."""
    hedge_s: float = math.inf
    """Silence after which the request waited for longest counts as slow; each further one may last twice as long."""
    timeout_s: float = 10.0
    """Life of a lookup."""

    @classmethod
    def of_nodes(cls, scenario: Scenario) -> LookupRules:
        """Return the rules of our nodes in a scenario's network."""
        overlay = OverlayConfig.large() if scenario.population.is_large else OverlayConfig()
        dht = overlay.dht
        slow_s = _clamped(MEDIAN_FACTOR * rtt_quantile_s(scenario.latency, MEDIAN_SHARE), dht)
        tries = [slow_s * (2**attempt - 1) for attempt in range(dht.tries_max + 1)]
        return cls(
            bucket_size=dht.bucket_size,
            count=LOOKUP_COUNT,
            parallelism=dht.parallelism,
            parallelism_wide=LOOKUP_COUNT,
            requests_max=dht.lookup_requests_max,
            call_s=tuple(sorted([*tries[:-1], *overlay.dial_retries_s])),
            talk_s=tuple(tries[:-1]),
            session_share=session_share(scenario, overlay),
            slow_s=slow_s,
            fail_s=min(overlay.dial_timeout_s, tries[-1]),
            hedge_s=_clamped(rtt_quantile_s(scenario.latency, QUICK_SHARE), dht),
            timeout_s=dht.lookup_timeout_s,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What is wrong in the world while lookups run."""

    nodes: int
    """Nodes that are up, colluders included."""
    dead_share: float = 0.0
    """Share of the entries of a routing table that are no longer up."""
    colluders: int = 0
    """Nodes that name colluders only."""
    loss: float = 0.0
    """Share of packets that vanish."""

    @classmethod
    def of(cls, scenario: Scenario) -> Conditions:
        """Read them out of a scenario."""
        nodes = scenario.population.nodes
        colluders = sum(each.count + round(each.share * nodes) for each in scenario.adversary)
        links = scenario.links
        return cls(
            nodes=nodes + colluders,
            dead_share=dead_share(scenario.churn) if scenario.churn is not None else 0.0,
            colluders=colluders,
            loss=1 - (1 - links.loss) * (1 - links.burst_loss),
        )


def session_share(scenario: Scenario, overlay: OverlayConfig) -> float:
    """Return the share of its peers that a node had to do with so lately that their session stands.

    A lookup asks about twice as many peers as it looks for, and its node is asked as often by others. On the average
    half of the measured phase has passed.
    """
    every_s, nodes = scenario.workload.lookups_every, scenario.population.nodes
    if every_s is None:
        return 0.0
    peers_per_s = 2 * 2 * LOOKUP_COUNT / every_s
    remembered_s = min(overlay.quiet_idle_s, scenario.duration / 2)
    return -math.expm1(-peers_per_s * remembered_s / nodes)


def dead_share(churn: Churn) -> float:
    """Return the share of dead entries in the tables of a population that comes and goes.

    A contact is pinged after a silence in proportion to its age (dht/liveness.py). One that crashes stays listed for
    the rest of that silence, half of it on the average, and until the ping has failed. Lookups that find it out before
    that are left out of account.
    """
    dht, failing_s = DhtConfig(), OverlayConfig().dial_timeout_s
    crashing = (1 - churn.always_online) * (1 - churn.graceful)
    lives_s = [quantile_s(churn.session, (step + 0.5) / LIVES) for step in range(LIVES)]
    silences_s = (
        min(dht.silent_s_max, max(dht.silent_s_min, dht.silent_share * life_s)) for life_s in lives_s
    )
    unnoticed_s = sum(silences_s) / LIVES / 2 + failing_s
    dead_per_living = crashing * unnoticed_s / mean_s(churn.session)
    return dead_per_living / (1 + dead_per_living)


def quantile_s(lifetimes: Lifetimes, share: float) -> float:
    """Return the duration that a share of all stays below."""
    shape, scale = lifetimes.shape, float(lifetimes.scale)
    if lifetimes.distribution == "weibull":
        return float(scale * (-math.log1p(-share)) ** (1 / shape))
    if lifetimes.distribution == "pareto":
        return float(scale * (1 - share) ** (-1 / shape))
    return -scale * math.log1p(-share) if lifetimes.distribution == "exponential" else scale


def _clamped(timeout_s: float, config: DhtConfig) -> float:
    return min(config.timeout_s_max, max(config.timeout_s_min, timeout_s))
