"""NAT boxes by RFC 4787: mapping, filtering, ports, time-outs."""

from __future__ import annotations

from itertools import product
from random import Random
from typing import Any

import pytest

from mesh99.simulations.network.nat_box import Behaviour, NatBox, NatBoxConfig, PortPolicy
from mesh99.wire.endpoint import Endpoint

EI, AD, APD = Behaviour
SECOND_NS = 1_000_000_000

INNER = Endpoint("udp", "10.0.0.1", 7400)
OTHER = Endpoint("udp", "10.0.0.2", 7400)
SERVER = Endpoint("udp", "20.0.0.1", 80)
SAME_ADDRESS = SERVER._replace(port=81)
ELSEWHERE = Endpoint("udp", "20.0.0.2", 80)


def box(**config: Any) -> NatBox:
    return NatBox(NatBoxConfig(**config), "11.0.0.1", Random(1))


def out(nat: NatBox, destination: Endpoint, inner: Endpoint = INNER, at_s: float = 0.0) -> Endpoint:
    seen = nat.outbound(inner, destination, int(at_s * SECOND_NS))
    assert seen is not None
    return seen


def passes(nat: NatBox, outer: Endpoint, source: Endpoint, at_s: float = 0.0) -> bool:
    return nat.inbound(outer, source, int(at_s * SECOND_NS)) == INNER


@pytest.mark.parametrize(("mapping", "ports"), list(product(Behaviour, PortPolicy)))
def test_what_has_a_port_of_its_own(mapping: Behaviour, ports: PortPolicy) -> None:
    nat = box(mapping=mapping, ports=ports)
    first = out(nat, SERVER)
    assert first.host == "11.0.0.1"
    assert out(nat, SERVER) == first
    assert (out(nat, SAME_ADDRESS) == first) == (mapping in (EI, AD))
    assert (out(nat, ELSEWHERE) == first) == (mapping is EI)
    assert out(nat, SERVER, OTHER) != first
    assert out(nat, SERVER, INNER._replace(transport="tcp")).transport == "tcp"


@pytest.mark.parametrize(("mapping", "filtering"), list(product(Behaviour, Behaviour)))
def test_who_is_let_in(mapping: Behaviour, filtering: Behaviour) -> None:
    nat = box(mapping=mapping, filtering=filtering)
    outer = out(nat, SERVER)
    assert passes(nat, outer, SERVER)
    assert passes(nat, outer, SAME_ADDRESS) == (filtering in (EI, AD))
    assert passes(nat, outer, ELSEWHERE) == (filtering is EI)
    assert nat.inbound(outer._replace(port=outer.port - 1), SERVER, 0) is None
    assert nat.inbound(outer._replace(transport="tcp"), SERVER, 0) is None


def test_ports_are_preserved_where_they_are_free() -> None:
    nat = box(ports=PortPolicy.PRESERVING)
    assert out(nat, SERVER).port == INNER.port
    assert out(nat, SERVER, OTHER).port == INNER.port + 1


def test_ports_in_sequence_and_at_random() -> None:
    sequential = box(mapping=APD, ports=PortPolicy.SEQUENTIAL)
    ports = [out(sequential, SERVER._replace(port=port)).port for port in range(1, 6)]
    assert ports == list(range(ports[0], ports[0] + 5))
    random = box(mapping=APD, ports=PortPolicy.RANDOM)
    ports = [out(random, SERVER._replace(port=port)).port for port in range(1, 200)]
    assert len(dict.fromkeys(ports)) == 199
    assert min(ports) < 5000
    assert max(ports) > 60_000


def test_sequential_ports_begin_again_at_the_end() -> None:
    nat = box(mapping=APD, ports=PortPolicy.SEQUENTIAL, port_min=2000, port_max=2002)
    ports = [out(nat, SERVER._replace(port=port)).port for port in (1, 2, 3)]
    assert sorted(ports) == [2000, 2001, 2002]
    assert nat.outbound(INNER, SERVER._replace(port=4), 0) is None
    assert nat.refused == 1


def test_what_goes_out_keeps_a_mapping_alive() -> None:
    nat = box(timeout_s=30.0, ports=PortPolicy.SEQUENTIAL)
    outer = out(nat, SERVER)
    assert out(nat, SERVER, at_s=29) == outer
    assert passes(nat, outer, SERVER, at_s=58)
    assert not passes(nat, outer, SERVER, at_s=60)
    assert nat.mappings == 0
    assert out(nat, SERVER, at_s=60) != outer


@pytest.mark.parametrize("refreshes", [False, True])
def test_what_comes_in_keeps_it_alive_only_when_asked(refreshes: bool) -> None:
    nat = box(timeout_s=30.0, inbound_refresh=refreshes)
    outer = out(nat, SERVER)
    assert passes(nat, outer, SERVER, at_s=29)
    assert passes(nat, outer, SERVER, at_s=50) == refreshes


def test_each_peer_s_permission_lives_by_itself() -> None:
    nat = box(timeout_s=30.0)
    outer = out(nat, SERVER)
    assert out(nat, ELSEWHERE, at_s=20) == outer
    assert passes(nat, outer, ELSEWHERE, at_s=45)
    assert not passes(nat, outer, SERVER, at_s=45), "the mapping lives, the filter is per destination"


def test_tcp_mappings_live_longer() -> None:
    nat = box(timeout_s=30.0)
    inner, server = INNER._replace(transport="tcp"), SERVER._replace(transport="tcp")
    outer = out(nat, server, inner)
    assert nat.inbound(outer, server, 3600 * SECOND_NS) == inner


def test_the_table_is_bounded_and_frees_what_has_expired() -> None:
    nat = box(mapping=APD, mappings_max=3, timeout_s=30.0)
    for port in range(1, 4):
        out(nat, SERVER._replace(port=port), at_s=port)
    assert nat.outbound(INNER, SERVER._replace(port=4), 5 * SECOND_NS) is None
    out(nat, SERVER._replace(port=4), at_s=32)
    assert nat.mappings <= 3


def test_permissions_are_bounded_and_the_oldest_goes_first() -> None:
    nat = box(permissions_max=2)
    outer = out(nat, SERVER)
    out(nat, ELSEWHERE, at_s=1)
    out(nat, SERVER, at_s=2)
    out(nat, SAME_ADDRESS, at_s=3)
    assert [passes(nat, outer, source, at_s=4) for source in (SERVER, ELSEWHERE, SAME_ADDRESS)] == [
        True,
        False,
        True,
    ]


def test_a_box_without_udp_lets_tcp_out() -> None:
    nat = box(udp_blocked=True)
    assert nat.outbound(INNER, SERVER, 0) is None
    assert out(nat, SERVER, INNER._replace(transport="tcp"))


def test_a_reboot_forgets_everything() -> None:
    nat = box()
    outer = out(nat, SERVER)
    nat.reboot()
    assert nat.inbound(outer, SERVER, 0) is None
    nat.reboot("11.0.0.9")
    assert out(nat, SERVER).host == "11.0.0.9"
    assert nat.inbound(outer, SERVER, 0) is None
