"""`mesh99 sim`: whole networks in one process, on a virtual clock."""

from __future__ import annotations

import click

from .options import MeshGroup

COMMANDS = ("list", "run", "sweep", "replay", "diff", "shrink", "report")


@click.group("sim", cls=MeshGroup, late={name: f"sim_{name}" for name in COMMANDS})
def command() -> None:
    """Simulate networks with the code of the real node.

    SCENARIO is the name of one that comes with mesh99 (`mesh99 sim list`) or a .toml file. Exit codes: 0 all held,
    1 a check or an expectation failed, 2 wrong usage or a bad file, 130 interrupted.
    """
