"""`python -m benchmarks.messaging`: mesh99 beside raw TCP, TLS, NATS and ZeroMQ."""

from __future__ import annotations

import json
import os
import sys
from functools import partial

import click

from ..loops import LOOPS
from ..placement import place
from ..quiet import DISTURBED
from ..rounds import exit_code, run_rounds
from ..system import choose
from ..tables import show
from .cases import CASES
from .measure import Conditions, measure
from .report import make_rows, make_table
from .systems import BASELINE, SYSTEMS

NOTES = f"""\
x: ratio to {BASELINE}; below 1 is better for round trips, above 1 for rates
±: largest round divided by the smallest
{DISTURBED}"""
QUICK_SECONDS = 0.05


@click.command(help=__doc__)
@click.option("--systems", help=f"Comma-separated, of: {', '.join(system.name for system in SYSTEMS)}.")
@click.option("--cases", help=f"Comma-separated, of: {', '.join(CASES)}.")
@click.option("--placement", type=click.Choice(("cross", "same")), default="cross", show_default=True)
@click.option("--loop", type=click.Choice(LOOPS), default="asyncio", show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
@click.option(
    "--seconds", type=click.FloatRange(0.01), default=1.0, show_default=True, help="Per case and round."
)
@click.option("--quiet-wait-s", type=click.FloatRange(0), default=10.0, show_default=True)
@click.option(
    "--quick", is_flag=True, help="One short round, no waiting: shows that all works, measures nothing."
)
@click.option("--json", "as_json", is_flag=True, help="Rows as JSON.")
def main(
    systems: str | None,
    cases: str | None,
    placement: str,
    loop: str,
    rounds: int,
    seconds: float,
    quiet_wait_s: float,
    quick: bool,
    as_json: bool,
) -> None:
    """Measure, print, and exit with 1 when a system failed."""
    try:
        chosen = choose(SYSTEMS, systems)
        conditions = Conditions(
            placement=place(placement),
            loop=loop,
            seconds=QUICK_SECONDS if quick else seconds,
            quiet_wait_s=0.0 if quick else quiet_wait_s,
            cases=tuple(CASES[name.strip()].name for name in cases.split(",")) if cases else tuple(CASES),
        )
    except KeyError as error:
        raise click.UsageError(f"there is no {error}") from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    outcomes = run_rounds(chosen, 1 if quick else rounds, partial(measure, conditions=conditions))
    rows = make_rows(outcomes, conditions)
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        troubles = [
            f"{outcome.system.name}: {outcome.status}" for outcome in outcomes if outcome.status != "ok"
        ]
        show(make_table(rows, conditions), NOTES, *troubles)
    sys.exit(exit_code(outcomes, os.environ.get("MESH99_TEST_ALL") == "1"))


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.messaging")
