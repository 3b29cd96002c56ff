"""`mesh99`: the group of all commands, each in its own `command_<verb>.py` and loaded when it is named."""

from __future__ import annotations

import click

from .options import MeshGroup, common_options

COMMANDS = (
    "demo",
    "up",
    "status",
    "peers",
    "top",
    "nat",
    "find",
    "resolve",
    "request",
    "send",
    "put",
    "get",
    "ping",
    "trace",
    "bench",
    "doctor",
    "keys",
    "registry",
    "relay",
    "sim",
)


@click.group(
    cls=MeshGroup,
    late={name: f"command_{name}" for name in COMMANDS},
    params=common_options(home_variable="MESH99_HOME"),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="mesh99", prog_name="mesh99", message="%(prog)s %(version)s")
def main() -> None:
    """Direct, encrypted lines between agents.

    Try `mesh99 demo`. PEER is a node id, its first 8 letters, a name or a uuid. Data comes on stdout,
    everything else on stderr. Exit codes: 0 done, 1 what was asked did not happen, 2 wrong usage,
    3 no node is running there, 70 internal error, 130 interrupted.
    """


if __name__ == "__main__":
    main()
