"""What a row of operations gave, and what that is in figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from ..figures import percentile

Figures = dict[str, Any]


@dataclass(slots=True)
class Sample:
    """Operations of one process, or of several that ran beside each other."""

    seconds: list[float] = field(default_factory=list)
    succeeded: int = 0
    elapsed_s: float = 0.0

    def figures(self, name: str) -> Figures:
        """Name the figures: latencies of all operations, failed ones too, and the share that succeeded."""
        done = len(self.seconds)
        return {
            f"{name}_p50_ms": percentile(self.seconds, 0.5) * 1e3 if done else None,
            f"{name}_p99_ms": percentile(self.seconds, 0.99) * 1e3 if done else None,
            f"{name}_success": self.succeeded / done if done else 0.0,
            f"{name}_count": done,
        }

    @property
    def rate(self) -> float:
        """Successes a second."""
        return self.succeeded / self.elapsed_s if self.elapsed_s else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return what `together` reads."""
        return asdict(self)


def together(answers: Iterable[dict[str, Any]]) -> Sample:
    """Make one sample of those of all processes: they took as long as the slowest."""
    whole = Sample()
    for answer in answers:
        whole.seconds += answer["seconds"]
        whole.succeeded += answer["succeeded"]
        whole.elapsed_s = max(whole.elapsed_s, answer["elapsed_s"])
    return whole
