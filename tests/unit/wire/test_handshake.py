"""Handshakes: sessions over IK and XX, refusals, repetitions, and never more bytes out than in."""

from __future__ import annotations

import dataclasses
from random import Random

import pytest
from handshake_pair import (
    ANSWERER,
    ANSWERER_ID,
    CALLER,
    CALLER_ID,
    SETTINGS,
    STRANGER,
    accept,
    call,
    match,
    session,
)

from mesh99.wire import handshake_settings
from mesh99.wire.cookie import CookieJar
from mesh99.wire.crypto import AES, CHACHA
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import ConfigError, DecodeError, HandshakeFailed, PayloadTooLarge
from mesh99.wire.handshake import (
    COOKIES_MAX,
    Acceptance,
    Established,
    HandshakeSettings,
    Initiation,
    Rejected,
    reset_packet,
)
from mesh99.wire.handshake_packets import INITIAL_HEAD, REASONS, REPLY_OVERHEAD_BYTES, split_initial
from mesh99.wire.identity import PublicKey
from mesh99.wire.noise import HandshakeState
from mesh99.wire.packet import COOKIE, DATAGRAM_BYTES, REJECT, RESET

SEEN = Endpoint("udp", "2001:db8::1", 7400)
SOURCE = Endpoint("udp", "192.0.2.1", 7400)


def finish(
    initiation: Initiation, acceptance: Acceptance, early: bytes = b""
) -> tuple[Established, Established]:
    caller = session(initiation, acceptance.reply(early, SEEN))
    if caller.final_packet:
        assert acceptance.established is None
        return caller, acceptance.receive_final(caller.final_packet)
    assert acceptance.established is not None
    return caller, acceptance.established


def test_ik_takes_one_round_trip_with_a_request_and_its_answer() -> None:
    initiation = call()
    acceptance = accept(initiation.packet(b"request"))
    assert acceptance.early == b"request"
    assert acceptance.remote_key == CALLER.public_key
    caller, answerer = finish(initiation, acceptance, b"answer")
    assert match(caller, answerer)
    assert caller.early == b"answer"
    assert caller.observed == SEEN
    assert caller.final_packet == b""
    assert answerer.observed is None
    assert (caller.remote_tcp_port, answerer.remote_tcp_port) == (7400, 7400)


def test_xx_learns_the_key_of_the_peer() -> None:
    initiation = call(None)
    acceptance = accept(initiation.packet())
    assert acceptance.remote_key is None
    assert acceptance.early_size_max == 0
    caller, answerer = finish(initiation, acceptance)
    assert match(caller, answerer)
    assert acceptance.remote_key == CALLER.public_key


def test_keys_of_both_directions_and_of_each_handshake_differ() -> None:
    initiation = call()
    one, _ = finish(initiation, accept(initiation.packet()))
    initiation = call(seed="other")
    two, _ = finish(initiation, accept(initiation.packet(), seed="another"))
    assert len({one.send_key, one.receive_key, two.send_key, two.receive_key}) == 4


@pytest.mark.parametrize(
    ("caller", "answerer", "cipher"),
    [(True, True, AES), (True, False, CHACHA), (False, True, CHACHA), (False, False, CHACHA)],
)
@pytest.mark.parametrize("key", [ANSWERER.public_key, None])
def test_aes_is_taken_when_both_have_it(
    caller: bool, answerer: bool, cipher: str, key: PublicKey | None
) -> None:
    initiation = call(key, dataclasses.replace(SETTINGS, aes=caller))
    acceptance = accept(initiation.packet(), dataclasses.replace(SETTINGS, aes=answerer))
    ends = finish(initiation, acceptance)
    assert match(*ends)
    assert ends[0].cipher == cipher


@pytest.mark.parametrize("key", [ANSWERER.public_key, None])
def test_the_first_packet_has_its_full_size_and_stays_the_same(key: PublicKey | None) -> None:
    initiation = call(key)
    first = initiation.packet()
    with_cookie = initiation.packet(cookie=bytes(16))
    assert initiation.packet() == first
    assert len(with_cookie) == DATAGRAM_BYTES == len(first) + 16
    assert with_cookie[INITIAL_HEAD.size + 16 :] == first[INITIAL_HEAD.size :]


def test_one_ephemeral_key_never_seals_two_payloads() -> None:
    initiation = call()
    first = initiation.packet(b"one")
    assert initiation.packet(b"another", size=1000) == first


def test_sizes_of_early_bytes_do_not_show() -> None:
    assert len(call().packet(b"")) == len(call().packet(bytes(900)))


def test_early_bytes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(PayloadTooLarge) as caught:
        call().packet(bytes(1200))
    most = caught.value.size_bytes_max
    assert accept(call().packet(bytes(most))).early == bytes(most)
    with pytest.raises(PayloadTooLarge):
        call().packet(bytes(most + 1))


def test_no_plaintext_is_on_the_wire() -> None:
    initiation = call()
    packet = initiation.packet(b"a secret request")
    reply = accept(packet).reply(b"a secret answer", SEEN)
    for secret in (b"secret", CALLER.public_key, CALLER.exchange_public, ANSWERER.public_key, SEEN.pack()):
        assert bytes(secret) not in packet + reply


@pytest.mark.parametrize("key", [ANSWERER.public_key, None])
def test_a_repeated_first_packet_can_be_answered_again(key: PublicKey | None) -> None:
    initiation = call(key)
    acceptance = accept(initiation.packet())
    reply = acceptance.reply(b"", SEEN)
    assert acceptance.reply(b"", SOURCE) == reply
    caller = session(initiation, reply)
    assert initiation.receive(reply) is None
    if key is None:
        acceptance.receive_final(caller.final_packet)
        with pytest.raises(DecodeError, match="not expected"):
            acceptance.receive_final(caller.final_packet)


@pytest.mark.parametrize("size", [*range(215, 600, 3), 1184, 1200, 1280])
@pytest.mark.parametrize("key", [ANSWERER.public_key, None])
def test_no_answer_is_longer_than_the_first_packet(key: PublicKey | None, size: int) -> None:
    packet = call(key).packet(size=size + 16)
    assert len(packet) == size
    acceptance = accept(packet)
    assert len(acceptance.reply(bytes(acceptance.early_size_max), SEEN)) <= size
    for settings in (dataclasses.replace(SETTINGS, network="x"), dataclasses.replace(SETTINGS, version=2)):
        with pytest.raises(Rejected) as caught:
            accept(packet, settings)
        assert len(caught.value.packet) <= size
    source_id = split_initial(packet).source_id
    assert len(CookieJar(bytes(32), 0.0).packet(SOURCE, source_id, 0.0)) <= size


@pytest.mark.parametrize("size", range(48, 204))
def test_a_first_packet_shorter_than_its_answer_gets_none(size: int) -> None:
    with pytest.raises(DecodeError, match="too short"):
        accept(call(None).packet(size=size + 16))


def test_an_answer_over_its_limit_is_our_own_error() -> None:
    acceptance = accept(call().packet())
    with pytest.raises(PayloadTooLarge):
        acceptance.reply(bytes(acceptance.early_size_max + 1))
    assert len(acceptance.reply(bytes(acceptance.early_size_max), SEEN, prove=True)) == 1184


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (dataclasses.replace(SETTINGS, version=2), "version"),
        (dataclasses.replace(SETTINGS, network="other"), "network"),
    ],
)
@pytest.mark.parametrize("key", [ANSWERER.public_key, None])
def test_another_version_or_network_is_named_to_the_caller(
    settings: HandshakeSettings, reason: str, key: PublicKey | None
) -> None:
    initiation = call(key)
    with pytest.raises(Rejected) as rejected:
        accept(initiation.packet(), settings)
    assert rejected.value.reason == reason
    with pytest.raises(HandshakeFailed) as failed:
        initiation.receive(rejected.value.packet)
    assert failed.value.reason == reason
    assert failed.value.hint


def test_a_wrong_key_is_named_to_the_caller() -> None:
    initiation = call(STRANGER.public_key)
    with pytest.raises(Rejected) as rejected:
        accept(initiation.packet())
    with pytest.raises(HandshakeFailed) as failed:
        initiation.receive(rejected.value.packet)
    assert (failed.value.reason, failed.value.peer) == ("key", STRANGER.node_id.short)


@pytest.mark.parametrize("reason", REASONS)
def test_a_refusal_must_name_the_call(reason: int) -> None:
    initiation = call()
    initiation.packet()
    assert (
        initiation.receive(bytes((REJECT,)) + (CALLER_ID ^ 1).to_bytes(8, "big") + bytes((reason,))) is None
    )
    assert initiation.receive(bytes((REJECT,)) + CALLER_ID.to_bytes(8, "big") + b"\x00") is None
    assert initiation.receive(bytes((REJECT,)) + CALLER_ID.to_bytes(8, "big") + bytes((reason, 0))) is None


def test_networks_of_equal_tag_still_cannot_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake_settings, "_network_tag", lambda network: SETTINGS.tag)
    with pytest.raises(Rejected, match="key"):
        accept(call().packet(), dataclasses.replace(SETTINGS, network="other"))
    initiation = call(None)
    reply = accept(initiation.packet(), dataclasses.replace(SETTINGS, network="other")).reply()
    assert initiation.receive(reply) is None


def test_a_cookie_is_handed_out_and_followed_a_few_times() -> None:
    initiation = call()
    initiation.packet()
    packet = CookieJar(bytes(32), 0.0).packet(SOURCE, CALLER_ID, 0.0)
    assert [initiation.receive(packet) for _ in range(COOKIES_MAX + 1)] == [packet[9:]] * COOKIES_MAX + [None]
    again = split_initial(initiation.packet(cookie=packet[9:]))
    assert (again.source_id, again.cookie) == (CALLER_ID, packet[9:])
    finish(initiation, accept(initiation.packet(cookie=packet[9:])))


def test_a_cookie_of_a_wrong_form_is_nothing() -> None:
    initiation = call()
    initiation.packet()
    head = bytes((COOKIE,)) + CALLER_ID.to_bytes(8, "big")
    assert initiation.receive(head) is None
    assert initiation.receive(head + bytes(15)) is None
    assert initiation.receive(head + bytes(17)) is None


def test_an_answer_before_the_call_is_nothing() -> None:
    reply = accept(call().packet()).reply()
    assert call().receive(reply) is None


@pytest.mark.parametrize("key", [bytes(32), b"\x02" + bytes(31), b"\xff" * 32])
def test_a_key_that_is_none_is_refused_before_anything_is_sent(key: bytes) -> None:
    with pytest.raises(ConfigError):
        call(PublicKey(key))


@pytest.mark.parametrize("key", [CALLER.public_key, None])
def test_nobody_talks_with_himself(key: PublicKey | None) -> None:
    initiation = call(key)
    if key is not None:
        with pytest.raises(DecodeError, match="own key"):
            accept(initiation.packet(), identity=CALLER)
        return
    acceptance = accept(initiation.packet(), identity=CALLER)
    with pytest.raises(HandshakeFailed):
        initiation.receive(acceptance.reply())


def test_a_recorded_first_packet_makes_no_session_without_its_caller() -> None:
    packet = call().packet(b"request")
    first, again = accept(packet, seed="first"), accept(packet, seed="again")
    assert first.reply() != again.reply()
    assert first.established is not None
    assert again.established is not None
    assert first.established.send_key != again.established.send_key


def test_the_reset_token_is_that_of_the_reset_packet() -> None:
    initiation = call()
    caller, answerer = finish(initiation, accept(initiation.packet()))
    assert reset_packet(ANSWERER, ANSWERER_ID) == (
        bytes((RESET,)) + ANSWERER_ID.to_bytes(8, "big") + caller.reset_token
    )
    assert answerer.reset_token == reset_packet(CALLER, CALLER_ID)[9:]
    assert reset_packet(ANSWERER, ANSWERER_ID + 1)[9:] != caller.reset_token
    assert len(reset_packet(ANSWERER, ANSWERER_ID)) == 25


@pytest.mark.parametrize("network", ["", "x" * 65])
def test_a_network_has_a_name_of_bounded_length(network: str) -> None:
    with pytest.raises(ConfigError):
        HandshakeSettings(network=network)


def test_keys_do_not_show_in_texts() -> None:
    initiation = call()
    caller, _ = finish(initiation, accept(initiation.packet()))
    for secret in (caller.send_key, caller.receive_key, caller.reset_token):
        assert repr(secret) not in repr(caller)


def test_the_smallest_answerable_packets_are_those_stated() -> None:
    for key, protocol in ((None, "XX"), (ANSWERER.public_key, "IK")):
        least = next(size for name, size in REPLY_OVERHEAD_BYTES.items() if protocol in name)
        size = least if key is None else max(least, len(call(key).packet(size=300)))
        assert accept(call(key).packet(size=size + 16)).reply(b"", SEEN)


def test_every_call_uses_fresh_entropy() -> None:
    drawn: list[int] = []

    def entropy(size: int) -> bytes:
        drawn.append(size)
        return Random(len(drawn)).randbytes(size)

    packets = [Initiation(CALLER, ANSWERER.public_key, SETTINGS, entropy, 1).packet() for _ in range(2)]
    assert drawn == [32, 32]
    assert packets[0][16:48] != packets[1][16:48]


def test_the_answerer_computes_nothing_dear_for_what_is_not_its(monkeypatch: pytest.MonkeyPatch) -> None:
    packet = call().packet()

    def dear(self: HandshakeState, message: bytes) -> bytes:
        raise AssertionError("an exchange for a packet that a look at its header refuses")

    monkeypatch.setattr(HandshakeState, "read_message", dear)
    for settings in (dataclasses.replace(SETTINGS, network="x"), dataclasses.replace(SETTINGS, version=2)):
        with pytest.raises(Rejected):
            accept(packet, settings)
    for damaged in (b"", packet[:15], packet[:40], packet[:14] + b"\x02" + packet[15:], packet + bytes(200)):
        with pytest.raises(DecodeError):
            accept(damaged)
