"""Draw what was measured as a picture: a triangle of pairs for each program, coloured by path, with times in it."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from .matrix import KINDS, Cell

CELL = (64, 38)
MARGIN_LEFT, MARGIN_TOP = 74, 74
GAP = 34
LEGEND = 98
INK, MUTED, PAPER = "#1b1f24", "#59636f", "#ffffff"
# Light enough for dark figures on them, and of different lightness for eyes that see few colours.
COLOURS = {"D": "#b7ddf7", "R": "#ffd9a8", "": "#eceff3", "mixed": "#fff3bf"}
TITLES = {"mesh99": "mesh99", "aioice": "aioice + coturn"}
MEANINGS = {
    "D": "direct",
    "R": "through a relay",
    "mixed": "not the same in all runs",
    "": "no connection",
}
NOTE = "Milliseconds, median of {runs}, from the word to connect to the first byte on the path that is used in the end;"
NOTE_RELAY = "R: the first byte came earlier, by a relay. Round trip 80 ms."
STARTS = (
    "mesh99: both run, the caller has looked the other up, its first message rides in the call; with udpblock both "
    "only start. aioice asks STUN and TURN each time."
)


def svg(cells: Sequence[Cell]) -> str:
    """Return an SVG document: one panel for each program, beside each other."""
    programs = list(dict.fromkeys(cell.program for cell in cells))
    width, height = CELL[0] * len(KINDS), CELL[1] * len(KINDS)
    step = MARGIN_LEFT + width + GAP
    size = (step * len(programs), MARGIN_TOP + height + LEGEND)
    parts = [_head(size, programs)]
    for number, program in enumerate(programs):
        own = {cell.sites: cell for cell in cells if cell.program == program}
        parts += [f'<g transform="translate({number * step + MARGIN_LEFT} {MARGIN_TOP})">']
        parts += [*_labels(TITLES.get(program, program)), *_panel(own), "</g>"]
    runs = max((len(cell.outcomes) for cell in cells), default=0)
    parts += [*_legend(MARGIN_TOP + height + 26, runs), "</svg>"]
    return "\n".join(parts) + "\n"


def _head(size: tuple[int, int], programs: Sequence[str]) -> str:
    what = " and ".join(TITLES.get(program, program) for program in programs)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}" '
        f'font-family="system-ui, sans-serif" font-size="14" role="img" '
        f'aria-label="Path and time of {escape(what)} between each pair of kinds of NAT">\n'
        f'<rect width="{size[0]}" height="{size[1]}" rx="12" fill="{PAPER}"/>'
    )


def _labels(title: str) -> list[str]:
    parts = [_text(0, -42, title, "start", weight="bold", size=17)]
    for index, kind in enumerate(KINDS):
        parts.append(_text(index * CELL[0] + CELL[0] / 2, -10, kind, fill=MUTED))
        parts.append(_text(-8, index * CELL[1] + CELL[1] / 2 + 5, kind, "end", fill=MUTED))
    return parts


def _panel(cells: dict[tuple[str, ...], Cell]) -> list[str]:
    parts = []
    for row, one in enumerate(KINDS):
        for column, other in enumerate(KINDS[row:], row):
            cell = cells.get((one, other))
            if cell is not None:
                parts += _cell(cell, column * CELL[0], row * CELL[1])
    return parts


def _cell(cell: Cell, x: int, y: int) -> list[str]:
    path = "" if cell.final_ms is None else cell.path if len(cell.path) == 1 else "mixed"
    middle = x + CELL[0] / 2
    rectangle = (
        f'<rect x="{x + 1}" y="{y + 1}" width="{CELL[0] - 2}" height="{CELL[1] - 2}" rx="4" '
        f'fill="{COLOURS[path]}"><title>{escape(f"{cell.name}: {cell}")}</title></rect>'
    )
    if cell.final_ms is None:
        return [rectangle, _text(middle, y + 24, "fail", fill=MUTED)]
    first_ms = cell.moved_first_ms
    below = f"R {first_ms:.0f}" if first_ms is not None else cell.path if path == "mixed" else ""
    number = _text(middle, y + (18 if below else 24), f"{cell.final_ms:.0f}", weight="600")
    return [rectangle, number, *([_text(middle, y + 32, below, fill=MUTED, size=11)] if below else [])]


def _legend(y: int, runs: int) -> list[str]:
    parts, x = [], MARGIN_LEFT
    for path, meaning in MEANINGS.items():
        parts.append(f'<rect x="{x}" y="{y - 12}" width="16" height="16" rx="3" fill="{COLOURS[path]}"/>')
        parts.append(_text(x + 22, y + 1, meaning, "start", size=13))
        x += 46 + 8 * len(meaning)
    note = f"{NOTE.format(runs=runs)} {NOTE_RELAY}"
    lines = (note, STARTS)
    return parts + [
        _text(MARGIN_LEFT, y + 28 + 20 * number, line, "start", size=13, fill=MUTED)
        for number, line in enumerate(lines)
    ]


def _text(
    x: float, y: float, text: str, anchor: str = "middle", *, fill: str = INK, weight: str = "", size: int = 0
) -> str:
    more = (f' font-weight="{weight}"' if weight else "") + (f' font-size="{size}"' if size else "")
    place = f'x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{fill}"'
    return f"<text {place}{more}>{escape(text)}</text>"
