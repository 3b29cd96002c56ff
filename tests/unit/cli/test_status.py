"""What `mesh99 status` says of the port that the router opened."""

from __future__ import annotations

import msgspec
import pytest

from mesh99.cli.command_status import port_mapping_of
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
