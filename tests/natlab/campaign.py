"""Many cells in one run: program beside program, with the time it will take, going on where an earlier run ended."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .matrix import Cell, Outcome, attempt
from .peer import Program
from .report import document, read_document

RUN_S = 7.0  # how long one run takes, as long as none has been measured
Sites = tuple[str, ...]
Say = Callable[[str], None]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """What to measure; a cell of `kept` that has all its runs is not measured again."""

    programs: dict[str, Program]
    pairs: Sequence[Sites]
    runs: int
    delay_s: float
    loss: float = 0.0
    kept: Path | None = None
    say: Say = _say

    def run(self) -> list[Cell]:
        """Measure pair by pair, all programs in turn at each, so that all of them see the same load."""
        cells = {(cell.program, cell.sites): cell for cell in self._kept_cells()}
        left = [sites for sites in self.pairs if any((name, sites) not in cells for name in self.programs)]
        took_s: list[float] = []
        self._tell(len(left), took_s)
        for done, sites in enumerate(left, 1):
            wanted = {name: each for name, each in self.programs.items() if (name, sites) not in cells}
            for cell in self._measure(sites, wanted, took_s):
                cells[cell.program, cell.sites] = cell
                self.say(f"{cell.name}: {cell.program} {cell}")
            if self.kept is not None:
                self.kept.write_text(document(cells.values()) + "\n")
            self._tell(len(left) - done, took_s)
        return [cells[name, sites] for name in self.programs for sites in self.pairs]

    def _measure(self, sites: Sites, programs: dict[str, Program], took_s: list[float]) -> list[Cell]:
        outcomes: dict[str, list[Outcome]] = {name: [] for name in programs}
        for _ in range(self.runs):
            for name, program in programs.items():
                began_s = time.monotonic()
                outcomes[name].append(attempt(program, sites, self.delay_s, self.loss))
                took_s.append(time.monotonic() - began_s)
        return [
            Cell(name, program.start(sites), sites, tuple(outcomes[name]))
            for name, program in programs.items()
        ]

    def _kept_cells(self) -> list[Cell]:
        if self.kept is None or not self.kept.exists():
            return []
        return [cell for cell in read_document(self.kept.read_text()) if len(cell.outcomes) >= self.runs]

    def _tell(self, pairs: int, took_s: list[float]) -> None:
        left_s = pairs * self.runs * len(self.programs) * (statistics.mean(took_s) if took_s else RUN_S)
        if pairs:
            self.say(f"{pairs} pairs left, about {left_s / 60:.0f} min")
