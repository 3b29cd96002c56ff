"""What `mesh99 top` shows: a few lines about the node, and its peers, the busiest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .command_status import duration, relay_of
from .output import short, size
from .peer_view import name_of, path_of, rtt_of

COLUMNS = ("NODE", "NAME", "PATH", ">RTT ms", ">SENT/s", ">RECEIVED/s", "WHY")


@dataclass(frozen=True, slots=True)
class Sample:
    """What a node said at one moment."""

    at_s: float
    status: dict[str, Any]
    peers: list[dict[str, Any]]


def rated(now: Sample, before: Sample) -> list[dict[str, Any]]:
    """Return the peers with what they sent and got per second since the sample before, the busiest first."""
    passed_s = max(now.at_s - before.at_s, 1e-3)
    known = {peer["node_id"]: peer for peer in before.peers}
    rows = []
    for peer in now.peers:
        old = known.get(peer["node_id"], peer)
        rates = {
            f"{way}_bytes_per_s": round(max(0, peer[f"{way}_bytes"] - old[f"{way}_bytes"]) / passed_s, 1)
            for way in ("tx", "rx")
        }
        rows.append({**peer, **rates})
    return sorted(rows, key=lambda row: (-row["tx_bytes_per_s"] - row["rx_bytes_per_s"], row["node_id"]))


def head(status: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what is told of the node itself."""
    return [
        ("node", f"{status['name'] or '-'} {short(status['node_id'])}, up {duration(status['uptime_s'])}"),
        ("nat", status["nat"]),
        ("peers", f"{status['peers']} sessions, {status['contacts']} contacts"),
        ("relay", relay_of(status["relay"])),
    ]


def rows_of(peers: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Return a row for each peer."""
    return [
        (
            short(peer["node_id"]),
            name_of(peer),
            path_of(peer),
            rtt_of(peer),
            size(int(peer["tx_bytes_per_s"])),
            size(int(peer["rx_bytes_per_s"])),
            peer["why"],
        )
        for peer in peers
    ]
