"""In how many batches a fault strikes, and when it is over."""

from __future__ import annotations

from .schema import Fault

RESTART_S = 5.0
"""How long a node that restarts is away when the scenario does not say."""


def batches(fault: Fault) -> list[float]:
    """Return the share of each batch, until the whole share is reached."""
    if not fault.batch:
        return [fault.share]
    whole = int(fault.share / fault.batch + 1e-9)
    rest = fault.share - whole * fault.batch
    return [fault.batch] * whole + ([rest] if rest > 1e-9 else [])


def fault_ends(fault: Fault) -> float:
    """Return when a fault is over, in seconds of the measured phase: when its last batch is, and no host is hit.

    One that has no end changes nothing any more after its last batch began.
    """
    lasts_s = float(fault.lasts or 0.0)
    if fault.lasts is None and fault.kind in ("restart", "disk-loss"):
        lasts_s = RESTART_S
    return fault.at + (len(batches(fault)) - 1) * fault.every + lasts_s
