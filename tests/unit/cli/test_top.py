"""`mesh99 top`: who is busiest, by which path, and why by that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from mesh99.cli.peer_view import path_of
from mesh99.cli.top_view import Sample, rated
from mesh99.node.results import PeerStatus

A, B, RELAY = ("aaaaaaaa" + "x" * 44, "bbbbbbbb" + "x" * 44, "rrrrrrrr" + "x" * 44)


def peer(node_id: str, sent: int, came: int = 0, **more: Any) -> dict[str, Any]:
    said = {"name": "", "path": "direct", "endpoint": "udp://20.0.0.1:7400", "rtt_ms": 1.0, **more}
    return msgspec.structs.asdict(PeerStatus(node_id=node_id, tx_bytes=sent, rx_bytes=came, **said))


def test_rates_are_of_the_time_between_and_the_busiest_comes_first() -> None:
    before = Sample(10.0, {}, [peer(A, 1000), peer(B, 1000, 500)])
    now = Sample(12.0, {}, [peer(A, 1000), peer(B, 3000, 600), peer(RELAY, 77)])
    rows = rated(now, before)
    assert [row["node_id"] for row in rows] == [B, A, RELAY]
    assert [(row["tx_bytes_per_s"], row["rx_bytes_per_s"]) for row in rows] == [
        (1000.0, 50.0),
        (0, 0),
        (0, 0),
    ]


def test_a_relay_is_named_or_its_id_is_told() -> None:
    assert path_of(peer(A, 0, path="relay", via=RELAY, via_name="hub")) == "relay via hub"
    assert path_of(peer(A, 0, path="relay", via=RELAY)) == "relay via rrrrrrrr"
    assert path_of(peer(A, 0, path="lan")) == "lan"


@pytest.mark.usefixtures("node")
def test_top_is_a_table_for_people_and_one_document_for_programs(
    mesh99: Callable[..., Any], document: Callable[..., Any]
) -> None:
    text = mesh99("top", "--every", "0.1", "--count", "2").stdout
    assert text.count("RECEIVED/s") == 2
    assert "3 of 128 reservations" in text
    assert "punched after 240 ms" in text
    told = document("top", "--every", "0.1")
    assert told["status"]["relay"]["forwarded_bytes"] == 1_500_000
    assert {"path", "why", "via", "tx_bytes_per_s", "rx_bytes_per_s"} <= set(told["peers"][0])


def test_without_a_node_top_says_so(mesh99: Callable[..., Any]) -> None:
    assert mesh99("top").exit_code == 3
