"""Our Noise beside others: published vectors, and the independent `noiseprotocol` from PyPI, both ways."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from noise.connection import Keypair, NoiseConnection

from mesh99.wire.crypto import REAL
from mesh99.wire.noise import CIPHERS, HandshakeState, KeyPair, nonce_of

HERE = Path(__file__).parent
OWN = HERE / "noise-vectors.json"
PUBLISHED = HERE.parents[2] / "shared" / "reference" / "noise-vectors.json"
PROTOCOLS = [f"Noise_{pattern}_25519_ChaChaPoly_SHA256" for pattern in ("IK", "XX")]


def key_pair(private: bytes) -> KeyPair:
    return KeyPair(private, REAL.exchange_public(private))


def _vectors() -> list[Any]:
    """Return our own vectors, and the published ones when they lie beside the checkout."""
    files = [path for path in (OWN, PUBLISHED) if path.exists()]
    return [vector for path in files for vector in json.loads(path.read_text())["vectors"]]


def _state(vector: dict[str, Any], side: str) -> HandshakeState:
    def hexadecimal(name: str) -> bytes | None:
        return bytes.fromhex(vector[name]) if name in vector else None

    static = hexadecimal(f"{side}_static")
    return HandshakeState(
        vector["protocol_name"],
        initiator=side == "init",
        prologue=hexadecimal(f"{side}_prologue") or b"",
        crypto=REAL,
        ephemeral_private=hexadecimal(f"{side}_ephemeral") or b"",
        static=None if static is None else key_pair(static),
        remote_static=hexadecimal(f"{side}_remote_static"),
    )


@pytest.mark.parametrize("vector", _vectors(), ids=lambda vector: vector["protocol_name"])
def test_vector(vector: dict[str, Any]) -> None:
    writer, reader = initiator, responder = _state(vector, "init"), _state(vector, "resp")
    messages = [(bytes.fromhex(m["payload"]), bytes.fromhex(m["ciphertext"])) for m in vector["messages"]]
    while not initiator.finished:
        payload, expected = messages.pop(0)
        assert writer.write_message(payload) == expected
        assert reader.read_message(expected) == payload
        writer, reader = reader, writer
    assert initiator.handshake_hash == responder.handshake_hash == bytes.fromhex(vector["handshake_hash"])
    assert initiator.split() == responder.split()
    _check_transport(vector["protocol_name"], initiator.split(), writer is initiator, messages)


def _check_transport(
    protocol: str, keys: tuple[bytes, bytes], initiator_is_next: bool, messages: list[tuple[bytes, bytes]]
) -> None:
    assert messages
    cipher = CIPHERS[protocol.split("_")[3]]
    for index, (payload, expected) in enumerate(messages):
        key = keys[index % 2 if initiator_is_next else 1 - index % 2]
        assert REAL.aead(cipher, key).encrypt(nonce_of(cipher, index // 2), payload, b"") == expected


def _theirs(protocol: str, static: bytes, remote: bytes | None, *, initiator: bool) -> NoiseConnection:
    connection = NoiseConnection.from_name(protocol.encode())
    if initiator:
        connection.set_as_initiator()
    else:
        connection.set_as_responder()
    connection.set_prologue(b"mesh99")
    connection.set_keypair_from_private_bytes(Keypair.STATIC, static)
    if remote is not None:
        connection.set_keypair_from_public_bytes(Keypair.REMOTE_STATIC, remote)
    connection.start_handshake()
    return connection


@pytest.mark.parametrize("we_begin", [True, False])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_handshake_with_an_independent_implementation(protocol: str, we_begin: bool) -> None:
    own, their = key_pair(b"\x11" * 32), key_pair(b"\x22" * 32)
    knows = protocol.startswith("Noise_IK")
    ours = HandshakeState(
        protocol,
        initiator=we_begin,
        prologue=b"mesh99",
        crypto=REAL,
        ephemeral_private=b"\x33" * 32,
        static=own,
        remote_static=their.public if knows and we_begin else None,
    )
    theirs = _theirs(
        protocol, their.private, own.public if knows and not we_begin else None, initiator=not we_begin
    )
    our_turn, index = we_begin, 0
    while not ours.finished:
        payload = b"payload %d" % index
        if our_turn:
            assert bytes(theirs.read_message(ours.write_message(payload))) == payload
        else:
            assert ours.read_message(bytes(theirs.write_message(payload))) == payload
        our_turn, index = not our_turn, index + 1
    assert theirs.handshake_finished
    assert bytes(theirs.get_handshake_hash()) == ours.handshake_hash
    assert ours.remote_static == their.public
    _talk(ours, theirs, we_begin)


def _talk(ours: HandshakeState, theirs: NoiseConnection, we_begin: bool) -> None:
    keys = ours.split()
    send, receive = keys if we_begin else keys[::-1]
    cipher = CIPHERS["ChaChaPoly"]
    for index in range(3):
        sealed = REAL.aead(cipher, send).encrypt(nonce_of(cipher, index), b"ours", b"")
        assert bytes(theirs.decrypt(sealed)) == b"ours"
        answer = bytes(theirs.encrypt(b"theirs"))
        assert REAL.aead(cipher, receive).decrypt(nonce_of(cipher, index), answer, b"") == b"theirs"
