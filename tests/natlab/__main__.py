"""The lab from a shell: `python -m tests.natlab up port sym`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import check, console, events, figures, matrix, picture, report, topology
from .campaign import Campaign
from .ice import Ice
from .lab import Lab, why_not
from .matrix import Cell
from .mesh import COLD, LOOKUP, Mesh
from .peer import Program
from .report import Sites

PROGRAMS: dict[str, Callable[[], Program]] = {
    "mesh99": Mesh,
    "mesh99-lookup": lambda: Mesh(LOOKUP),
    "mesh99-cold": lambda: Mesh(COLD),
    "mesh99-once": lambda: Mesh(once=True),
    "aioice": lambda: Ice(turn=True),
    "aioice-stun": lambda: Ice(turn=False),
}
ALL = ("mesh99", "aioice")


def main() -> int:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.natlab",
        description=topology.__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_up(
        commands.add_parser(
            "up", parents=[_links()], help="build a lab, hold it until Ctrl-C, and change it as told"
        )
    )
    commands.add_parser("check", help="find out whether each kind of box does what it should").set_defaults(
        run=lambda _: _check()
    )
    _add_matrix(
        commands.add_parser("matrix", parents=[_links()], help="let a program connect pairs of sites")
    )
    _add_picture(commands.add_parser("picture", help="draw what `matrix --json` or `--keep` wrote"))
    _add_stream(
        commands.add_parser(
            "stream",
            parents=[_links()],
            help="let nodes stream while something happens",
            description="One host sends a message every 20 ms to another; after two seconds something happens. "
            "`rest` looks at what an idle line costs.",
        )
    )
    ci = commands.add_parser("ci", parents=[_links()], help="a fixed selection of pairs, once, beside aioice")
    ci.set_defaults(run=_ci)
    arguments = parser.parse_args()
    reason = why_not() if getattr(arguments, "needs_lab", True) else None
    if reason:
        print(f"error: {reason}", file=sys.stderr)
        return 2
    return int(arguments.run(arguments))


def _links() -> argparse.ArgumentParser:
    """Make the options that all labs have."""
    links = argparse.ArgumentParser(add_help=False)
    links.add_argument("--delay", type=float, default=20.0, metavar="MS", help="per crossing of a link (20)")
    links.add_argument("--loss", type=float, default=0.0, metavar="SHARE", help="per crossing of a link (0)")
    links.add_argument("--json", action="store_true", help="print one JSON document")
    return links


def _add_up(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sites", nargs="*", metavar="SITE", help="such as port, sym:timeout=5")
    parser.add_argument("--servers", type=int, default=3, help="public hosts (3)")
    parser.set_defaults(run=_up)


def _add_matrix(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sites", nargs="*", metavar="SITE[/SITE]", help="pairs; all pairs of sites that stand alone"
    )
    parser.add_argument(
        "--program",
        action="append",
        choices=[*PROGRAMS, "all"],
        help="again for each (mesh99); all: mesh99 and aioice with coturn",
    )
    parser.add_argument("--runs", type=int, default=3, help="of which the median is shown (3)")
    parser.add_argument(
        "--special", action="store_true", help="carriers' boxes, and two hosts behind the same box"
    )
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help="write each cell there, and go on from what it holds"
    )
    parser.set_defaults(run=_matrix)


def _matrix(arguments: argparse.Namespace) -> int:
    """Measure each pair; one site with two hosts stands as it is: its first host calls its last."""
    sites = arguments.sites or ([] if arguments.special else matrix.KINDS)
    kinds = [site for site in sites if "/" not in site and "hosts=" not in site]
    chosen = [tuple(site.split("/")) for site in sites if site not in kinds] + matrix.pairs(kinds)
    chosen += figures.SPECIAL if arguments.special else []
    names = arguments.program or ["mesh99"]
    cells = _measured(
        arguments, chosen, ALL if "all" in names else names, runs=arguments.runs, kept=arguments.keep
    )
    print(report.document(cells) if arguments.json else report.report(cells, kinds))
    return int(not all(cell.connected for cell in cells if cell.program.startswith("mesh99")))


def _ci(arguments: argparse.Namespace) -> int:
    """Measure the selection; wrong is a pair of ours that meets by another way than it should, in each of two runs."""
    cells = _measured(arguments, figures.SELECTION, ALL, runs=1)
    again = [cell.sites for cell in cells if cell.program == "mesh99" and not figures.as_wanted(cell)]
    repeated = _measured(arguments, again, ["mesh99"], runs=1) if again else []
    print(report.document(cells) if arguments.json else report.report(cells, matrix.KINDS))
    wrong = [f"{cell.name}: {cell}" for cell in repeated if not figures.as_wanted(cell)]
    for line in wrong:
        print(f"wrong twice: {line}", file=sys.stderr)
    return int(bool(wrong))


def _measured(
    arguments: argparse.Namespace, pairs: Sequence[Sites], names: Sequence[str], **options: Any
) -> list[Cell]:
    programs = {name: PROGRAMS[name]() for name in dict.fromkeys(names)}
    links = {"delay_s": arguments.delay / 1e3, "loss": arguments.loss}
    return Campaign(programs=programs, pairs=pairs, **links, **options).run()


def _add_picture(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("measured", type=Path, metavar="FILE.json")
    parser.add_argument("drawn", type=Path, metavar="OUT.svg")
    parser.set_defaults(run=_picture, needs_lab=False)


def _picture(arguments: argparse.Namespace) -> int:
    arguments.drawn.write_text(picture.svg(report.read_document(arguments.measured.read_text())))
    return 0


def _add_stream(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sites", nargs="+", metavar="SITE[/SITE]")
    parser.add_argument(
        "--event", action="append", choices=events.EVENTS, required=True, help="again for each"
    )
    parser.set_defaults(run=_stream)


def _stream(arguments: argparse.Namespace) -> int:
    links = {"delay_s": arguments.delay / 1e3, "loss": arguments.loss}
    courses = []
    for sites in arguments.sites:
        for event in arguments.event:
            courses.append(events.measure(event, sites.split("/"), **links))
            print(courses[-1], file=sys.stderr if arguments.json else sys.stdout, flush=True)
    if arguments.json:
        print(json.dumps([asdict(course) for course in courses], indent=1))
    return int(not all(course.is_whole for course in courses))


def _up(arguments: argparse.Namespace) -> int:
    options = {"servers": arguments.servers, "delay_s": arguments.delay / 1e3, "loss": arguments.loss}
    with suppress(KeyboardInterrupt), Lab(arguments.sites, **options) as lab:
        if arguments.json:
            print(json.dumps(console.places(lab)), flush=True)
        else:
            print(f"{console.table(lab)}\nCtrl-C ends it; `help` lists what can happen to it.", flush=True)
        console.Console(lab).serve(sys.stdin)
        while True:
            signal.pause()
    return 0


def _check() -> int:
    wrong = 0
    sites = [site for site, expected in check.EXPECTED.items() if expected.filtering]
    opinions = dict(zip(sites, check.opinions(sites), strict=True))
    for site, expected in check.EXPECTED.items():
        found = check.behaviour(site)
        agrees = site not in opinions or opinions[site] == (expected.mapping, expected.filtering)
        is_right = found == expected and agrees
        wrong += not is_right
        print(f"{'ok ' if is_right else 'BAD'} {site:<18} {found}  coturn: {opinions.get(site)}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
