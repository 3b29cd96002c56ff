"""Handshakes with peers that lie: nobody is believed about keys, ids or fields."""

from __future__ import annotations

import pytest
from handshake_pair import ANSWERER, CALLER, STRANGER, accept, call, match, session
from msgspec.structs import replace

from mesh99.wire.errors import DecodeError, HandshakeFailed
from mesh99.wire.handshake_payload import Payload
from mesh99.wire.identity import PublicKey


def test_a_forged_reply_does_not_end_the_handshake() -> None:
    initiation = call()
    acceptance = accept(initiation.packet())
    reply = acceptance.reply()
    for forged in (reply[:-1], reply[:17] + bytes(len(reply) - 17), reply + b"\x00", b"", reply[:1]):
        assert initiation.receive(forged) is None
    caller = session(initiation, reply)
    assert acceptance.established is not None
    assert match(caller, acceptance.established)


def test_a_forged_final_packet_does_not_end_the_handshake() -> None:
    initiation = call(None)
    acceptance = accept(initiation.packet())
    caller = session(initiation, acceptance.reply())
    final = caller.final_packet
    for forged in (final[:-1], final[:9] + bytes(len(final) - 9), final[:5], b"", final + bytes(2000)):
        with pytest.raises(DecodeError):
            acceptance.receive_final(forged)
    assert match(caller, acceptance.receive_final(final))


def test_a_reply_to_another_call_is_nothing() -> None:
    first, second = call(seed="first"), call(seed="second")
    first.packet()
    assert first.receive(accept(second.packet()).reply()) is None


def _lying(monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    """Let all payloads be encoded with other fields than they were made with."""
    honest = Payload.encode
    monkeypatch.setattr(Payload, "encode", lambda self: honest(replace(self, **changes)))


def test_a_caller_cannot_claim_the_key_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    _lying(monkeypatch, signing_key=STRANGER.public_key)
    with pytest.raises(DecodeError, match="do not match"):
        accept(call().packet())


def test_a_caller_cannot_claim_the_key_of_another_in_the_final_packet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    initiation = call(None)
    acceptance = accept(initiation.packet())
    reply = acceptance.reply()
    _lying(monkeypatch, signing_key=STRANGER.public_key)
    final = session(initiation, reply).final_packet
    with pytest.raises(DecodeError, match="do not match"):
        acceptance.receive_final(final)
    assert acceptance.established is None


@pytest.mark.parametrize("key", [ANSWERER.public_key, None])
@pytest.mark.parametrize("claimed", [STRANGER.public_key, PublicKey(bytes(32))])
def test_an_answerer_cannot_claim_the_key_of_another(
    monkeypatch: pytest.MonkeyPatch, key: PublicKey | None, claimed: PublicKey
) -> None:
    initiation = call(key)
    acceptance = accept(initiation.packet())
    _lying(monkeypatch, signing_key=claimed)
    with pytest.raises(HandshakeFailed) as caught:
        initiation.receive(acceptance.reply())
    assert caught.value.reason == "identity"


def test_the_mirrored_key_of_the_same_exchange_key_is_not_the_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    # Ed25519 keys A and -A have one X25519 form; who was called by A must answer as A.
    mirrored = PublicKey(ANSWERER.public_key[:31] + bytes((ANSWERER.public_key[31] ^ 0x80,)))
    assert CALLER.crypto.exchange_public_from_signing(mirrored) == ANSWERER.exchange_public
    initiation = call()
    acceptance = accept(initiation.packet())
    _lying(monkeypatch, signing_key=mirrored)
    with pytest.raises(HandshakeFailed):
        initiation.receive(acceptance.reply())


@pytest.mark.parametrize(
    "changes",
    [{"connection_id": 5}, {"ciphers": 2}, {"reset_token": b""}, {"tcp_port": 70_000}, {"early": 7}],
)
def test_payloads_that_make_no_sense_are_dropped(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, object]
) -> None:
    initiation = call()
    acceptance = accept(initiation.packet())
    _lying(monkeypatch, **changes)
    with pytest.raises(DecodeError):
        accept(call().packet())
    assert initiation.receive(acceptance.reply()) is None


def test_connection_ids_are_proved_not_believed() -> None:
    initiation = call()
    packet = initiation.packet()
    with pytest.raises(DecodeError, match="header and payload differ"):
        accept(packet[:6] + bytes(8) + packet[14:])
    reply = accept(packet).reply()
    assert initiation.receive(reply[:9] + bytes(8) + reply[17:]) is None
