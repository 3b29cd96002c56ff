"""What the TURN server carries, at what rate, and whom it never reaches."""

from __future__ import annotations

from ipaddress import ip_address
from itertools import count

import pytest
from turn_world import CLIENT, PEER, PEER6, SERVER, UDP, FakePorts, TurnClient, TurnWorld, code_of

from mesh99.nat.stun.attributes import Attribute, decode_xor_address
from mesh99.nat.stun.message import MessageClass, Method, decode
from mesh99.nat.turn.config import TurnConfig
from mesh99.nat.turn.forwarding import PAYLOAD_BYTES_MAX, Packet
from mesh99.nat.turn.peer_policy import PeerPolicy
from mesh99.wire.endpoint import IPV4, Endpoint

OTHER_CLIENT = CLIENT._replace(port=40_001)
BOTH = (int(Attribute.ADDITIONAL_ADDRESS_FAMILY), bytes((2, 0, 0, 0)))

SPECIAL = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",  # IPv4-compatible
    "::ffff:127.0.0.1",
    "::ffff:1.1.1.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b::9.9.9.9",  # the server's own
    "64:ff9b:1::1.1.1.1",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a00:1::1",
    "2002:c0a8:101::1",
    "2002:a9fe:a9fe::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "9.9.9.10",  # another address of the server's machine
]
ORDINARY = [
    "1.1.1.1",
    "100.128.0.1",
    "172.32.0.1",
    "198.20.0.1",
    "2606:4700::1",
    "64:ff9b::1.1.1.1",
    "2002:101:101::1",
]


def allocated(
    world: TurnWorld, endpoint: Endpoint = CLIENT, *more: tuple[int, bytes]
) -> tuple[TurnClient, Endpoint]:
    client = world.client(endpoint)
    return client, client.allocate(*more)


def test_a_client_and_its_peer_hear_each_other_in_indications() -> None:
    client, relayed = allocated(TurnWorld())
    client.permit(PEER)
    assert client.send(PEER, b"hello") == [Packet(b"hello", relayed, PEER)]
    (packet,) = client.hear(b"hi", relayed, PEER)
    assert (packet.source, packet.destination) == (SERVER, CLIENT)
    indication = decode(packet.data)
    assert (indication.method, indication.message_class) == (Method.DATA, MessageClass.INDICATION)
    assert indication.find(Attribute.DATA) == b"hi"
    masked = indication.find(Attribute.XOR_PEER_ADDRESS) or b""
    assert decode_xor_address(masked, indication.transaction_id) == PEER


def test_a_channel_carries_both_ways() -> None:
    client, relayed = allocated(TurnWorld())
    client.bind(0x4001, PEER)
    assert client.send_channel(0x4001, b"hello") == [Packet(b"hello", relayed, PEER)]
    assert client.send_channel(0x4001, b"") == [Packet(b"", relayed, PEER)]
    assert client.hear(b"hi", relayed, PEER) == [Packet(b"\x40\x01\x00\x02hi", SERVER, CLIENT)]


def test_padding_behind_channel_data_is_left_out() -> None:
    client, relayed = allocated(TurnWorld())
    client.bind(0x4001, PEER)
    assert client.receive(b"\x40\x01\x00\x02hi\x00\x00") == [Packet(b"hi", relayed, PEER)]


def test_channel_data_is_padded_on_a_stream() -> None:
    world = TurnWorld()
    client = world.client(CLIENT._replace(transport="tcp"))
    client.server = SERVER._replace(transport="tcp")
    relayed = client.allocate()
    client.bind(0x4001, PEER)
    (packet,) = client.hear(b"hello", relayed, PEER)
    assert packet.data == b"\x40\x01\x00\x05hello\x00\x00\x00"


def test_without_permission_nothing_passes() -> None:
    world = TurnWorld()
    client, relayed = allocated(world)
    assert client.send(PEER, b"x") == []
    assert client.hear(b"x", relayed, PEER) == []
    assert world.server.dropped["turn: no permission"] == 2


def test_a_permission_is_for_a_host_and_ends() -> None:
    world = TurnWorld()
    client, relayed = allocated(world)
    client.permit(PEER)
    assert len(client.hear(b"x", relayed, PEER._replace(port=9))) == 1
    assert client.hear(b"x", relayed, PEER._replace(host="1.1.1.2")) == []
    world.now += 299
    assert len(client.send(PEER, b"x")) == 1
    world.now += 2
    assert client.send(PEER, b"x") == []
    assert client.hear(b"x", relayed, PEER) == []


def test_a_channel_permits_its_peer_as_long_as_it_stands() -> None:
    world = TurnWorld()
    client = world.client()
    client.request(Method.ALLOCATE, [*UDP, (Attribute.LIFETIME, (3600).to_bytes(4, "big"))])
    (relayed,) = world.ports.opened
    client.bind(0x4000, PEER)
    world.pass_time(599)
    assert len(client.send_channel(0x4000, b"x")) == 1
    assert len(client.hear(b"x", relayed, PEER)) == 1
    assert client.hear(b"x", relayed, PEER._replace(port=9)) == []
    world.now += 2
    assert client.send_channel(0x4000, b"x") == []
    assert client.hear(b"x", relayed, PEER) == []


@pytest.mark.parametrize(
    "message",
    [
        b"\x40",
        b"\x40\x00",
        b"\x40\x00\x00",
        b"\x40\x00\x00\x05hell",
        b"\x40\x01\x00\x00",
        b"\x7f\xff\x00\x00",
    ],
)
def test_channel_data_that_is_none(message: bytes) -> None:
    client, _ = allocated(TurnWorld())
    client.bind(0x4000, PEER)
    assert client.receive(message) == []


def test_data_of_who_has_no_allocation() -> None:
    world = TurnWorld()
    client = world.client()
    assert client.send(PEER, b"x") == []
    assert client.send_channel(0x4000, b"x") == []
    assert client.hear(b"x", Endpoint("udp", "9.9.9.9", 50_001), PEER) == []
    assert world.server.dropped["turn: no allocation"] == 3


def test_indications_that_are_none() -> None:
    client, _ = allocated(TurnWorld())
    client.permit(PEER)
    assert client.send(PEER, b"x", (Attribute.DONT_FRAGMENT, b"")) == []
    assert client.send(PEER._replace(port=0), b"x") == []
    assert client.receive(b"\x00\x16" + bytes(18)) == []
    assert client.receive(bytes.fromhex("001600002112a442") + bytes(12)) == []


def test_too_long_a_packet_of_a_peer_is_dropped_not_cut() -> None:
    client, relayed = allocated(TurnWorld())
    client.permit(PEER)
    assert len(client.hear(bytes(PAYLOAD_BYTES_MAX), relayed, PEER)) == 1
    assert client.hear(bytes(PAYLOAD_BYTES_MAX + 1), relayed, PEER) == []


def test_a_packet_to_a_family_without_an_address() -> None:
    world = TurnWorld(relay_hosts={IPV4: "9.9.9.9"})
    client, _ = allocated(world)
    assert code_of(client.permit(PEER6)) == 443
    assert client.send(PEER6, b"x") == []


@pytest.mark.parametrize("host", SPECIAL)
def test_special_addresses_are_reached_in_no_way(host: str) -> None:
    """By permission, by channel, by Send, and by all three after a permission for somebody else."""
    client, _ = allocated(TurnWorld(), CLIENT, BOTH)
    peer = Endpoint("udp", str(ip_address(host)), 80)
    assert code_of(client.permit(peer)) == 403
    assert code_of(client.bind(0x4000, peer)) == 403
    client.permit(PEER, PEER6)
    assert client.send(peer, b"x") == []
    assert client.send_channel(0x4000, b"x") == []


@pytest.mark.parametrize("host", ORDINARY)
def test_ordinary_addresses_are_reached(host: str) -> None:
    client, _ = allocated(TurnWorld(), CLIENT, BOTH)
    peer = Endpoint("udp", str(ip_address(host)), 80)
    assert code_of(client.permit(peer)) == 0
    assert len(client.send(peer, b"x")) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "fd00::1"])
def test_a_lab_may_allow_special_addresses(host: str) -> None:
    client, _ = allocated(TurnWorld(allowed=("127.0.0.0/8", "10.0.0.0/8", "fd00::/8")), CLIENT, BOTH)
    assert code_of(client.permit(Endpoint("udp", host, 80))) == 0
    assert code_of(client.permit(Endpoint("udp", "192.168.0.1", 80))) == 403


@pytest.mark.parametrize("allowed", [("0.0.0.0/0",), ("::/0",), ("0.0.0.0/0", "::/0")])
def test_no_exception_lets_mapped_addresses_pass(allowed: tuple[str, ...]) -> None:
    assert not PeerPolicy(allowed).allows(str(ip_address("::ffff:1.1.1.1")))


def test_verdicts_that_are_remembered_are_bounded() -> None:
    policy = PeerPolicy()
    for number in range(10_000):
        policy.allows(str(ip_address(0x08000000 + number)))
    assert len(policy._verdicts) <= 4096


def test_two_clients_of_one_server_meet_at_their_relayed_addresses() -> None:
    world = TurnWorld()
    one, relayed_one = allocated(world)
    two, relayed_two = allocated(world, OTHER_CLIENT)
    one.bind(0x4000, relayed_two)
    assert one.send_channel(0x4000, b"x") == []
    two.bind(0x4005, relayed_one)
    assert one.send_channel(0x4000, b"x") == [Packet(b"\x40\x05\x00\x01x", SERVER, OTHER_CLIENT)]
    (packet,) = two.send(relayed_one, b"y")
    assert packet == Packet(b"\x40\x00\x00\x01y", SERVER, CLIENT)


def test_nothing_else_on_the_server_is_reached_by_its_address() -> None:
    world = TurnWorld()
    client, relayed = allocated(world)
    assert code_of(client.permit(SERVER)) == 0  # a permission names no port: it is for relayed transports
    for port in (22, SERVER.port, relayed.port + 1):
        assert client.send(SERVER._replace(port=port), b"x") == []
    client.bind(0x4000, SERVER)
    assert client.send_channel(0x4000, b"x") == []
    assert world.server.dropped["turn: own address"] == 4


def test_a_server_on_a_special_address_relays_to_none_not_even_itself() -> None:
    ports = FakePorts(hosts={IPV4: "127.0.0.1"})
    client, relayed = allocated(TurnWorld(ports=ports, relay_hosts={IPV4: "127.0.0.1"}))
    assert code_of(client.permit(relayed)) == 403


def carried_bytes(world: TurnWorld, clients: list[TurnClient], offered_per_s: float, time_s: float) -> int:
    """Offer packets of 1000 bytes at a rate, in turn by each client; return what came out."""
    passed, step_s = 0, 1000 / offered_per_s
    world_end = world.now + time_s
    for number in count():
        if world.now >= world_end:
            return passed
        passed += sum(
            len(packet.data) for packet in clients[number % len(clients)].send_channel(0x4000, bytes(1000))
        )
        world.now += step_s
    raise AssertionError


@pytest.mark.parametrize("factor", [0.5, 1.5, 10])
def test_the_rate_of_an_allocation_holds_to_5_percent(factor: float) -> None:
    rate, time_s = 100_000.0, 60.0
    world = TurnWorld(TurnConfig(bytes_per_s=rate))
    client, _ = allocated(world)
    client.bind(0x4000, PEER)
    carried_bytes(world, [client], 10 * rate, 1.0)  # the burst
    passed = carried_bytes(world, [client], factor * rate, time_s)
    assert passed == pytest.approx(min(factor, 1.0) * rate * time_s, rel=0.05)


def test_the_rate_of_all_holds_to_5_percent() -> None:
    rate, time_s = 200_000.0, 60.0
    world = TurnWorld(TurnConfig(bytes_per_s=0, bytes_per_s_in_all=rate))
    clients = [allocated(world, CLIENT._replace(port=40_000 + number))[0] for number in range(4)]
    for client in clients:
        client.bind(0x4000, PEER)
    carried_bytes(world, clients, 10 * rate, 1.0)
    assert carried_bytes(world, clients, 5 * rate, time_s) == pytest.approx(rate * time_s, rel=0.05)


def test_both_directions_spend_the_same_rate() -> None:
    world = TurnWorld(TurnConfig(bytes_per_s=1000, burst_bytes=1000))
    client, relayed = allocated(world)
    client.bind(0x4000, PEER)
    assert len(client.hear(bytes(600), relayed, PEER)) == 1
    assert client.send_channel(0x4000, bytes(600)) == []
    assert world.server.carried_bytes == 600
