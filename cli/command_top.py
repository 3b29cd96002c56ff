"""`mesh99 top`: the peers of a running node, live."""

from __future__ import annotations

import time
from contextlib import nullcontext

import click

from .client import Client
from .options import MeshCommand, pass_environment
from .output import Environment
from .top_view import COLUMNS, Sample, head, rated, rows_of

HEAD_LINES = 8
"""What is above the peers, and the prompt."""


@click.command("top", cls=MeshCommand)
@click.option(
    "--every",
    "every_s",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0.1, 3600),
    metavar="S",
    help="Seconds between two looks.",
)
@click.option(
    "-n",
    "--count",
    type=click.IntRange(1),
    metavar="N",
    help="Stop after so many. [default: 1, on a terminal no end]",
)
@pass_environment
def command(environment: Environment, every_s: float, count: int | None) -> None:
    """Show the peers, the busiest first: their paths, why by those, and what goes over them; Ctrl-C stops it.

    With --json one document of one look: `status` of the node, and its `peers` with rates.
    """
    client = Client(environment.home)
    before = look(client)
    if environment.as_json:
        time.sleep(every_s)
        now = look(client)
        environment.document({"status": now.status, "peers": rated(now, before)})
        return
    is_live = environment.stdout.isatty()
    left = count or (-1 if is_live else 1)
    console = environment.console()
    with console.screen() if is_live and count is None else nullcontext():
        while left:
            time.sleep(every_s)
            now, left = look(client), left - 1
            if is_live:
                console.clear()
            environment.fields(head(now.status))
            environment.line("")
            rows = rows_of(rated(now, before))
            environment.table(COLUMNS, rows[: max(1, console.height - HEAD_LINES)] if is_live else rows)
            before = now


def look(client: Client) -> Sample:
    """Ask the node."""
    return Sample(time.monotonic(), client.call("status"), client.call("peers"))
