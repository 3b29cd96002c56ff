"""`mesh99 status`: what a running node says of itself."""

from __future__ import annotations

from typing import Any

import click

from .client import Client
from .options import MeshCommand, pass_environment
from .output import Environment


@click.command("status", cls=MeshCommand)
@pass_environment
def command(environment: Environment) -> None:
    """Show this node."""
    status = Client(environment.home).call("status")
    environment.result(status, lambda: environment.fields(fields_of(status)))


def fields_of(status: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what a person wants to know of a node, most wanted first."""
    return [
        ("name", status["name"] or "-"),
        ("node id", status["node_id"]),
        ("capabilities", ", ".join(status["capabilities"]) or "-"),
        ("endpoints", "  ".join(status["endpoints"])),
        ("nat", status["nat"]),
        ("peers", f"{status['peers']} sessions, {status['contacts']} contacts"),
        ("records", str(status["records"])),
        ("registry", status["registry"] or "none"),
        ("uptime", duration(status["uptime_s"])),
        (
            "dropped",
            ", ".join(f"{reason} {count}" for reason, count in status["dropped"].items()) or "nothing",
        ),
    ]


def duration(seconds: float) -> str:
    """Return `3 d 4 h`, `4 h 5 min`, `5 min 6 s` or `6 s`."""
    units = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
    rest = int(seconds)
    parts: list[str] = []
    for unit, length_s in units:
        count, rest = divmod(rest, length_s)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])
