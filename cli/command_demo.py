"""`mesh99 demo`: a registry and three agents, each a process of its own, find and ask each other."""

from __future__ import annotations

import click

from .options import MeshCommand, pass_environment
from .output import Environment


@click.command("demo", cls=MeshCommand)
@pass_environment
def command(environment: Environment) -> None:
    """Show it all in a few seconds, on this machine only.

    A registry and three agents start, each in its own process. One of them looks for an agent that can
    summarize, sends it a typed request over an encrypted line, and does it again after the registry is gone.
    Nothing is left behind.
    """
    from .demo import play

    document = play(environment)
    environment.result(document, lambda: None)
