"""Connect pairs of sites again and again, and show how and how fast that went."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass

from .lab import Lab
from .peer import CALLED, CALLER, READY_S, Peer, Program

KINDS = ("none", "fw", "full", "addr", "port", "sym", "symseq", "udpblock")
CONNECT_S = 40.0  # aioice gives up after some 30 s


@dataclass(frozen=True)
class Outcome:
    """How one connection went; times are from when both sides were told to connect."""

    path: str  # direct, tcp, relay or none
    first_ms: float | None = None
    final_ms: float | None = None

    @property
    def letter(self) -> str:
        """Name the path in one letter."""
        return {"direct": "D", "tcp": "T", "relay": "R"}.get(self.path, "-")


@dataclass(frozen=True)
class Cell:
    """All that was measured of two sites; `sites` is one text when both hosts are at the same site."""

    sites: tuple[str, ...]
    outcomes: tuple[Outcome, ...]

    def __str__(self) -> str:
        """Write the path and the median time to the first byte on it, as in `D 164` or `D2+R1 426`."""
        connected = [outcome for outcome in self.outcomes if outcome.final_ms is not None]
        if not connected:
            return "fail"
        letters = [outcome.letter for outcome in self.outcomes]
        names = sorted(set(letters))
        path = names[0] if len(names) == 1 else "+".join(f"{name}{letters.count(name)}" for name in names)
        median_ms: float = statistics.median(outcome.final_ms or 0.0 for outcome in connected)
        return f"{path} {median_ms:.0f}"


def measure(program: Program, sites: Sequence[str], *, delay_s: float = 0.02, loss: float = 0.0) -> Outcome:
    """Build a lab, and let its first host call its last one."""
    with Lab(sites, servers=program.servers, delay_s=delay_s, loss=loss) as lab, program.serving(lab):
        caller_host, called_host = lab.hosts[0], lab.hosts[-1]
        with (
            closing(Peer(called_host, program.command(lab, called_host, CALLED))) as called,
            closing(Peer(caller_host, program.command(lab, caller_host, CALLER))) as caller,
        ):
            return _connect(caller, called)


def _connect(caller: Peer, called: Peer) -> Outcome:
    said = [peer.hear(READY_S) for peer in (caller, called)]
    words = [each["ready"] for each in said]
    if words[1] in said[0].get("peers", ()):
        raise RuntimeError("the two are connected already")
    began_s = time.monotonic()
    called.say(go=words[0])
    caller.say(go=words[1])
    try:
        ways = [peer.hear(CONNECT_S) for peer in (caller, called)]
    except TimeoutError:
        return Outcome("none")
    paths = {way["path"] for way in ways}
    # What is relayed in one direction only is relayed.
    path = next(path for path in ("none", "relay", "tcp", "direct") if path in paths)
    if path == "none":
        return Outcome(path)
    first_ms, final_ms = (round((ways[1][key] - began_s) * 1e3, 1) for key in ("first_s", "final_s"))
    return Outcome(path, first_ms, final_ms)


def cell(program: Program, sites: Sequence[str], runs: int, delay_s: float = 0.02, loss: float = 0.0) -> Cell:
    """Measure the same sites several times, each time in a lab of its own."""
    outcomes = [measure(program, sites, delay_s=delay_s, loss=loss) for _ in range(runs)]
    return Cell(tuple(sites), tuple(outcomes))


def pairs(kinds: Sequence[str]) -> list[tuple[str, str]]:
    """List each kind with itself and those after it."""
    return [(one, other) for index, one in enumerate(kinds) for other in kinds[index:]]


def table(cells: Iterable[Cell], kinds: Sequence[str]) -> str:
    """Write a Markdown table of pairs of kinds."""
    by_sites = {cell.sites: str(cell) for cell in cells}
    rows = [["", *kinds], ["---"] * (len(kinds) + 1)]
    rows += [[one, *(by_sites.get((one, other), "") for other in kinds)] for one in kinds]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def report(cells: Sequence[Cell], kinds: Sequence[str]) -> str:
    """Write the table of the kinds, if there are any, and below it what is no pair of them."""
    others = [cell for cell in cells if not set(cell.sites) <= set(kinds)]
    rows = [f"| {' / '.join(cell.sites)} | {cell} |" for cell in others]
    listing = "\n".join(["| sites | |", "| --- | --- |", *rows])
    return "\n\n".join(([table(cells, kinds)] if kinds else []) + ([listing] if others else []))


def document(cells: Iterable[Cell]) -> str:
    """Write all that was measured as JSON."""
    return json.dumps([asdict(cell) | {"cell": str(cell)} for cell in cells], indent=2)
