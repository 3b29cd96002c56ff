"""Whatever comes to the TURN server, it never raises, and without a proof nothing changes."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from turn_world import CLIENT, PEER, UDP, TurnClient, TurnWorld

from mesh99.nat.stun.attributes import Attribute, encode_xor_address
from mesh99.nat.stun.message import MAGIC_COOKIE, MessageClass, Method, StunMessage, encode
from mesh99.nat.turn.config import TurnConfig

PATIENT = TurnConfig(requests_per_s=1e9, requests_burst=1e9, strangers_per_s=1e9)
OTHER_PEER = PEER._replace(host="1.0.0.1")
FINGERPRINT_BYTES = 8

kinds = st.sampled_from([int(each) for each in Attribute]) | st.integers(0, 0xFFFF)
attributes = st.lists(st.tuples(kinds, st.binary(max_size=24)), max_size=6)
methods = st.sampled_from([int(each) for each in Method]) | st.integers(0, 0xFFF)


def standing() -> tuple[TurnWorld, TurnClient]:
    """Return a server with an allocation, a permission and a channel."""
    world = TurnWorld(PATIENT)
    client = world.client()
    client.allocate()
    client.permit(PEER)
    client.bind(0x4000, PEER)
    return world, client


def state(world: TurnWorld) -> list[object]:
    return [
        (
            each.ends_at,
            each.relayed,
            dict(each.permissions),
            {number: channel.peer for number, channel in each.channels.items()},
        )
        for each in world.server._allocations._allocations.values()
    ]


@given(st.lists(st.binary(max_size=80), max_size=20))
def test_any_bytes(packets: list[bytes]) -> None:
    world, client = standing()
    before = state(world)
    for packet in packets:
        client.receive(packet)
        client.receive(packet[:2] + len(packet[20:]).to_bytes(2, "big") + MAGIC_COOKIE + packet[8:])
        client.hear(packet, next(iter(world.ports.opened)), PEER)
    assert state(world) == before


@given(methods, st.sampled_from(list(MessageClass)), attributes)
def test_any_message_without_a_proof(
    method: int, message_class: MessageClass, attributes: list[tuple[int, bytes]]
) -> None:
    world, client = standing()
    before = state(world)
    message = StunMessage(method, message_class, bytes(12), tuple(attributes))
    request = encode(message, sha1_key=b"guessed")
    answers = client.receive(request)
    assert state(world) == before
    assert all(packet.destination in (CLIENT, PEER) for packet in answers)


@given(st.sampled_from([0x003, 0x004, 0x008, 0x009]), attributes)
def test_any_message_with_a_proof_is_answered_once(method: int, attributes: list[tuple[int, bytes]]) -> None:
    _, client = standing()
    assert len(client.receive(client.signed(method, attributes))) == 1


def effective_request(which: int) -> tuple[TurnWorld, TurnClient, bytes]:
    """Return a server and a request that would change something there."""
    world, client = standing()
    if which == 0:
        client.refresh(0)
        return world, client, client.signed(Method.ALLOCATE, UDP)
    if which == 1:
        return world, client, client.signed(Method.REFRESH, [(Attribute.LIFETIME, bytes(4))], sha256=True)
    transaction_id = Random(3).randbytes(12)
    client.ids = Random(3)
    peer = (int(Attribute.XOR_PEER_ADDRESS), encode_xor_address(OTHER_PEER, transaction_id))
    if which == 2:
        return world, client, client.signed(Method.CREATE_PERMISSION, [peer])
    return (
        world,
        client,
        client.signed(Method.CHANNEL_BIND, [peer, (Attribute.CHANNEL_NUMBER, b"\x40\x01\x00\x00")]),
    )


@pytest.mark.parametrize("which", range(4))
def test_every_truncation_of_a_valid_request_changes_nothing(which: int) -> None:
    world, client, request = effective_request(which)
    before = state(world)
    for size in range(len(request)):
        client.receive(request[:size])
        if size != len(request) - FINGERPRINT_BYTES:  # what is left there is whole, and proved
            client.receive(request[:2] + max(size - 20, 0).to_bytes(2, "big") + request[4:size])
    assert state(world) == before
    client.receive(request)
    assert state(world) != before


@pytest.mark.parametrize("which", range(4))
def test_every_flipped_bit_of_a_valid_request_changes_nothing(which: int) -> None:
    """With its fingerprint, and without, since that alone would catch the damage."""
    world, client, request = effective_request(which)
    before = state(world)
    bare = (
        request[:2]
        + (len(request) - 20 - FINGERPRINT_BYTES).to_bytes(2, "big")
        + request[4:-FINGERPRINT_BYTES]
    )
    for valid in (request, bare):
        for position in range(len(bare)):
            for bit in range(8):
                flipped = bytearray(valid)
                flipped[position] ^= 1 << bit
                client.receive(bytes(flipped))
    assert state(world) == before
    client.receive(bare)
    assert state(world) != before
