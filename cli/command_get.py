"""`mesh99 get KEY`: read a signed value from the DHT."""

from __future__ import annotations

import click

from .client import Client
from .failure import Failure
from .lookup_view import draw
from .options import MeshCommand, explain_option, pass_environment, watch_option
from .output import Environment, short


@click.command("get", cls=MeshCommand)
@click.argument("key")
@explain_option
@watch_option
@pass_environment
def command(environment: Environment, key: str, explain: bool, watch: bool) -> None:
    """Print the value under KEY; its signature is checked, or that it is the content of the key.

    With --watch print what each signer has put there, and each change from then on.
    """
    if explain and watch:
        raise click.UsageError("give either --explain or --watch")
    if watch:
        _watch(environment, key)
        return
    if explain:
        _explain(environment, key)
        return
    with environment.waiting(f"looking up {key}"):
        found = Client(environment.home).call("get", key=key)
    environment.result(found, lambda: environment.line(found["value"]))
    if not environment.as_json:
        signed = f"signed by {short(found['from'])}" if found["from"] else "content of its key"
        environment.note(f"{signed}, {found['hops']} hops, {found['ms']:g} ms")


def _explain(environment: Environment, key: str) -> None:
    with environment.waiting(f"looking up {key}"):
        explained = Client(environment.home).call("explain_get", key=key)
    environment.result(explained, lambda: draw(environment, explained["hops"]))
    if explained["result"] is None:
        raise Failure(f"nobody has a value for {key}", "it was never put here, or its life is over")
    if not environment.as_json:
        source = "this node" if explained["source"] is None else short(explained["source"])
        environment.note(f"first from {source}, after {explained['elapsed_ms']:g} ms")
        environment.line(explained["result"])


def _watch(environment: Environment, key: str) -> None:
    """Print a line for each change; ends with a Failure only."""
    for event in Client(environment.home).watch("watch_value", key=key):
        environment.event(event, f"{event['kind']}  {short(event['from'])}  {event['value']}")
