"""The TURN client, against our server: what it asks, renews and believes."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from turn_world import CLIENT, PEER, SERVER, TurnWorld

from mesh99.nat.stun.attributes import Attribute, ErrorCode, encode_xor_address
from mesh99.nat.stun.binding import refusal, success
from mesh99.nat.stun.message import MessageClass, Method, decode
from mesh99.nat.turn.client import TurnClient, TurnClientConfig
from mesh99.nat.turn.client_credentials import ClientCredentials
from mesh99.nat.turn.config import TurnConfig
from mesh99.wire.endpoint import Endpoint


class Link:
    """A client and a server that hear each other, while `works`."""

    def __init__(
        self, config: TurnConfig | None = None, password: str = "secret", **settings: object
    ) -> None:
        self.world = TurnWorld(config)
        self.works = True
        self.heard: list[tuple[bytes, Endpoint]] = []
        self.told: list[bool] = []
        self.to_peers: list[bytes] = []
        self.requests = 0
        self.client = TurnClient(
            SERVER,
            ClientCredentials("ann", password),
            Random(5),
            lambda payload, peer, now: self.heard.append((payload, peer)),
            TurnClientConfig(**settings),  # type: ignore[arg-type]
        )

    def done(self, stands: bool, now: float) -> None:
        self.told.append(stands)

    def run(self) -> list[bool]:
        """Carry packets until there are none; return what was told meanwhile."""
        while packets := self.client.take_packets():
            self.requests += len(packets)
            for packet in packets:
                self.to_server(packet)
        told, self.told = self.told, []
        return told

    def to_server(self, packet: bytes) -> None:
        if self.works:
            for sent in self.world.server.receive(packet, CLIENT, SERVER, self.world.now):
                if sent.destination == CLIENT:
                    self.client.receive(sent.data, SERVER, self.world.now)
                else:
                    self.to_peers.append(sent.data)

    def from_peer(self, payload: bytes, peer: Endpoint) -> None:
        relayed = next(iter(self.world.ports.opened))
        for sent in self.world.server.relayed_received(payload, relayed, peer, self.world.now):
            self.client.receive(sent.data, SERVER, self.world.now)

    def pass_time(self, seconds: float) -> None:
        """Let time pass in steps, as timers want it."""
        end = self.world.now + seconds
        while self.world.now < end:
            due = self.client.next_timeout()
            step = (
                min(1.0, end - self.world.now) if due is None else min(max(due - self.world.now, 0.01), 1.0)
            )
            self.world.pass_time(step)
            if due is not None:
                self.client.handle_timeout(self.world.now)
            self.run()

    def allocated(self) -> Link:
        self.client.allocate(self.world.now, self.done)
        assert self.run() == [True]
        return self


def test_it_answers_the_challenge_and_learns_its_addresses() -> None:
    link = Link().allocated()
    assert link.client.relayed in link.world.ports.opened
    assert link.client.mapped == CLIENT
    assert link.requests == 2


def test_data_goes_both_ways_with_a_permission() -> None:
    link = Link().allocated()
    link.client.permit(PEER, link.world.now, link.done)
    assert link.run() == [True]
    link.to_server(link.client.send(b"hello", PEER))
    link.from_peer(b"hi", PEER)
    assert (link.to_peers, link.heard) == ([b"hello"], [(b"hi", PEER)])


def test_a_channel_makes_packets_small() -> None:
    link = Link().allocated()
    assert len(link.client.send(b"hello", PEER)) > 36
    link.client.bind(PEER, link.world.now, link.done)
    assert link.run() == [True]
    message = link.client.send(b"hello", PEER)
    assert len(message) == 4 + 5
    link.to_server(message)
    link.from_peer(b"hi", PEER)
    assert (link.to_peers, link.heard) == ([b"hello"], [(b"hi", PEER)])


def test_everything_is_renewed_while_it_is_wanted() -> None:
    link = Link().allocated()
    second = PEER._replace(host="1.0.0.1")
    link.client.bind(PEER, link.world.now, link.done)
    link.client.permit(second, link.world.now, link.done)
    assert link.run() == [True, True]
    for _ in range(20):
        link.pass_time(100)
        link.to_server(link.client.send(b"to one", PEER))
        link.to_server(link.client.send(b"to two", second))
    link.from_peer(b"one", PEER)
    link.from_peer(b"two", second)
    assert [payload for payload, _ in link.heard] == [b"one", b"two"]
    assert link.requests < 60


def test_what_is_not_used_is_given_up_and_can_be_had_again() -> None:
    link = Link().allocated()
    second = PEER._replace(host="1.0.0.1")
    link.client.bind(PEER, link.world.now, link.done)
    link.client.permit(second, link.world.now, link.done)
    assert link.run() == [True, True]
    assert link.client.passes(PEER)
    assert link.client.passes(second)
    link.pass_time(2000)
    assert not link.client.passes(PEER)
    assert not link.client.passes(second)
    link.from_peer(b"late", PEER)
    assert link.heard == []
    link.client.bind(PEER, link.world.now, link.done)
    assert link.run() == [True]
    link.from_peer(b"again", PEER)
    assert link.heard == [(b"again", PEER)]


def test_a_channel_that_only_hears_is_kept() -> None:
    link = Link().allocated()
    link.client.bind(PEER, link.world.now, link.done)
    link.run()
    for _ in range(20):
        link.pass_time(100)
        link.from_peer(b"one", PEER)
    assert len(link.heard) == 20


def test_wrong_credentials_are_told_and_not_tried_forever() -> None:
    link = Link(password="wrong")
    link.client.allocate(link.world.now, link.done)
    assert link.run() == [False]
    assert (link.requests, link.client.error) == (2, (401, "Unauthenticated"))
    assert link.client.relayed is None


def test_a_server_that_finds_every_nonce_stale_is_given_up() -> None:
    link = Link(challenges_max=3)
    link.client.allocate(link.world.now, link.done)
    more = [(int(Attribute.REALM), b"r"), (int(Attribute.NONCE), b"n")]
    for _ in range(4):
        (request,) = link.client.take_packets()
        refused = refusal(decode(request), ErrorCode.STALE_NONCE, more=more)
        assert link.client.receive(refused, SERVER, link.world.now)
    assert (link.client.take_packets(), link.told) == ([], [False])


def test_a_refused_peer() -> None:
    link = Link().allocated()
    link.client.permit(Endpoint("udp", "10.0.0.1", 5), link.world.now, link.done)
    link.client.bind(Endpoint("udp", "10.0.0.1", 5), link.world.now, link.done)
    assert link.run() == [False, False]
    assert link.client.error == (403, "Forbidden")


def test_a_success_without_a_proof_is_none() -> None:
    link = Link()
    link.client.allocate(link.world.now, link.done)
    (request,) = link.client.take_packets()
    asked = decode(request)
    address = encode_xor_address(PEER, asked.transaction_id)
    forged = [
        (int(Attribute.XOR_RELAYED_ADDRESS), address),
        (int(Attribute.XOR_MAPPED_ADDRESS), address),
        (int(Attribute.LIFETIME), bytes(4)),
    ]
    assert link.client.receive(success(asked, forged), SERVER, link.world.now)
    assert (link.told, link.client.relayed) == ([False], None)


def test_only_the_server_is_listened_to() -> None:
    link = Link().allocated()
    assert not link.client.receive(b"\x40\x00\x00\x00", PEER, link.world.now)
    link.client.bind(PEER, link.world.now, link.done)
    assert not link.client.receive(b"\x40\x00\x00\x00", PEER, link.world.now)
    assert link.heard == []


def test_a_server_that_fell_silent_is_noticed_at_the_next_renewal() -> None:
    link = Link().allocated()
    link.works = False
    link.pass_time(310)
    assert link.client.relayed is None


def test_closing_gives_the_allocation_back() -> None:
    link = Link().allocated()
    link.client.close(link.world.now, link.done)
    assert link.run() == [True]
    assert (link.world.server.allocations, link.client.relayed, link.client.next_timeout()) == (0, None, None)


def test_peers_are_bounded_and_need_an_allocation() -> None:
    link = Link(peers_max=1)
    link.client.permit(PEER, link.world.now, link.done)
    assert link.run() == [False]
    link.allocated()
    link.client.bind(PEER, link.world.now, link.done)
    link.client.bind(PEER._replace(port=1), link.world.now, link.done)
    assert sorted(link.run()) == [False, True]


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_any_bytes_of_the_server(packets: list[bytes]) -> None:
    link = Link().allocated()
    for packet in packets:
        link.client.receive(packet, SERVER, link.world.now)
        link.client.receive(b"\x00\x17" + packet, SERVER, link.world.now)
    assert link.client.relayed is not None


@pytest.mark.parametrize("message_class", [MessageClass.SUCCESS, MessageClass.ERROR])
def test_answers_to_nothing(message_class: MessageClass) -> None:
    link = Link().allocated()
    request = decode(ClientCredentials("ann", "secret").request(Method.ALLOCATE, bytes(12), []))
    answer = (
        success(request, [])
        if message_class is MessageClass.SUCCESS
        else refusal(request, ErrorCode.FORBIDDEN)
    )
    assert not link.client.receive(answer, SERVER, link.world.now)
