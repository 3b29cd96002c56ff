"""`mesh99 find CAPABILITY`: the agents that offer it."""

from __future__ import annotations

import click

from .client import TIMEOUT_S, Client
from .failure import Failure
from .options import MeshCommand, pass_environment, timeout_option
from .output import Environment, short


@click.command("find", cls=MeshCommand)
@click.argument("capability")
@timeout_option
@pass_environment
def command(environment: Environment, capability: str, timeout_s: float) -> None:
    """List the agents that offer CAPABILITY."""
    with environment.waiting(f"looking for {capability}"):
        agents = Client(environment.home).call(
            "find", capability=capability, timeout_s=timeout_s, wait_s=timeout_s + TIMEOUT_S
        )
    rows = [
        (short(agent["node_id"]), agent["name"] or "-", "  ".join(agent["endpoints"])) for agent in agents
    ]
    if agents or environment.as_json:
        environment.result(agents, lambda: environment.table(("NODE", "NAME", "ENDPOINTS"), rows))
    if not agents:
        raise Failure(
            f"nobody offers {capability}", "an agent that has just started may need a second to be found"
        )
