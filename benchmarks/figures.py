"""Numbers out of samples: percentiles within a round, medians and spreads over rounds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence


def percentile(samples: Sequence[float], share: float) -> float:
    """Take the sample below which `share` (0..1) of all lie (nearest rank); NaN without samples."""
    if not samples:
        return math.nan
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


def median(values: Sequence[float | None]) -> float | None:
    """Take the median of what was measured; None when nothing was."""
    known = [value for value in values if value is not None and not math.isnan(value)]
    return statistics.median(known) if known else None


def spread(values: Sequence[float | None]) -> float | None:
    """Divide the largest round by the smallest: 1.0 says that all rounds agree."""
    known = [value for value in values if value]
    return round(max(known) / min(known), 2) if known else None


def ratio(value: float | None, baseline: float | None) -> float | None:
    """Divide by the baseline; None when either was not measured."""
    return round(value / baseline, 3) if value and baseline else None
