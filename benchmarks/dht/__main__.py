"""`python -m benchmarks.dht`: mesh99's DHT beside kademlia and OpenDHT, on loopback or over wide-area delays."""

from __future__ import annotations

import json
import os
import sys
from functools import partial

import click

from ..loops import LOOPS
from ..placement import place_one_process
from ..quiet import DISTURBED
from ..rounds import exit_code, run_rounds
from ..system import choose
from ..tables import show
from .measure import Conditions, measure
from .report import BASELINE, make_rows, make_table
from .systems import SYSTEMS
from .wanted import GOALS, goal_table, goals_help
from .ways import WAYS

NOTES = f"""\
x: ratio to {BASELINE}; below 1 is better for times, above 1 for rates
first: the pass soon after joining; else the second one, after a warm-up
killed: a fifth of the nodes fell silent, 8 gets under way; a slow system does fewer than all keys in its time
{DISTURBED}"""
SIZES = (50, 200)
PROCESSES_HELP = """\
Processes that share the nodes; default: one a core, for that is how a system in Python uses all of them, as one with
threads does anyway. One over wide-area delays, which leave the cores idle."""
LOOP_HELP = "Of all systems; uvloop is what `mesh99 up` takes where it is installed."
QUIET_HELP = "Wait for so long before each phase until the machine is quiet."
QUICK_NODES, QUICK_KEYS, QUICK_BUDGET_S = 10, 10, 2.0


@click.command(help=__doc__)
@click.option("--systems", help=f"Comma-separated, of: {', '.join(system.name for system in SYSTEMS)}.")
@click.option("--row", type=click.Choice(tuple(GOALS)), help=f"A row of the figures wanted. {goals_help()}.")
@click.option("--net", type=click.Choice(WAYS), default="loopback", show_default=True)
@click.option("--nodes", type=click.IntRange(5), multiple=True, help=f"Size of the network; default {SIZES}.")
@click.option("--keys", type=click.IntRange(1), default=200, show_default=True)
@click.option(
    "--placement", type=click.Choice(("all", "one")), default="all", show_default=True, help="Cores."
)
@click.option("--processes", type=click.IntRange(1, 16), help=PROCESSES_HELP)
@click.option("--loop", type=click.Choice(LOOPS), default="uvloop", show_default=True, help=LOOP_HELP)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--budget-s", type=click.FloatRange(0.1), default=20.0, show_default=True, help="Of a phase.")
@click.option("--quiet-wait-s", type=click.FloatRange(0), default=15.0, show_default=True, help=QUIET_HELP)
@click.option(
    "--quick", is_flag=True, help="One small round, no waiting: shows that all works, measures nothing."
)
@click.option("--json", "as_json", is_flag=True, help="Rows as JSON.")
def main(
    systems: str | None,
    row: str | None,
    net: str,
    nodes: tuple[int, ...],
    keys: int,
    placement: str,
    processes: int | None,
    loop: str,
    rounds: int,
    budget_s: float,
    quiet_wait_s: float,
    quick: bool,
    as_json: bool,
) -> None:
    """Measure, print, and exit with 1 when a system failed."""
    try:
        chosen = choose(SYSTEMS, systems)
    except KeyError as error:
        raise click.UsageError(f"there is no {error}") from error
    goal = GOALS[row] if row else None
    net, cpus = goal.net if goal else net, place_one_process(placement)
    if net == "wan" and (processes or 1) > 1:
        raise click.UsageError("the wide-area shim stands between the nodes of one process: --processes 1")
    sizes = (goal.nodes,) if goal else SIZES
    conditions = Conditions(
        cpus=cpus,
        processes=processes or (1 if net == "wan" else len(cpus)),
        loop=loop,
        net=net,
        nodes=nodes or ((QUICK_NODES,) if quick else sizes),
        keys=QUICK_KEYS if quick else keys,
        budget_s=QUICK_BUDGET_S if quick else budget_s,
        quiet_wait_s=0.0 if quick else quiet_wait_s,
    )
    outcomes = run_rounds(chosen, 1 if quick else rounds, partial(measure, conditions=conditions))
    rows = make_rows(outcomes, conditions)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        troubles = [
            f"{outcome.system.name}: {outcome.status}" for outcome in outcomes if outcome.status != "ok"
        ]
        wanted = [goal_table(row, rows)] if row else []
        show(*(make_table(size, rows, conditions) for size in conditions.nodes), *wanted, NOTES, *troubles)
    sys.exit(exit_code(outcomes, os.environ.get("MESH99_TEST_ALL") == "1"))


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.dht")
