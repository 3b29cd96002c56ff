"""`python -m benchmarks.upkeep`: what one node at rest costs in a network on loopback, and how fast it joins.

All nodes but two run in one process. One is a `Node` of a program of its own, looked at from within; one is a real
`mesh99 up`, looked at from outside. Upkeep is what sessions send and receive, without the 28 bytes of IP and UDP that
go with each datagram.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import click
import psutil

from .child import ROOT, Child
from .figures import median
from .loops import LOOPS
from .placement import place
from .quiet import foreign_load, resident_mb, wait_for_quiet
from .tables import new_table, number, show

TIMEOUT_S = 120.0
JOINS = 5
"""Joins measured, each with a new key; the median counts."""
TARGETS = {
    "rss_mb": 60.0,
    "up_rss_mb": 60.0,
    "cpu_percent": 0.5,
    "up_cpu_percent": 0.5,
    "bytes_per_s_per_peer": 200.0,
    "join_s": 1.0,
}
LABELS = {
    "rss_mb": "memory of a `Node` in a program, MB (RSS)",
    "up_rss_mb": "memory of `mesh99 up`, MB (RSS)",
    "cpu_percent": "it at rest, % of a core",
    "up_cpu_percent": "`mesh99 up` at rest, % of a core",
    "bytes_per_s_per_peer": "upkeep, bytes/s per peer with a session",
    "join_s": "time to join, s",
}
Row = dict[str, Any]


@contextmanager
def mesh99_up(peer: str, cpus: tuple[int, ...]) -> Iterator[psutil.Process]:
    """Run a real node, joined to the network."""
    with tempfile.TemporaryDirectory(prefix="mesh99-upkeep-") as home:
        command = [sys.executable, "-m", "mesh99.cli.main", "--json", "--home", home, "up", "--no-registry"]
        command += ["--listen", "127.0.0.1:0", "--peer", peer]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            try:
                process.stdout.readline()
                psutil.Process(process.pid).cpu_affinity(list(cpus))
                yield psutil.Process(process.pid)
            finally:
                process.terminate()


def busy_s(process: psutil.Process) -> float:
    """Return the CPU seconds of a process so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def measure(nodes: int, seconds: float, settle_s: float, loop: str, quiet_wait_s: float) -> Row:
    """Build the network, let it settle, and look at the two for a while."""
    cores = place("cross")
    wait_for_quiet(quiet_wait_s)
    common = {"system": "mesh99", "loop": loop}
    crowd = Child(
        "benchmarks.upkeep_process",
        common | {"part": "crowd", "nodes": nodes - 2, "cpus": cores.server},
        TIMEOUT_S,
    )
    with closing(crowd), mesh99_up(crowd.ready["peer"], cores.client) as up:
        settings = common | {
            "part": "node",
            "peer": crowd.ready["peer"],
            "joins": JOINS,
            "cpus": cores.client,
        }
        with (
            closing(Child("benchmarks.upkeep_process", settings, TIMEOUT_S)) as node,
            foreign_load() as foreign,
        ):
            time.sleep(settle_s)
            up_before, began = busy_s(up), time.monotonic()
            rest = node.ask({"seconds": seconds}, seconds + TIMEOUT_S)
            up_share = (busy_s(up) - up_before) / (time.monotonic() - began)
            up_rss_mb = resident_mb(up.pid)
    return {
        "system": "mesh99",
        "case": "upkeep",
        "nodes": nodes,
        "net": "loopback",
        "seconds": seconds,
        "loop": loop,
        "placement": str(cores),
        "sessions": rest["sessions"],
        "contacts": rest["contacts"],
        "rss_mb": rest["rss_mb"],
        "up_rss_mb": up_rss_mb,
        "cpu_percent": 100 * rest["cpu_share"],
        "up_cpu_percent": 100 * up_share,
        "bytes_per_s_per_peer": rest["bytes_per_s_per_peer"],
        "join_s": median(node.ready["joins_s"]),
        "joins_s": node.ready["joins_s"],
        "foreign_cores": foreign.cores,
        "slowdown": foreign.slowdown,
    }


@click.command(help=__doc__)
@click.option("--nodes", type=click.IntRange(3), default=50, show_default=True)
@click.option("--seconds", type=click.FloatRange(0.1), default=60.0, show_default=True, help="Time at rest.")
@click.option("--settle-s", type=click.FloatRange(0), default=10.0, show_default=True, help="Time before it.")
@click.option("--loop", type=click.Choice(LOOPS), default="asyncio", show_default=True)
@click.option("--quiet-wait-s", type=click.FloatRange(0), default=10.0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Rows as JSON.")
def main(nodes: int, seconds: float, settle_s: float, loop: str, quiet_wait_s: float, as_json: bool) -> None:
    """Measure and print."""
    row = measure(nodes, seconds, settle_s, loop, quiet_wait_s)
    if as_json:
        click.echo(json.dumps([row], indent=2))
        return
    title = (
        f"One of {nodes} nodes, {row['sessions']} sessions, {seconds:g} s at rest, {loop}, {row['placement']}"
    )
    table = new_table(title, ("", "wanted", "measured"))
    for key, target in TARGETS.items():
        table.add_row(LABELS[key], f"< {target:g}", number(row[key]))
    show(table, f"other programs used {row['foreign_cores']:.2f} cores")


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.upkeep")
