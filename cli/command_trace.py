"""`mesh99 trace KEY`: a lookup, question by question."""

from __future__ import annotations

import click

from .client import Client
from .lookup_view import draw
from .options import MeshCommand, pass_environment
from .output import Environment


@click.command("trace", cls=MeshCommand)
@click.argument("key")
@pass_environment
def command(environment: Environment, key: str) -> None:
    """Look KEY up and draw the lookup.

    Each node stands under the one that named it. BITS is the length of its XOR distance to the key, ASKED when it was
    asked, NEARER how many of the nodes it named are nearer than itself.
    """
    with environment.waiting(f"looking up {key}"):
        trace = Client(environment.home).call("trace", key=key)
    environment.result(trace, lambda: draw(environment, trace["hops"]))
