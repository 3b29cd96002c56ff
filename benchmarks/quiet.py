"""How busy others keep the machine: a measurement waits for quiet and says how quiet it was."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from .pace import PACE, SLOW_MAX

QUIET_CORES_MAX = 0.2  # the limit of the reference measurements; above it figures of one system swing by 2x
DISTURBED = f"""\
*: in a round other programs used over {QUIET_CORES_MAX} cores, or a core took over {SLOW_MAX} times its best time"""
WINDOW_S = 0.5  # /proc counts in ticks of 10 ms: half a second resolves 0.02 cores


@dataclass(slots=True)
class Foreign:
    """What others did during a measurement: cores that other programs used, and how slow the cores were after it."""

    cores: float = 0.0
    slowdown: float = 1.0

    def and_also(self, other: Foreign) -> Foreign:
        """Return the worse of two phases in each respect."""
        return Foreign(max(self.cores, other.cores), max(self.slowdown, other.slowdown))

    @property
    def disturbs(self) -> bool:
        """Tell whether figures may be wrong for it."""
        return is_disturbed(self.cores, self.slowdown)


def is_disturbed(cores: float, slowdown: float) -> bool:
    """Tell whether that much is more than a measurement bears."""
    return cores > QUIET_CORES_MAX or slowdown > SLOW_MAX


@contextmanager
def foreign_load() -> Iterator[Foreign]:
    """Measure what everything but this process and its descendants burns inside the block, and the pace after it."""
    result = Foreign()
    start_s, all_s, own_s = time.monotonic(), _machine_s(), _own_s()
    yield result
    elapsed_s = time.monotonic() - start_s
    foreign_s = (_machine_s() - all_s) - (_own_s() - own_s)
    result.cores = round(max(0.0, foreign_s / elapsed_s), 3) if elapsed_s else 0.0
    result.slowdown = round(PACE.slowdown(), 3)


def wait_for_quiet(timeout_s: float) -> float:
    """Wait until others leave the machine alone or time is up; return the last load of other programs in cores."""
    deadline = time.monotonic() + timeout_s
    while True:
        with foreign_load() as foreign:
            time.sleep(WINDOW_S if timeout_s else 0.0)
        if not foreign.disturbs or time.monotonic() >= deadline:
            return foreign.cores


def resident_mb(process_id: int | None = None) -> float:
    """Read the resident memory of a process, or of this one, in MB (10^6 bytes)."""
    return float(psutil.Process(process_id).memory_info().rss) / 1e6


def _machine_s() -> float:
    """Sum the busy seconds of all cores; time stolen by the hypervisor counts as busy."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields
    return (user + nice + system + irq + softirq + steal) / 100


def _own_s() -> float:
    """Sum the CPU seconds of this process and its living descendants."""
    total = 0.0
    this = psutil.Process()
    for process in [this, *this.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += float(times.user + times.system)
    return total
