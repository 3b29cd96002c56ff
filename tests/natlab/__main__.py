"""The lab from a shell: `python -m tests.natlab up port sym`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

from . import check, matrix, topology
from .ice import Ice
from .lab import Lab, why_not
from .mesh import Mesh
from .namespace import Namespace
from .peer import Program

PROGRAMS: dict[str, Callable[[], Program]] = {
    "mesh99": Mesh,
    "aioice": lambda: Ice(turn=True),
    "aioice-stun": lambda: Ice(turn=False),
}


def main() -> int:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.natlab",
        description=topology.__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_up(commands.add_parser("up", parents=[_links()], help="build a lab and hold it until Ctrl-C"))
    commands.add_parser("check", help="find out whether each kind of box does what it should").set_defaults(
        run=lambda _: _check()
    )
    _add_matrix(
        commands.add_parser("matrix", parents=[_links()], help="let a program connect pairs of sites")
    )
    arguments = parser.parse_args()
    reason = why_not()
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
    parser.add_argument("--program", choices=PROGRAMS, default="mesh99")
    parser.add_argument("--runs", type=int, default=3, help="of which the median is shown (3)")
    parser.set_defaults(run=_matrix)


def _matrix(arguments: argparse.Namespace) -> int:
    """Measure each pair; one site with two hosts stands as it is: its first host calls its last."""
    sites = arguments.sites or matrix.KINDS
    kinds = [site for site in sites if "/" not in site and "hosts=" not in site]
    chosen = [tuple(site.split("/")) for site in sites if site not in kinds] + matrix.pairs(kinds)
    program, cells = PROGRAMS[arguments.program](), []
    for pair in chosen:
        cells.append(matrix.cell(program, pair, arguments.runs, arguments.delay / 1e3, arguments.loss))
        print(f"{' / '.join(pair)}: {cells[-1]}", file=sys.stderr, flush=True)
    print(matrix.document(cells) if arguments.json else matrix.report(cells, kinds))
    return int(any(outcome.path == "none" for cell in cells for outcome in cell.outcomes))


def _up(arguments: argparse.Namespace) -> int:
    options = {"servers": arguments.servers, "delay_s": arguments.delay / 1e3, "loss": arguments.loss}
    with suppress(KeyboardInterrupt), Lab(arguments.sites, **options) as lab:
        print(json.dumps(_places(lab)) if arguments.json else _table(lab), flush=True)
        while True:
            signal.pause()
    return 0


def _places(lab: Lab) -> list[dict[str, str]]:
    """List all hosts and boxes: name, namespace, own address, public address."""
    places: list[tuple[Namespace, str, str, str]] = [
        (server, server.address, "", server.address) for server in lab.servers
    ]
    for site, text in zip(lab.sites, lab.sites_as_written, strict=True):
        places += [(box, box.gateway, f"box of {site.name}", box.wan_address) for box in site.boxes]
        places += [(host, host.address, text, site.address) for host in site.hosts]
    return [
        {"name": place.name, "namespace": place.full_name, "address": address, "what": what, "public": public}
        for place, address, what, public in places
    ]


def _table(lab: Lab) -> str:
    columns = "{name:<9} {address:<16} {public:<12} {what:<20} ip netns exec {namespace} ..."
    title = columns.format(
        name="name", address="address", public="outside", what="what", namespace="NAMESPACE"
    )
    return "\n".join([title, *(columns.format(**place) for place in _places(lab)), "Ctrl-C ends it."])


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
