"""On which cores the two ends run: placement alone changes a round trip 4 to 10 times."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Placement:
    """Cores of the server (brokers included) and of the client."""

    name: str
    server: tuple[int, ...]
    client: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name}: server cpu {_text(self.server)}, client cpu {_text(self.client)}"


def place(name: str) -> Placement:
    """Choose cores: two that share nothing (`cross`), or one for all (`same`); raises ValueError."""
    allowed = sorted(os.sched_getaffinity(0))
    first = allowed[0]
    if name == "same":
        return Placement(name, (first,), (first,))
    others = [cpu for cpu in allowed if cpu not in _siblings(first)]
    if not others:
        raise ValueError("placement cross needs two cores: use --placement same")
    return Placement(name, (first,), (others[0],))


def place_one_process(name: str) -> tuple[int, ...]:
    """Choose cores for a benchmark of one process: `one` core, or `all` that this process may use."""
    allowed = tuple(sorted(os.sched_getaffinity(0)))
    return allowed[:1] if name == "one" else allowed


def _siblings(cpu: int) -> set[int]:
    """Find the hardware threads of the same core, `cpu` included."""
    file = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    ranges = file.read_text().strip().split(",") if file.exists() else []
    found = {cpu}
    for part in ranges:
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def _text(cpus: tuple[int, ...]) -> str:
    return "+".join(map(str, cpus))
