"""`mesh99 send --to PEER TYPE JSON`: one message, no reply."""

from __future__ import annotations

import click

from .client import Client
from .command_request import json_of
from .options import MeshCommand, pass_environment
from .output import Environment


@click.command("send", cls=MeshCommand)
@click.option("--to", required=True, metavar="PEER", help="The agent that is to get it.")
@click.argument("type_name", metavar="TYPE")
@click.argument("body", metavar="[JSON]", required=False)
@pass_environment
def command(environment: Environment, to: str, type_name: str, body: str | None) -> None:
    """Send a typed message one way and print its id."""
    with environment.waiting(f"sending to {to}"):
        sent = Client(environment.home).call("send", to=to, type=type_name, body=json_of(body))
    environment.result(sent, lambda: environment.line(sent["id"]))
    if not environment.as_json:
        environment.note(sent["state"])
