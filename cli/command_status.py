"""`mesh99 status`: what a running node says of itself."""

from __future__ import annotations

from typing import Any

import click

from .client import Client
from .options import MeshCommand, pass_environment
from .output import Environment, decimal, size


@click.command("status", cls=MeshCommand)
@pass_environment
def command(environment: Environment) -> None:
    """Show this node."""
    status = Client(environment.home).call("status")
    environment.result(status, lambda: environment.fields(fields_of(status)))


def fields_of(status: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what a person wants to know of a node, most wanted first."""
    dht = status["dht"]
    return [
        ("name", status["name"] or "-"),
        ("node id", status["node_id"]),
        ("capabilities", ", ".join(status["capabilities"]) or "-"),
        ("endpoints", "  ".join(status["endpoints"])),
        ("nat", status["nat"]),
        ("relay", relay_of(status["relay"])),
        ("port mapping", port_mapping_of(status["port_mapping"])),
        ("peers", f"{status['peers']} sessions, {status['contacts']} contacts"),
        ("records", f"{dht['records']}, {size(dht['record_bytes'])}"),
        ("network", f"about {dht['network_size']} nodes, median round trip {decimal(dht['rtt_p50_ms'])} ms"),
        ("buckets", "  ".join(f"{bits}:{count}" for bits, count in dht["contacts_by_bucket"].items()) or "-"),
        (
            "lookups",
            f"{dht['lookups']}, {dht['refreshes']} of them refreshes; {dht['requests']} requests,"
            f" {dht['timeouts']} time-outs, {sum(dht['failures'].values())} failed, {dht['hedges']} hedges",
        ),
        ("registry", status["registry"] or "none"),
        ("uptime", duration(status["uptime_s"])),
        (
            "dropped",
            ", ".join(f"{reason} {count}" for reason, count in status["dropped"].items()) or "nothing",
        ),
    ]


def relay_of(relay: dict[str, Any]) -> str:
    """Return what this node does for nodes that cannot be called, and how much more it would do."""
    limits = relay["limits"]
    if not relay["serves"]:
        why = {
            "off": "never serves",
            "auto": "serves when strangers reach this node",
            "on": "not running yet",
        }
        return why[relay["mode"]]
    rates = [limits["circuit_bytes_per_s"], limits["bytes_per_s"]]
    each, in_all = ("without end" if rate is None else f"{size(int(rate))}/s" for rate in rates)
    volume = limits["forwarded_bytes"]
    words = [
        "announced" if relay["announced"] else "not announced",
        f"{relay['reservations']} of {limits['reservations']} reservations",
        f"{relay['circuits']} of {limits['circuits']} circuits",
        f"{size(relay['forwarded_bytes'])} forwarded" + ("" if volume is None else f" of {size(volume)}"),
        f"at most {each} a circuit, {in_all} in all",
        *(f"{why}: {count}" for why, count in relay["refused"].items()),
    ]
    return "; ".join(words)


def port_mapping_of(mapping: dict[str, Any] | None) -> str:
    """Return what the router opened, or why others are not told of it."""
    if mapping is None:
        return "off"
    if mapping["protocol"] is None:
        return f"none: {mapping['reason']}"
    ports = " ".join(
        f"{transport} {mapping[f'{transport}_port']}"
        for transport in ("udp", "tcp")
        if mapping[f"{transport}_port"]
    )
    life = duration(mapping["lease_s"])
    verdict = "strangers get in" if mapping["verified"] else f"not used: {mapping['reason']}"
    return f"{mapping['external_host']} {ports} by {mapping['protocol']} for {life}; {verdict}"


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
