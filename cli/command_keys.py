"""`mesh99 keys`: the identity in a home."""

from __future__ import annotations

import click

from .failure import Failure
from .options import MeshCommand, MeshGroup, pass_environment
from .output import Environment


@click.group("keys", cls=MeshGroup)
def command() -> None:
    """Look after this node's identity."""


@command.command("show", cls=MeshCommand)
@pass_environment
def show(environment: Environment) -> None:
    """Show the public half of the key; works whether the node runs or not."""
    import os

    from ..wire.identity_file import FILE_NAME, load_or_create

    path = environment.home / FILE_NAME
    if not path.is_file():
        raise Failure(f"there is no key in {environment.home}", "mesh99 up makes one at its first start")
    identity = load_or_create(environment.home, os.urandom)
    document = {
        "node_id": identity.node_id.text,
        "short_id": identity.node_id.short,
        "public_key": identity.public_key.text,
        "file": str(path),
    }
    fields = [(name.replace("_", " "), value) for name, value in document.items()]
    environment.result(document, lambda: environment.fields(fields))
