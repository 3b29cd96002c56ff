"""`mesh99 request TYPE JSON`: ask another agent and print its reply."""

from __future__ import annotations

import json
from typing import Any

import click

from .client import TIMEOUT_S, Client
from .options import MeshCommand, pass_environment, timeout_option
from .output import Environment, short


@click.command("request", cls=MeshCommand)
@click.option("--to", metavar="PEER", help="Ask this agent.")
@click.option("--capability", metavar="C", help="Ask an agent that offers C.")
@timeout_option
@click.argument("type_name", metavar="TYPE")
@click.argument("body", metavar="[JSON]", required=False)
@pass_environment
def command(
    environment: Environment,
    to: str | None,
    capability: str | None,
    timeout_s: float,
    type_name: str,
    body: str | None,
) -> None:
    """Send a typed request and print the reply.

    TYPE is the name of a message class of the other agent, as in `Summarize '{"text": "..."}'`. Every
    `mesh99 up` answers `echo` with the JSON that it was given.
    """
    if (to is None) == (capability is None):
        raise click.UsageError("give either --to PEER or --capability C")
    arguments: dict[str, Any] = {"type": type_name, "body": json_of(body), "timeout_s": timeout_s}
    arguments |= {"to": to} if to is not None else {"capability": capability}
    with environment.waiting(f"waiting for {to or capability}"):
        answer = Client(environment.home).call("request", wait_s=timeout_s + TIMEOUT_S, **arguments)
    environment.result(answer, lambda: environment.line(text_of(answer["reply"])))
    if not environment.as_json:
        way = f"path {answer['path']}, transport {answer['transport']}"
        environment.note(f"from {short(answer['from'])} in {answer['ms']:g} ms, {way}")


def json_of(text: str | None) -> Any:
    """Return the JSON that was given on the command line; nothing is an empty object."""
    if text is None:
        return {}
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.UsageError(f'JSON: {error}; quote it for the shell: \'{{"text": "hello"}}\'') from None


def text_of(reply: Any) -> str:
    """Return a reply as people read it: text as it is, the rest as JSON."""
    return reply if isinstance(reply, str) else json.dumps(reply, indent=2, ensure_ascii=False)
