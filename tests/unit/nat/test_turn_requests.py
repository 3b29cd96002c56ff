"""Requests to the TURN server: what each makes, and every error code where the RFC wants it."""

from __future__ import annotations

import pytest
from turn_world import (
    CLIENT,
    PEER,
    PEER6,
    RELAY_HOSTS,
    SERVER,
    UDP,
    Attributes,
    FakePorts,
    TurnWorld,
    address_of,
    code_of,
)

from mesh99.nat.stun.attributes import Attribute
from mesh99.nat.stun.message import MessageClass, Method, decode, encode, is_proved
from mesh99.nat.turn.config import TurnConfig
from mesh99.wire.endpoint import IPV4, Endpoint

V4, V6 = bytes((1, 0, 0, 0)), bytes((2, 0, 0, 0))
OTHER_CLIENT = CLIENT._replace(port=40_001)
HOUR = (3600).to_bytes(4, "big")


def life_of(answer: object) -> int:
    return int.from_bytes(answer.find(Attribute.LIFETIME) or b"", "big")  # type: ignore[attr-defined]


def test_an_allocation_tells_both_addresses_and_its_life() -> None:
    world = TurnWorld()
    client = world.client()
    answer = client.request(Method.ALLOCATE, UDP)
    assert code_of(answer) == 0
    assert address_of(answer, Attribute.XOR_RELAYED_ADDRESS) in world.ports.opened
    assert address_of(answer, Attribute.XOR_MAPPED_ADDRESS) == CLIENT
    assert life_of(answer) == 600
    assert is_proved(answer, sha1_key=client.key)
    assert world.server.allocations == 1


def test_the_public_address_is_told_where_a_box_translates_it() -> None:
    world = TurnWorld(ports=FakePorts(hosts={IPV4: "10.0.0.5"}), relay_hosts={IPV4: "9.9.9.9"})
    relayed = world.client().allocate()
    assert relayed.host == "9.9.9.9"
    assert relayed._replace(host="10.0.0.5") in world.ports.opened


@pytest.mark.parametrize(("asked_s", "given_s"), [(1, 600), (600, 600), (1200, 1200), (2**32 - 1, 3600)])
def test_a_life_is_as_asked_within_its_limits(asked_s: int, given_s: int) -> None:
    client = TurnWorld().client()
    answer = client.request(Method.ALLOCATE, [*UDP, (Attribute.LIFETIME, asked_s.to_bytes(4, "big"))])
    assert life_of(answer) == given_s
    assert life_of(client.refresh(asked_s)) == given_s


def test_an_allocation_ends_with_its_life_and_its_port_is_closed() -> None:
    world = TurnWorld()
    client = world.client()
    relayed = client.allocate()
    client.permit(PEER)
    world.pass_time(599)
    assert client.hear(b"x", relayed, PEER) == []  # the permission ended, the allocation did not
    assert world.server.allocations == 1
    world.pass_time(2)
    assert (world.server.allocations, world.ports.opened) == (0, set())
    assert world.server.next_timeout() is None


def test_an_allocation_that_ended_does_nothing_before_it_is_swept() -> None:
    world = TurnWorld()
    client = world.client()
    relayed = client.allocate()
    client.permit(PEER)
    world.now += 600.5
    assert client.hear(b"x", relayed, PEER) == []
    assert client.send(PEER, b"x") == []
    client.nonce = b""
    assert code_of(client.refresh(600)) == 437
    assert client.allocate() != relayed
    assert len(world.ports.opened) == 1


def test_refresh_keeps_and_ends_an_allocation() -> None:
    world = TurnWorld()
    client = world.client()
    client.allocate()
    world.pass_time(500)
    assert life_of(client.refresh(600)) == 600
    world.pass_time(500)
    client.nonce = b""
    assert world.server.allocations == 1
    assert life_of(client.refresh(0)) == 0
    assert (world.server.allocations, world.ports.opened) == (0, set())


def test_an_allocate_request_that_comes_again_gets_the_same_answer() -> None:
    world = TurnWorld()
    client = world.client()
    request = client.signed(Method.ALLOCATE, UDP)
    assert client.receive(request) == client.receive(request)
    assert world.server.allocations == 1


def test_a_second_allocation_of_a_client_is_refused() -> None:
    client = TurnWorld().client()
    client.allocate()
    assert code_of(client.request(Method.ALLOCATE, UDP)) == 437


@pytest.mark.parametrize("method", [Method.REFRESH, Method.CREATE_PERMISSION, Method.CHANNEL_BIND])
def test_without_an_allocation_there_is_nothing_to_change(method: Method) -> None:
    assert code_of(TurnWorld().client().request(method, [])) == 437


@pytest.mark.parametrize("method", [Method.REFRESH, Method.CREATE_PERMISSION, Method.CHANNEL_BIND])
def test_another_user_may_not_change_an_allocation(method: Method) -> None:
    world = TurnWorld()
    world.client().allocate()
    assert code_of(world.client(username="bob").request(method, [])) == 441
    assert world.server.allocations == 1


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ([], 400),
        ([(Attribute.REQUESTED_TRANSPORT, b"\x11")], 400),
        ([(Attribute.REQUESTED_TRANSPORT, bytes((6, 0, 0, 0)))], 442),
        ([*UDP, (0x7777, b"")], 420),
        ([*UDP, (Attribute.DONT_FRAGMENT, b"")], 420),
        ([*UDP, (Attribute.REQUESTED_ADDRESS_FAMILY, bytes((3, 0, 0, 0)))], 440),
        ([*UDP, (Attribute.REQUESTED_ADDRESS_FAMILY, b"\x01")], 400),
        ([*UDP, (Attribute.LIFETIME, b"\x01")], 400),
        ([*UDP, (Attribute.EVEN_PORT, b"")], 400),
        ([*UDP, (Attribute.ADDITIONAL_ADDRESS_FAMILY, V4)], 400),
        ([*UDP, (Attribute.ADDITIONAL_ADDRESS_FAMILY, V6), (Attribute.REQUESTED_ADDRESS_FAMILY, V4)], 400),
        ([*UDP, (Attribute.ADDITIONAL_ADDRESS_FAMILY, V6), (Attribute.EVEN_PORT, b"\x80")], 400),
        ([*UDP, (Attribute.RESERVATION_TOKEN, bytes(8)), (Attribute.EVEN_PORT, b"\x80")], 400),
        ([*UDP, (Attribute.RESERVATION_TOKEN, bytes(8)), (Attribute.REQUESTED_ADDRESS_FAMILY, V4)], 400),
        ([*UDP, (Attribute.RESERVATION_TOKEN, bytes(7))], 400),
        ([*UDP, (Attribute.RESERVATION_TOKEN, bytes(8))], 508),
    ],
)
def test_allocate_requests_that_are_refused(attributes: Attributes, code: int) -> None:
    world = TurnWorld()
    client = world.client()
    answer = client.request(Method.ALLOCATE, attributes)
    assert code_of(answer) == code
    assert is_proved(answer, sha1_key=client.key)
    assert (world.server.allocations, world.ports.opened) == (0, set())


def test_an_attribute_that_must_be_understood_is_named() -> None:
    answer = TurnWorld().client().request(Method.ALLOCATE, [*UDP, (Attribute.DONT_FRAGMENT, b"")])
    assert answer.find(Attribute.UNKNOWN_ATTRIBUTES) == bytes.fromhex("001a")


def test_a_user_has_a_quota() -> None:
    world = TurnWorld(TurnConfig(allocations_per_user_max=1))
    world.client().allocate()
    assert code_of(world.client(OTHER_CLIENT).request(Method.ALLOCATE, UDP)) == 486
    world.client(OTHER_CLIENT, "bob").allocate()
    world.client().refresh(0)
    world.client(CLIENT._replace(port=40_002)).allocate()


def test_the_server_has_a_capacity() -> None:
    world = TurnWorld(TurnConfig(allocations_max=1))
    world.client().allocate()
    assert code_of(world.client(OTHER_CLIENT, "bob").request(Method.ALLOCATE, UDP)) == 508


@pytest.mark.parametrize("more", [[], [(Attribute.EVEN_PORT, b"\x80")]])
def test_no_free_port_is_no_capacity(more: Attributes) -> None:
    world = TurnWorld(ports=FakePorts(free=0))
    assert code_of(world.client().request(Method.ALLOCATE, [*UDP, *more])) == 508


def test_ipv6_is_given_where_there_is_some() -> None:
    wish = (int(Attribute.REQUESTED_ADDRESS_FAMILY), V6)
    assert TurnWorld().client().allocate(wish).host == RELAY_HOSTS[2]
    poor = TurnWorld(relay_hosts={IPV4: "9.9.9.9"})
    assert code_of(poor.client().request(Method.ALLOCATE, [*UDP, wish])) == 440


def test_both_families_may_be_asked_for_at_once() -> None:
    client = TurnWorld().client()
    answer = client.request(Method.ALLOCATE, [*UDP, (Attribute.ADDITIONAL_ADDRESS_FAMILY, V6)])
    assert len(answer.all(Attribute.XOR_RELAYED_ADDRESS)) == 2
    assert code_of(client.permit(PEER, PEER6)) == 0
    assert [packet.source.family for packet in client.send(PEER6, b"x")] == [2]


@pytest.mark.parametrize(
    ("free", "relay_hosts", "code"), [(1, RELAY_HOSTS, 508), (9, {IPV4: "9.9.9.9"}, 440)]
)
def test_one_family_is_better_than_none(free: int, relay_hosts: dict[int, str], code: int) -> None:
    client = TurnWorld(ports=FakePorts(free=free), relay_hosts=relay_hosts).client()
    answer = client.request(Method.ALLOCATE, [*UDP, (Attribute.ADDITIONAL_ADDRESS_FAMILY, V6)])
    assert code_of(answer) == 0
    assert len(answer.all(Attribute.XOR_RELAYED_ADDRESS)) == 1
    assert (answer.find(Attribute.ADDRESS_ERROR_CODE) or b"")[:4] == bytes((2, 0, code // 100, code % 100))


def test_the_next_port_is_kept_for_the_same_user() -> None:
    world = TurnWorld()
    answer = world.client().request(Method.ALLOCATE, [*UDP, (Attribute.EVEN_PORT, b"\x80")])
    relayed, token = (
        address_of(answer, Attribute.XOR_RELAYED_ADDRESS),
        answer.find(Attribute.RESERVATION_TOKEN),
    )
    assert relayed.port % 2 == 0
    assert token is not None
    wish = (int(Attribute.RESERVATION_TOKEN), token)
    assert code_of(world.client(OTHER_CLIENT, "bob").request(Method.ALLOCATE, [*UDP, wish])) == 508
    assert world.client(OTHER_CLIENT).allocate(wish) == relayed._replace(port=relayed.port + 1)


def test_a_kept_port_is_given_up_after_its_time() -> None:
    world = TurnWorld(TurnConfig(reservations_max=1))
    answer = world.client().request(Method.ALLOCATE, [*UDP, (Attribute.EVEN_PORT, b"\x80")])
    token = answer.find(Attribute.RESERVATION_TOKEN) or b""
    more = world.client(OTHER_CLIENT).request(Method.ALLOCATE, [*UDP, (Attribute.EVEN_PORT, b"\x80")])
    assert code_of(more) == 508
    world.pass_time(31)
    assert len(world.ports.opened) == 1
    late = world.client(OTHER_CLIENT).request(Method.ALLOCATE, [*UDP, (Attribute.RESERVATION_TOKEN, token)])
    assert code_of(late) == 508


def test_refresh_of_a_family_that_is_not_there() -> None:
    client = TurnWorld().client()
    client.allocate()
    assert code_of(client.request(Method.REFRESH, [(Attribute.REQUESTED_ADDRESS_FAMILY, V6)])) == 443
    assert code_of(client.request(Method.REFRESH, [(Attribute.REQUESTED_ADDRESS_FAMILY, V4)])) == 0


def test_peers_of_a_family_that_is_not_there() -> None:
    client = TurnWorld().client()
    client.allocate()
    assert code_of(client.permit(PEER6)) == 443
    assert code_of(client.bind(0x4000, PEER6)) == 443


@pytest.mark.parametrize("attributes", [[], [(Attribute.XOR_PEER_ADDRESS, b"\x00\x01\x02")]])
def test_permissions_without_an_address(attributes: Attributes) -> None:
    client = TurnWorld().client()
    client.allocate()
    assert code_of(client.request(Method.CREATE_PERMISSION, attributes)) == 400


def test_one_bad_peer_spoils_all_permissions_of_a_request() -> None:
    client = TurnWorld().client()
    client.allocate()
    assert code_of(client.permit(PEER, Endpoint("udp", "10.0.0.1", 1))) == 403
    assert client.send(PEER, b"x") == []


def test_permissions_are_bounded_and_places_come_back() -> None:
    world = TurnWorld(TurnConfig(permissions_max=2))
    client = world.client()
    client.allocate()
    hosts = [Endpoint("udp", f"1.1.1.{number}", 1) for number in range(4)]
    assert code_of(client.permit(*hosts[:2])) == 0
    assert code_of(client.permit(*hosts[:2])) == 0
    assert code_of(client.permit(hosts[2])) == 508
    assert code_of(client.bind(0x4000, hosts[3])) == 508
    world.pass_time(301)
    assert code_of(client.permit(hosts[2])) == 0


@pytest.mark.parametrize(
    ("number", "peer", "code"),
    [
        (0x3FFF, PEER, 400),
        (0x7FFF, PEER, 400),
        (0x8000, PEER, 400),
        (0x4000, PEER._replace(port=0), 400),
        (0x4000, Endpoint("udp", "127.0.0.1", 80), 403),
        (0x4000, PEER, 0),
        (0x4FFF, PEER, 0),
    ],
)
def test_channels_that_may_be_bound(number: int, peer: Endpoint, code: int) -> None:
    client = TurnWorld().client()
    client.allocate()
    assert code_of(client.bind(number, peer)) == code


def test_a_channel_and_a_peer_belong_together() -> None:
    world = TurnWorld(TurnConfig(channels_max=2))
    client = world.client()
    client.allocate()
    second, third = PEER._replace(port=5001), PEER._replace(port=5002)
    assert code_of(client.bind(0x4000, PEER)) == 0
    assert code_of(client.bind(0x4000, PEER)) == 0
    assert code_of(client.bind(0x4000, second)) == 400
    assert code_of(client.bind(0x4001, PEER)) == 400
    assert code_of(client.bind(0x4001, second)) == 0
    assert code_of(client.bind(0x4000, second)) == 400
    assert code_of(client.bind(0x4002, third)) == 508


def test_a_channel_number_is_free_again_after_its_time() -> None:
    world = TurnWorld()
    client = world.client()
    client.request(Method.ALLOCATE, [*UDP, (Attribute.LIFETIME, HOUR)])
    client.bind(0x4000, PEER)
    world.pass_time(601)
    client.nonce = b""
    assert code_of(client.bind(0x4000, PEER._replace(port=5001))) == 0


@pytest.mark.parametrize("attributes", [[], [(Attribute.CHANNEL_NUMBER, b"\x40\x00\x00\x00")]])
def test_a_channel_needs_a_number_and_a_peer(attributes: Attributes) -> None:
    client = TurnWorld().client()
    client.allocate()
    assert code_of(client.request(Method.CHANNEL_BIND, attributes)) == 400


def test_binding_is_answered_without_credentials() -> None:
    client = TurnWorld().client()
    answer = client.ask(encode(client.message(Method.BINDING, [])))
    assert address_of(answer, Attribute.XOR_MAPPED_ADDRESS) == CLIENT


@pytest.mark.parametrize("message_class", [MessageClass.INDICATION, MessageClass.SUCCESS, MessageClass.ERROR])
def test_what_is_no_request_is_not_answered(message_class: MessageClass) -> None:
    client = TurnWorld().client()
    for method in (Method.BINDING, Method.ALLOCATE, Method.DATA, 0x00A):
        assert client.receive(encode(client.message(method, [], message_class))) == []


def test_unknown_methods_are_not_answered() -> None:
    client = TurnWorld().client()
    assert client.receive(encode(client.message(0x00A, []))) == []


def test_an_allocation_goes_with_its_connection() -> None:
    world = TurnWorld()
    client = world.client(CLIENT._replace(transport="tcp"))
    client.server = SERVER._replace(transport="tcp")
    client.allocate()
    assert world.server.has_allocation(client.endpoint, client.server, world.now)
    world.server.client_gone(client.endpoint, client.server, world.now)
    world.server.client_gone(client.endpoint, client.server, world.now)
    assert (world.server.allocations, world.ports.opened) == (0, set())


def test_closing_ends_everything() -> None:
    world = TurnWorld()
    world.client().request(Method.ALLOCATE, [*UDP, (Attribute.EVEN_PORT, b"\x80")])
    assert len(world.ports.opened) == 2
    world.server.close()
    assert (world.server.allocations, world.ports.opened) == (0, set())


def test_an_answer_has_a_fingerprint_when_the_request_has_one() -> None:
    client = TurnWorld().client()
    (bare,) = client.receive(encode(client.message(Method.ALLOCATE, []), fingerprint=False))
    assert decode(bare.data).find(Attribute.FINGERPRINT) is None
    (printed,) = client.receive(encode(client.message(Method.ALLOCATE, [])))
    assert decode(printed.data).find(Attribute.FINGERPRINT) is not None
