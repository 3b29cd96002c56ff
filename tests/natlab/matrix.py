"""Connect pairs of sites, and note how and how fast that went."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from .lab import Lab
from .peer import CALLED, CALLER, READY_S, Peer, Program

KINDS = ("none", "fw", "full", "addr", "port", "sym", "symseq", "udpblock")
CONNECT_S = 40.0  # aioice gives up after some 30 s
DELAY_S = 0.02
LETTERS = {"direct": "D", "tcp": "T", "relay": "R"}


@dataclass(frozen=True)
class Outcome:
    """How one connection went; times are from when both sides were told to connect."""

    path: str  # direct, tcp, relay or none
    first_ms: float | None = None
    final_ms: float | None = None
    first_path: str = ""
    error: str = ""

    @property
    def letter(self) -> str:
        """Name the path in one letter."""
        return LETTERS.get(self.path, "-")

    @property
    def moved(self) -> bool:
        """Tell whether the first byte came by another path than the last."""
        return self.first_path not in ("", self.path)


@dataclass(frozen=True)
class Cell:
    """All that a program did at two sites; `sites` is one text when both hosts are at the same site."""

    program: str
    start: str  # warm or cold
    sites: tuple[str, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def name(self) -> str:
        """Name the pair."""
        return " / ".join(self.sites)

    @property
    def connected(self) -> bool:
        """Tell whether it never failed."""
        return all(outcome.path != "none" for outcome in self.outcomes)

    @property
    def path(self) -> str:
        """Name the path in letters: `D`, or `D2+R1` when it was not always the same."""
        letters = [outcome.letter for outcome in self.outcomes]
        names = sorted(set(letters))
        return names[0] if len(names) == 1 else "+".join(f"{name}{letters.count(name)}" for name in names)

    @property
    def final_ms(self) -> float | None:
        """Return the median time to the first byte on the path that is used in the end."""
        times = [outcome.final_ms for outcome in self.outcomes if outcome.final_ms is not None]
        return statistics.median(times) if times else None

    @property
    def moved_first_ms(self) -> float | None:
        """Return the median time to the first byte in runs where that came by another path than the last."""
        times = [each.first_ms for each in self.outcomes if each.moved and each.first_ms is not None]
        return statistics.median(times) if times else None

    def __str__(self) -> str:
        """Write `D 164`, `D2+R1 426`, or `D 790 (R 240)` when the first byte came earlier, by a relay."""
        if self.final_ms is None:
            return "fail"
        first_ms = self.moved_first_ms
        first = "" if first_ms is None else f" (R {first_ms:.0f})"
        return f"{self.path} {self.final_ms:.0f}{first}"


def measure(
    program: Program, sites: Sequence[str], *, delay_s: float = DELAY_S, loss: float = 0.0
) -> Outcome:
    """Build a lab, and let its first host call its last one."""
    with Lab(sites, servers=program.servers, delay_s=delay_s, loss=loss) as lab, program.serving(lab):
        caller_host, called_host = lab.hosts[0], lab.hosts[-1]
        with (
            closing(Peer(called_host, program.command(lab, called_host, CALLED))) as called,
            closing(Peer(caller_host, program.command(lab, caller_host, CALLER))) as caller,
        ):
            return _connect(caller, called)


def attempt(program: Program, sites: Sequence[str], delay_s: float, loss: float) -> Outcome:
    """Measure; what goes wrong in the lab itself is a failed run with a reason, not the end of all others."""
    try:
        return measure(program, sites, delay_s=delay_s, loss=loss)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        return Outcome("none", error=f"{type(error).__name__}: {error}"[-500:])


def _connect(caller: Peer, called: Peer) -> Outcome:
    said = [peer.hear(READY_S) for peer in (caller, called)]
    words = [each["ready"] for each in said]
    if words[1] in said[0].get("peers", ()):
        raise RuntimeError("the two are connected already")
    for peer, other in ((called, words[0]), (caller, words[1])):
        peer.say(other=other)
    for peer in (caller, called):
        peer.hear(READY_S)
    began_s = time.monotonic()
    called.say(go=True)
    caller.say(go=True)
    try:
        ways = [peer.hear(CONNECT_S) for peer in (caller, called)]
    except TimeoutError:
        return Outcome("none", error="nothing came")
    paths = {way["path"] for way in ways}
    # What is relayed in one direction only is relayed.
    path = next(path for path in ("none", "relay", "tcp", "direct") if path in paths)
    if path == "none":
        return Outcome(path, error=next((way["error"] for way in ways if way.get("error")), ""))
    first_ms, final_ms = (round((ways[1][key] - began_s) * 1e3, 1) for key in ("first_s", "final_s"))
    return Outcome(path, first_ms, final_ms, ways[1].get("first_path", path))


def pairs(kinds: Sequence[str]) -> list[tuple[str, str]]:
    """List each kind with itself and those after it."""
    return [(one, other) for index, one in enumerate(kinds) for other in kinds[index:]]
