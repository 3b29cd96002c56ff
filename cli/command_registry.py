"""`mesh99 registry serve`: run a registry."""

from __future__ import annotations

import click

from .options import MeshCommand, MeshGroup, pass_environment, until_eof_option
from .output import Environment


@click.group("registry", cls=MeshGroup)
def command() -> None:
    """Run the meeting point that agents start from."""


@command.command("serve", cls=MeshCommand)
@click.option(
    "--listen", default="127.0.0.1:4567", show_default=True, metavar="H:P", help="Port 0 takes any free one."
)
@click.option(
    "--data", default=":memory:", metavar="FILE", help="Keep the agents in this file [default: in memory]."
)
@until_eof_option
@pass_environment
def serve(environment: Environment, listen: str, data: str, until_eof: bool) -> None:
    """Serve a registry until interrupted; Agent99's own agents can use it too.

    With --json one line with `url` and `data` says that it is ready.
    """
    from .event_loop import run

    environment.log_to_stderr()
    run(_serve(environment, listen, data), until_eof=until_eof)


async def _serve(environment: Environment, listen: str, data: str) -> None:
    from asyncio import Event

    from ..node.registry.server import RegistryServer

    async with RegistryServer(listen, data) as server:
        if environment.as_json:
            environment.document({"url": server.url, "data": data}, one_line=True)
        else:
            environment.line(server.url)
            environment.note("the registry is ready; Ctrl-C stops it")
        await Event().wait()
