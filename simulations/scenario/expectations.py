"""What must come out of a run, as a scenario says it: `lookup_success = ">= 0.99"`, `hops_mean = ">= 2, <= 4"`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from .units import shown

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}

UNMEASURED = "nothing was measured"
"""How the failure of an expectation begins whose figure is not there."""

COMPARISON = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Expectation:
    """Comparisons that a figure has to pass, all of them."""

    text: str
    comparisons: tuple[tuple[str, float], ...]

    @classmethod
    def parse(cls, text: str) -> Expectation:
        """Read an expectation; raises ValueError that says what is allowed."""
        matches = [COMPARISON.fullmatch(part) for part in text.split(",")]
        if not all(matches):
            signs = ", ".join(COMPARISONS)
            allowed = f'comparisons ({signs}) with numbers, such as ">= 0.99" or ">= 2, <= 4"'
            raise ValueError(f"must be {allowed}, not {shown(text)}")
        return cls(text, tuple((match[1], float(match[2])) for match in matches if match is not None))

    def holds(self, figure: float) -> bool:
        """Tell whether a figure passes; a NaN never does."""
        return figure == figure and all(COMPARISONS[sign](figure, limit) for sign, limit in self.comparisons)
