"""What was measured as text: a table for each program, how they compare, and what is not as it should be."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict

from . import figures
from .matrix import Cell, Outcome

Sites = tuple[str, ...]


def table(texts: dict[Sites, str], kinds: Sequence[str]) -> str:
    """Write a Markdown table of pairs of kinds."""
    rows = [["", *kinds], ["---"] * (len(kinds) + 1)]
    rows += [[one, *(texts.get((one, other), "") for other in kinds)] for one in kinds]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def report(cells: Sequence[Cell], kinds: Sequence[str]) -> str:
    """Write all: tables, then what is no pair of kinds, then the summary of each program."""
    programs = list(dict.fromkeys(cell.program for cell in cells))
    by_program = {name: [cell for cell in cells if cell.program == name] for name in programs}
    parts = []
    for name, own in by_program.items():
        parts += [f"**{name}**", *_tables(own, kinds)]
    first, *others = by_program.values()
    parts += [_comparison(first, other, kinds) for other in others]
    parts += [summary(own) for own in by_program.values()]
    return "\n\n".join(parts)


def _tables(cells: Sequence[Cell], kinds: Sequence[str]) -> list[str]:
    texts = {cell.sites: str(cell) for cell in cells}
    return _both(texts, kinds, lambda sites: texts[sites])


def _comparison(cells: Sequence[Cell], beside: Sequence[Cell], kinds: Sequence[str]) -> str:
    found = {sites: f"{ratio:.2f}" for sites, ratio in figures.ratios(cells, beside).items()}
    title = f"**{cells[0].program} : {beside[0].program}**, times as a share of the other's"
    return "\n\n".join([title, *_both(found, kinds, lambda sites: found[sites])])


def _both(texts: dict[Sites, str], kinds: Sequence[str], text: Callable[[Sites], str]) -> list[str]:
    others = [sites for sites in texts if not set(sites) <= set(kinds)]
    rows = [f"| {' / '.join(sites)} | {text(sites)} |" for sites in others]
    listing = "\n".join(["| sites | |", "| --- | --- |", *rows])
    return ([table(texts, kinds)] if kinds else []) + ([listing] if others else [])


def summary(cells: Sequence[Cell]) -> str:
    """Write the figures of one program, and its pairs that are over those that are wanted."""
    connected = sum(cell.connected for cell in cells)
    udp = [cell for cell in cells if figures.is_udp_pair(cell)]
    direct = sum(cell.path == "D" for cell in udp)
    lines = [
        f"{cells[0].program}: {connected} of {len(cells)} pairs connected, {direct} of {len(udp)} pairs with UDP direct"
    ]
    relayed = [time_ms for cell in cells for time_ms in figures.relayed_ms(cell)]
    if relayed:
        lines.append(
            f"first byte by a relay: p50 {statistics.median(relayed):.0f} ms, max {max(relayed):.0f} ms"
        )
    searched = [cell for cell in cells if figures.limit_ms(cell.sites) == figures.SEARCH_MS]
    runs = [outcome for cell in searched for outcome in cell.outcomes if figures.is_udp_pair(cell)]
    if runs:
        found = sum(outcome.path == "direct" for outcome in runs)
        lines.append(f"random ports against a port filter: {found} of {len(runs)} direct within 6 s")
    over = [cell for cell in cells if figures.faults(cell)]
    lines.append(f"{len(over)} pairs are not as they are wanted of mesh99 at a round trip of 80 ms")
    for cell in cells:
        if cells[0].program.startswith("mesh99"):
            lines += [f"- {cell.name}: {fault}" for fault in figures.faults(cell)]
        lines += [f"- {cell.name}: {each.error}" for each in cell.outcomes if each.error]
    return "\n".join(lines)


def document(cells: Iterable[Cell]) -> str:
    """Write all that was measured as JSON."""
    return json.dumps([asdict(cell) | {"cell": str(cell)} for cell in cells], indent=1)


def read_document(text: str) -> list[Cell]:
    """Read what `document` wrote."""
    return [
        Cell(
            each["program"],
            each["start"],
            tuple(each["sites"]),
            tuple(Outcome(**outcome) for outcome in each["outcomes"]),
        )
        for each in json.loads(text)
    ]
