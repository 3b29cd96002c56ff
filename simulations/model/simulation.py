"""Run a scenario in the model: a sample of its lookups, and of them the figures of tier T1.

What a scenario says of NATs, partitions, faults and single arrivals is not in the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from hashlib import blake2b

import numpy as np
from msgspec import structs

from ..outcome import Curve, Outcome, Progress, RunOptions
from ..scenario.schema import Scenario
from ..workload.measurements import distribution, quantile
from .rules import Conditions, LookupRules
from .sampling import NetworkModel, Sample

LOOKUPS_MAX = 10_000
"""Lookups of a run: a sample. It tells a success of 99 % to 0.1 %, and takes seconds."""


def run(
    scenario: Scenario,
    seed: int,
    options: RunOptions,
    *,
    rules: LookupRules | None = None,
    sizes: Sequence[int] = (),
) -> Outcome:
    """Run a scenario in the model; with `sizes` the curve `hops` says what lookups take in networks of those sizes."""
    rules = rules or LookupRules.of_nodes(scenario)
    sample = _Run(scenario, options).sample(seed, rules)
    curves: dict[str, Curve] = {}
    if len(sample.right):
        curves["latency_cdf"] = distribution(_took_ms(sample))
    if sizes:
        curves["hops"] = hops_against_nodes(scenario, seed, rules, sizes)
    digest = _digest(sample)
    return Outcome(
        scenario=scenario,
        seed=seed,
        tier="model",
        crypto=options.crypto,
        digest=digest,
        events_digest=digest,
        figures=figures_of(scenario, sample),
        curves=curves,
        interrupted=len(sample.right) < lookups_of(scenario),
    )


def figures_of(scenario: Scenario, sample: Sample) -> dict[str, float]:
    """Return the figures by name."""
    figures: dict[str, float] = {
        "nodes": scenario.population.nodes,
        "virtual_s": float(scenario.duration),
        "lookups": len(sample.right),
        # Nothing is sent here; the figure stands in every outcome.
        "bytes_per_node_per_s": 0.0,
    }
    if len(sample.right):
        took_ms = _took_ms(sample)
        figures |= {
            "lookup_success": round(float(sample.right.mean()), 6),
            "lookup_p50_ms": round(quantile(took_ms, 0.5), 1),
            "lookup_p99_ms": round(quantile(took_ms, 0.99), 1),
            "hops_mean": round(float(sample.depths.mean()), 3),
            "rpcs_per_lookup": round(float(sample.requests.mean()), 2),
        }
    return figures


def hops_against_nodes(scenario: Scenario, seed: int, rules: LookupRules, sizes: Sequence[int]) -> Curve:
    """Return the mean depth of a lookup in networks of some sizes."""
    curve: list[tuple[float, float]] = []
    for nodes in sizes:
        population = structs.replace(scenario.population, nodes=nodes)
        resized = structs.replace(scenario, population=population)
        sample = _Run(resized, RunOptions()).sample(seed, rules)
        curve.append((float(nodes), round(float(sample.depths.mean()), 3)))
    return curve


def lookups_of(scenario: Scenario) -> int:
    """Return how many lookups a scenario asks for, up to what the model tries."""
    every = scenario.workload.lookups_every
    if every is None:
        return 0
    return min(LOOKUPS_MAX, max(1, round(scenario.population.nodes * scenario.duration / every)))


class _Run:
    """Look up, tell how far it is, and stop when told."""

    def __init__(self, scenario: Scenario, options: RunOptions) -> None:
        self._scenario = scenario
        self._options = options
        self._done = 0
        self._succeeded = 0

    def sample(self, seed: int, rules: LookupRules) -> Sample:
        scenario = self._scenario
        model = NetworkModel(scenario.latency, Conditions.of(scenario), rules, seed)
        return model.look_up(lookups_of(scenario), self._goes_on)

    def _goes_on(self, part: Sample) -> bool:
        self._done += len(part.right)
        self._succeeded += int(part.right.sum())
        if self._options.on_progress is not None:
            self._options.on_progress(self._progress())
        return not self._options.stop()

    def _progress(self) -> Progress:
        """Tell of it in virtual time: the sample stands for all lookups of the measured phase."""
        duration = float(self._scenario.duration)
        return Progress(
            virtual_s=duration * self._done / lookups_of(self._scenario),
            total_s=duration,
            population=self._scenario.population.nodes,
            operations=self._done,
            succeeded=self._succeeded,
        )


def _took_ms(sample: Sample) -> list[float]:
    ascending: list[float] = np.sort(sample.took_s * 1000).tolist()
    return ascending


def _digest(sample: Sample) -> str:
    """Return the digest of all results; times count in microseconds, below which rounding may differ."""
    digest = blake2b(digest_size=32)
    for field in fields(sample):
        values = getattr(sample, field.name)
        if values.dtype.kind == "f":
            values = np.round(values * 1e6).astype(np.int64)
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
