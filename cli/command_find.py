"""`mesh99 find CAPABILITY`: the agents that offer it."""

from __future__ import annotations

from typing import Any

import click

from .client import TIMEOUT_S, Client
from .failure import Failure
from .lookup_view import draw
from .options import MeshCommand, explain_option, pass_environment, timeout_option, watch_option
from .output import Environment, duration, short

COLUMNS = ("NODE", "NAME", ">AGE", ">ENDS IN", "ATTRIBUTES", "ENDPOINTS")
WHERE_HELP = (
    "Only those that say so, as in version>=2, region=eu, tags=fr, load<=0.8 (quote < and >). Repeatable."
)


@click.command("find", cls=MeshCommand)
@click.argument("capability")
@click.option("--where", multiple=True, metavar="CONDITION", help=WHERE_HELP)
@timeout_option
@explain_option
@watch_option
@pass_environment
def command(
    environment: Environment,
    capability: str,
    where: tuple[str, ...],
    timeout_s: float,
    explain: bool,
    watch: bool,
) -> None:
    """List the agents that offer CAPABILITY, with --watch also those that come and go from then on."""
    if explain and watch:
        raise click.UsageError("give either --explain or --watch")
    if watch:
        _watch(environment, capability, where)
        return
    with environment.waiting(f"looking for {capability}"):
        answer = Client(environment.home).call(
            "explain_find" if explain else "find",
            capability=capability,
            where=where,
            timeout_s=timeout_s,
            wait_s=timeout_s + TIMEOUT_S,
        )
    agents = answer["result"] if explain else answer
    if explain and not environment.as_json:
        draw(environment, answer["hops"])
        environment.note(f"{len(agents)} found after {answer['elapsed_ms']:g} ms")
    rows = [_row(agent) for agent in agents]
    if agents or environment.as_json:
        environment.result(answer, lambda: environment.table(COLUMNS, rows))
    if not agents:
        wanted = f"{capability} where {' and '.join(where)}" if where else capability
        raise Failure(
            f"nobody offers {wanted}", "an agent that has just started may need a second to be found"
        )


def _row(agent: dict[str, Any]) -> tuple[str, ...]:
    return (
        short(agent["node_id"]),
        agent["name"] or "-",
        duration(agent["age_s"]),
        duration(agent["ends_in_s"]),
        attributes(agent) or "-",
        "  ".join(agent["endpoints"]),
    )


def attributes(agent: dict[str, Any]) -> str:
    """Return what an agent says of its capability, on one line."""
    said: dict[str, Any] = agent["attributes"]
    return " ".join(
        f"{name}={','.join(value) if isinstance(value, list) else value}" for name, value in said.items()
    )


def _watch(environment: Environment, capability: str, where: tuple[str, ...]) -> None:
    """Print a line for each agent that comes, changes or goes; ends with a Failure only."""
    for event in Client(environment.home).watch("watch", capability=capability, where=where):
        said = (attributes(event),) if event["attributes"] else ()
        agent = (short(event["node_id"]), event["name"] or "-", *said, *event["endpoints"])
        environment.event(event, "  ".join((event["kind"], *agent)))
