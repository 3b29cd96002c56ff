"""`mesh99 up`: run a node until it is told to stop."""

from __future__ import annotations

from typing import Any

import click

from .options import MeshCommand, pass_environment, until_eof_option
from .output import Environment
from .relay_options import relay_of, relay_options


@click.command("up", cls=MeshCommand)
@click.option("--name", metavar="N", help="A name that others can use for it.")
@click.option(
    "--capability",
    "capabilities",
    multiple=True,
    metavar="C",
    help="Offer this, with attributes if you like: translate,version=2.1,region=eu,tags=fr,load=0. Repeatable.",
)
@click.option(
    "--registry",
    "registries",
    multiple=True,
    metavar="URL",
    help="Meet others there. Repeatable. [default: $AGENT99_REGISTRY_URL or http://localhost:4567]",
)
@click.option("--no-registry", is_flag=True, help="Use no registry.")
@click.option("--peer", "peers", multiple=True, metavar="H:P", help="Join through this node. Repeatable.")
@click.option(
    "--listen",
    metavar="H:P",
    help="UDP and TCP. Port 0 takes the port this home used last, or any free one. [default: 0.0.0.0:0]",
)
@click.option("--network", metavar="NAME", help="Nodes of different networks never talk. [default: mesh99]")
@click.option(
    "--ephemeral",
    is_flag=True,
    help="Hold nothing for others, and be in no table: for short visits and behind hard NATs.",
)
@click.option("--no-port-mapping", is_flag=True, help="Do not ask the router to open the port.")
@click.option("--agent", metavar="MODULE:NODE", help="Run the Node of a program of yours, with its handlers.")
@relay_options
@click.option(
    "--turn",
    metavar="URI",
    help="Send all UDP through this TURN server (turn:HOST:PORT?transport=tcp): for nodes that their box lets down.",
)
@click.option("--turn-user", metavar="NAME:PASSWORD", envvar="MESH99_TURN_USER", help="Who to be there.")
@click.option(
    "--turn-secret",
    metavar="TEXT",
    envvar="MESH99_TURN_SECRET",
    help="The server's secret (coturn: static-auth-secret), instead of a password.",
)
@until_eof_option
@pass_environment
def command(
    environment: Environment,
    /,
    name: str | None,
    capabilities: tuple[str, ...],
    registries: tuple[str, ...],
    no_registry: bool,
    peers: tuple[str, ...],
    listen: str | None,
    network: str | None,
    ephemeral: bool,
    no_port_mapping: bool,
    agent: str | None,
    turn: str | None,
    turn_user: str | None,
    turn_secret: str | None,
    until_eof: bool,
    **relay: Any,
) -> None:
    """Run a node until interrupted.

    It answers `echo`, and what the handlers of --agent answer. One home holds one node: a second node on
    this machine takes its own --home. With --json one line (node_id, name, endpoints) says that it is ready.
    """
    from ..nat.turn.account import TurnAccount
    from ..node.offers import parse_offer
    from .event_loop import run
    from .run_node import Wishes, prepared, run_node

    if no_registry and registries:
        raise click.UsageError("--registry and --no-registry exclude each other")
    wishes = Wishes(
        name=name,
        capabilities=dict(parse_offer(text) for text in capabilities) or None,
        registries=() if no_registry else registries or None,
        peers=peers or None,
        listen=listen,
        network=network,
        ephemeral=ephemeral,
        port_mapping=False if no_port_mapping else None,
        relay=relay_of(**relay),
        turn=TurnAccount.parse(turn, turn_user or "", turn_secret or "") if turn else None,
    )
    environment.log_to_stderr()
    run(run_node(environment, prepared(environment, wishes, agent)), until_eof=until_eof)
