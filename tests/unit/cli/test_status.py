"""What `mesh99 status` says of the port that the router opened, and of its relay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from mesh99.cli.command_status import port_mapping_of, relay_of
from mesh99.nat.relay.config import RelayConfig
from mesh99.nat.relay.server import RelayServer
from mesh99.node.relay_status import refused_by
from mesh99.node.results import PortMappingStatus

GOOD = {"protocol": "pcp", "external_host": "20.0.0.1", "udp_port": 7400, "lease_s": 7000}


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        (None, "off"),
        (PortMappingStatus(reason="nobody answers"), "none: nobody answers"),
        (
            PortMappingStatus(**GOOD, tcp_port=7401, verified=True),
            "20.0.0.1 udp 7400 tcp 7401 by pcp for 1 h 56 min; strangers get in",
        ),
        (
            PortMappingStatus(**GOOD, reason="not tested yet"),
            "20.0.0.1 udp 7400 by pcp for 1 h 56 min; not used: not tested yet",
        ),
    ],
)
def test_a_mapping_is_told_in_a_line(mapping: PortMappingStatus | None, words: str) -> None:
    assert port_mapping_of(None if mapping is None else msgspec.structs.asdict(mapping)) == words


@pytest.mark.usefixtures("node")
def test_the_load_of_a_relay_is_told_to_people_and_programs(
    mesh99: Callable[..., Any], document: Callable[..., Any]
) -> None:
    relay = document("status")["relay"]
    assert {"mode", "serves", "announced", "load", "reservations", "circuits", "forwarded_bytes"} <= set(
        relay
    )
    assert relay["refused"] == {"over the rate of a circuit": 7}
    assert relay["limits"]["bytes_per_s"] is None
    assert (
        "announced; 3 of 128 reservations; 1 of 1024 circuits; 1.5 MB forwarded of 1.0 GB;"
        " at most 125.0 kB/s a circuit, without end in all; over the rate of a circuit: 7"
        in mesh99("status").stdout
    )


@pytest.mark.parametrize(
    ("mode", "words"), [("off", "never serves"), ("auto", "serves when strangers reach this node")]
)
def test_a_node_that_does_not_relay_says_when_it_would(mode: str, words: str) -> None:
    assert relay_of({"mode": mode, "serves": False, "limits": {}}) == words


def test_refusals_are_told_by_reason() -> None:
    server = RelayServer(RelayConfig())
    server.dropped.update({"relay: no such circuit": 1, "relay: over the rate of all": 3})
    assert list(refused_by(server).items()) == [("over the rate of all", 3), ("no such circuit", 1)]
