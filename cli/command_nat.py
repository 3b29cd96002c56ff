"""`mesh99 nat`: the box in front of a running node, what works through it, and what to change."""

from __future__ import annotations

from typing import Any

import click

from .client import Client
from .failure import Failure
from .nat_view import WORKS, advice, facts, server_facts
from .options import MeshCommand, pass_environment
from .output import Environment


@click.command("nat", cls=MeshCommand)
@click.option("--server", metavar="H:P", help="Ask this STUN server instead; no running node is needed.")
@pass_environment
def command(environment: Environment, server: str | None) -> None:
    """Tell how this node is reached, and by whom.

    With --server, a STUN server is asked from a new socket: mapping and filtering too if it has two addresses
    (RFC 5780).
    """
    if server is not None:
        ask_server(environment, server)
        return
    nat = Client(environment.home).call("nat")
    environment.result(nat, lambda: show(environment, nat))


def show(environment: Environment, nat: dict[str, Any]) -> None:
    """Print what is known, what works with whom, and what to do."""
    environment.fields(facts(nat))
    works = WORKS[nat["kind"]]
    if works:
        environment.line("")
        environment.table(("PEERS THAT ARE", "ARE REACHED"), works)
    told = advice(nat)
    if told:
        environment.line("")
    for text in told:
        environment.line(f"- {text}")


def ask_server(environment: Environment, text: str) -> None:
    """Print what a STUN server's answers say."""
    from ..nat.behaviour import kind_of
    from ..wire.endpoint import Endpoint
    from .stun_query import discover

    server = Endpoint.parse(text)
    try:
        with environment.waiting(f"asking {server}"):
            found = discover(server)
    except OSError as error:
        raise Failure(f"cannot ask {server}: {error.strerror or error}", "is the address right?") from None
    if not found.observed:
        hint = "is it a STUN server, and does this network let UDP out?"
        raise Failure(f"no answer of use from {server}", hint)
    document = {
        "kind": kind_of(found.mapping, found.filtering).value,
        "mapping": found.mapping.value,
        "filtering": found.filtering.value,
        "observed": [str(each) for each in dict.fromkeys(found.observed)],
        "server": str(server),
        "other": str(found.other) if found.other is not None else None,
    }
    environment.result(document, lambda: show_server(environment, document))


def show_server(environment: Environment, document: dict[str, Any]) -> None:
    """Print what was found out, and why not more."""
    environment.fields(server_facts(document))
    if document["other"] is None:
        environment.line("")
        environment.line("- this server has one address: it takes one with two (RFC 5780) to tell the rest")
