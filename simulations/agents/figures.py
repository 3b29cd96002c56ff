"""Figures and curves of a run of whole nodes: those of the heap's tier, and what agents do besides."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..heap import figures as heap
from ..heap.simulation import HeapRun
from ..outcome import Curve
from ..workload.measurements import Operations, quantile

if TYPE_CHECKING:
    from .members_run import MembersRun


def figures_of(run: MembersRun) -> dict[str, float]:
    """Return the figures by name."""
    figures = heap.figures_of(cast(HeapRun, run))
    figures |= operations_figures("request", run.workload.requests)
    if run.scenario.workload.keys:
        figures["puts"] = run.workload.puts
        figures["puts_failed"] = run.workload.puts_failed
    return figures


def curves_of(run: MembersRun) -> dict[str, Curve]:
    """Return the curves by name."""
    return heap.curves_of(cast(HeapRun, run))


def operations_figures(kind: str, operations: Operations) -> dict[str, float]:
    """Return number, success and times of one kind of operation; none when there were none."""
    if not len(operations):
        return {}
    took = sorted(operations.took_ms)
    return {
        f"{kind}s": len(operations),
        f"{kind}_success": round(operations.success, 6),
        f"{kind}_p50_ms": round(quantile(took, 0.5), 1),
        f"{kind}_p99_ms": round(quantile(took, 0.99), 1),
    }
