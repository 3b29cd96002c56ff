"""Gets that mostly go to one key."""

from __future__ import annotations

from collections import Counter

import pytest
from staged import run_of, small

from mesh99.simulations.heap.simulation import HeapRun
from mesh99.simulations.scenario.schema import Workload


@pytest.mark.parametrize(("hot_share", "least", "most"), [(0.0, 0.15, 0.55), (0.9, 0.8, 1.0)])
def test_a_share_of_the_gets_reads_the_first_key(hot_share: float, least: float, most: float) -> None:
    read: Counter[bytes] = Counter()

    def watch(run: HeapRun) -> None:
        run.workload.on_get.append(lambda host, value, result: read.update([value.key]))

    reading = Workload(lookups_every=None, gets_every=1.0, hot_share=hot_share, keys=3)  # type: ignore[arg-type]
    run, outcome = run_of(small(workload=reading), before=watch)
    assert not outcome.failures
    assert least < read[run.workload.keys[0]] / read.total() < most
