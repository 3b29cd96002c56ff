"""`mesh99 put KEY VALUE`: keep a signed value in the DHT, or content under its hash; take a value back."""

from __future__ import annotations

import click

from .client import Client
from .failure import Failure
from .lookup_view import draw
from .options import MeshCommand, explain_option, pass_environment
from .output import Environment, short


@click.command("put", cls=MeshCommand)
@click.argument("key", required=False)
@click.argument("value", required=False)
@click.option("--content", metavar="VALUE", help="Store VALUE under its hash and print the key it has.")
@click.option("--delete", is_flag=True, help="Take back what this node put under KEY.")
@explain_option
@pass_environment
def command(
    environment: Environment,
    key: str | None,
    value: str | None,
    content: str | None,
    delete: bool,
    explain: bool,
) -> None:
    """Store VALUE under KEY, signed by this node; with --content under a key of its own, where it cannot change.

    The node renews it while it runs. A value that begins with a dash goes after `--`.
    """
    if content is not None:
        if key is not None or delete or explain:
            raise click.UsageError("--content goes without a key, --delete and --explain")
        _put_content(environment, content)
    elif delete:
        if key is None or value is not None or explain:
            raise click.UsageError("--delete goes with a key, and without a value and --explain")
        _delete(environment, key)
    elif key is None or value is None:
        raise click.UsageError("give a key and a value, or --content VALUE")
    elif explain:
        _explain(environment, key, value)
    else:
        _put(environment, key, value)


def _put_content(environment: Environment, value: str) -> None:
    with environment.waiting("storing content"):
        stored = Client(environment.home).call("put_content", value=value)
    environment.result(stored, lambda: environment.line(stored["key"]))
    if not environment.as_json:
        environment.note(f"it is stored on {len(stored['stored_on'])} nodes{_but(stored['refused'])}")


def _delete(environment: Environment, key: str) -> None:
    with environment.waiting(f"deleting {key}"):
        stored = Client(environment.home).call("delete", key=key)
    environment.result(stored, lambda: None)
    if not environment.as_json:
        environment.note(f"{key} is deleted on {len(stored['stored_on'])} nodes{_but(stored['refused'])}")


def _put(environment: Environment, key: str, value: str) -> None:
    with environment.waiting(f"storing {key}"):
        stored = Client(environment.home).call("put", key=key, value=value)
    holders = "\n".join(short(node_id) for node_id in stored["stored_on"])
    environment.result(stored, lambda: environment.line(holders))
    if not environment.as_json:
        environment.note(f"{key} is stored on {len(stored['stored_on'])} nodes{_but(stored['refused'])}")


def _but(refused: dict[str, int]) -> str:
    reasons = ", ".join(f"{reason} ({count})" for reason, count in refused.items())
    return f", refused: {reasons}" if reasons else ""


def _explain(environment: Environment, key: str, value: str) -> None:
    with environment.waiting(f"storing {key}"):
        explained = Client(environment.home).call("explain_put", key=key, value=value)
    holders = explained["result"]
    environment.result(explained, lambda: draw(environment, explained["hops"]))
    if not holders:
        refused = any(hop["remark"].startswith("refused") for hop in explained["hops"])
        raise Failure(f"nobody stored {key}", None if refused else "is this node joined? see `mesh99 peers`")
    if not environment.as_json:
        names = ", ".join(map(short, holders))
        environment.note(
            f"{key} is stored on {len(holders)} nodes after {explained['elapsed_ms']:g} ms: {names}"
        )
