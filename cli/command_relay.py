"""`mesh99 relay serve`: run a STUN and TURN server for stock clients."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING, Any

import click

from .options import MeshCommand, MeshGroup, pass_environment, until_eof_option
from .output import Environment

if TYPE_CHECKING:
    from ..node.turn_server import TurnService

NO_CREDENTIALS = "nobody could use it: give --user or --secret"


@click.group("relay", cls=MeshGroup)
def command() -> None:
    """Run a STUN and TURN server (RFC 8489, RFC 8656) for browsers and other stock clients."""


class _User(click.ParamType[Any]):
    """NAME:PASSWORD."""

    name = "user"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        name, _, password = value.partition(":")
        if not name or not password:
            self.fail("write a user as NAME:PASSWORD", param, ctx)
        return name, password


class _Ports(click.ParamType[Any]):
    """A-B."""

    name = "ports"

    def convert(self, value: str | range, param: click.Parameter | None, ctx: click.Context | None) -> range:
        if isinstance(value, range):
            return value
        first, _, last = value.partition("-")
        if not (first.isdecimal() and last.isdecimal() and 1024 <= int(first) <= int(last) <= 65_535):
            self.fail(f"{value!r} is no range of ports: write A-B, from 1024 to 65535", param, ctx)
        return range(int(first), int(last) + 1)


@command.command("serve", cls=MeshCommand)
@click.option(
    "--listen",
    multiple=True,
    default=("0.0.0.0:3478",),
    show_default=True,
    metavar="H:P",
    help="UDP and TCP; may be repeated. Two addresses of one kind let clients test their NAT's filter (RFC 5780).",
)
@click.option(
    "--user", "users", multiple=True, type=_User(), metavar="NAME:PASSWORD", help="May be repeated."
)
@click.option(
    "--secret",
    envvar="MESH99_RELAY_SECRET",
    show_envvar=True,
    metavar="TEXT",
    help="Take names EXPIRY:NAME with the password base64(HMAC-SHA1(secret, EXPIRY:NAME)).",
)
@click.option("--realm", default="mesh99", show_default=True, metavar="TEXT", help="Shown to clients.")
@click.option(
    "--ports",
    type=_Ports(),
    default="49152-65535",
    show_default=True,
    metavar="A-B",
    help="UDP ports of relayed transports.",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="CIDR",
    help="Relay to these special addresses too: for labs. May be repeated.",
)
@click.option(
    "--public-address",
    "public_addresses",
    multiple=True,
    metavar="IP",
    help="Where this machine is reached, if a box translates its address one to one.",
)
@click.option(
    "--max-allocations", type=click.IntRange(1), default=1024, show_default=True, metavar="N", help="In all."
)
@click.option(
    "--max-per-user", type=click.IntRange(1), default=128, show_default=True, metavar="N", help="Of one user."
)
@click.option(
    "--rate",
    type=click.IntRange(0),
    default=1_250_000,
    show_default=True,
    metavar="BYTES/S",
    help="What an allocation may carry, both ways together; 0: no limit.",
)
@click.option(
    "--total-rate",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="BYTES/S",
    help="What all together may carry; 0: no limit.",
)
@until_eof_option
@pass_environment
def serve(
    environment: Environment,
    listen: tuple[str, ...],
    users: tuple[tuple[str, str], ...],
    secret: str | None,
    realm: str,
    ports: range,
    allow: tuple[str, ...],
    public_addresses: tuple[str, ...],
    max_allocations: int,
    max_per_user: int,
    rate: int,
    total_rate: int,
    until_eof: bool,
) -> None:
    """Serve STUN and TURN until interrupted.

    With --json one line with `listen`, `realm`, `ports` and `tests_filtering` says that it is ready.
    """
    from ..nat.turn.config import TurnConfig
    from ..nat.turn.credentials import Credentials
    from ..node.turn_server import TurnService
    from .event_loop import run

    if not users and not secret:
        raise click.UsageError(NO_CREDENTIALS, click.get_current_context())
    config = TurnConfig(
        realm=realm,
        allocations_max=max_allocations,
        allocations_per_user_max=max_per_user,
        bytes_per_s=rate,
        bytes_per_s_in_all=total_rate,
    )
    service = TurnService(
        listen,
        Credentials(dict(users), secret),
        config,
        ports=ports,
        allowed_peers=allow,
        public_addresses=public_addresses,
    )
    environment.log_to_stderr()
    _allow_many_sockets()
    run(_serve(environment, service, realm, ports), until_eof=until_eof)


def _allow_many_sockets() -> None:
    """Take all the file descriptors that the system lets us have: an allocation needs one or two."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _serve(environment: Environment, service: TurnService, realm: str, ports: range) -> None:
    from asyncio import Event

    async with service:
        endpoints = [str(each) for each in service.endpoints]
        document = {
            "listen": endpoints,
            "realm": realm,
            "ports": f"{ports.start}-{ports.stop - 1}",
            "tests_filtering": service.tests_filtering,
        }
        if environment.as_json:
            environment.document(document, one_line=True)
        else:
            for each in service.endpoints:
                environment.line(f"{each.host}:{each.port}")
            environment.note("the relay is ready, UDP and TCP; Ctrl-C stops it")
        await Event().wait()
