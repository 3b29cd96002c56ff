"""RFC 5780 behind simulated answers: what is concluded from what a server says, and what is not believed."""

from __future__ import annotations

import pytest

from mesh99.nat.behaviour import Filtering, Mapping
from mesh99.nat.stun.binding import BindingServer
from mesh99.nat.stun.discovery import Discovery
from mesh99.nat.stun.message import decode
from mesh99.wire.endpoint import Endpoint

HOSTS, PORTS = ("192.0.2.1", "192.0.2.2"), (3478, 3479)
FOUR = tuple(Endpoint("udp", host, port) for host in HOSTS for port in PORTS)
OWN = Endpoint("udp", "10.0.0.2", 5000)


def discover(own: Endpoint, outer: dict[str, Endpoint], *, filters: bool, four: bool = True) -> Discovery:
    """Ask a server of four endpoints (or one) behind a box that maps by destination and filters or not."""
    server = BindingServer(FOUR if four else None)  # type: ignore[arg-type]
    numbers = iter(range(1, 100))
    now = 0.0
    discovery = Discovery(FOUR[0], own, lambda size: next(numbers).to_bytes(size, "big"), now)
    asked = set()
    while not discovery.is_over:
        packets, discovery.transactions.packets = discovery.transactions.packets, []
        for packet, destination in packets:
            asked.add(destination)
            answer = server.answer(decode(packet), outer[destination.host], destination)
            assert answer is not None
            origin = answer.origin or destination
            if origin in asked or not filters:
                discovery.transactions.receive(decode(answer.packet), origin, now)
        now += 0.05
        discovery.transactions.handle_timeout(now)
    return discovery


BOX = Endpoint("udp", "198.51.100.1", 40000)
SAME = dict.fromkeys(HOSTS, BOX)
DIFFERENT = {HOSTS[0]: BOX, HOSTS[1]: BOX._replace(port=40001)}


@pytest.mark.parametrize(
    ("own", "outer", "filters", "mapping", "filtering"),
    [
        (BOX, SAME, False, Mapping.NONE, Filtering.ENDPOINT_INDEPENDENT),
        (BOX, SAME, True, Mapping.NONE, Filtering.DEPENDENT),
        (OWN, SAME, False, Mapping.ENDPOINT_INDEPENDENT, Filtering.ENDPOINT_INDEPENDENT),
        (OWN, SAME, True, Mapping.ENDPOINT_INDEPENDENT, Filtering.DEPENDENT),
        (OWN, DIFFERENT, True, Mapping.ADDRESS_AND_PORT_DEPENDENT, Filtering.DEPENDENT),
    ],
)
def test_each_box_is_told(
    own: Endpoint, outer: dict[str, Endpoint], filters: bool, mapping: Mapping, filtering: Filtering
) -> None:
    found = discover(own, outer, filters=filters).found
    assert (found.mapping, found.filtering) == (mapping, filtering)


def test_a_server_with_one_address_tells_only_where_it_sees_us() -> None:
    found = discover(OWN, SAME, filters=True, four=False).found
    assert (found.observed, found.other) == ([BOX], None)
    assert (found.mapping, found.filtering) == (Mapping.UNKNOWN, Filtering.UNKNOWN)


def test_a_dead_server_ends_it() -> None:
    discovery = Discovery(FOUR[0], OWN, lambda size: bytes(size), 0.0)
    discovery.transactions.handle_timeout(10.0)
    assert discovery.is_over
    assert discovery.found.observed == []
