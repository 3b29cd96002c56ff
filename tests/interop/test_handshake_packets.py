"""Whole handshakes with a peer made of docs/protocol.md, `noiseprotocol` and `msgpack`, without our code."""

from __future__ import annotations

import struct
from hashlib import blake2b, sha512

import msgpack
import pytest
from handshake_pair import ANSWERER, CALLER, CALLER_ID, accept, call, session
from nacl.bindings import crypto_sign_ed25519_pk_to_curve25519
from noise.connection import Keypair, NoiseConnection

from mesh99.wire.identity import Identity

NAMES = (b"Noise_IK_25519_ChaChaPoly_SHA256", b"Noise_XX_25519_ChaChaPoly_SHA256")
TAG = blake2b(b"test", digest_size=4, person=b"mesh99-network").digest()
ID = 0xABCDEF


class Foreigner:
    """The other implementation."""

    def __init__(
        self, identity: Identity, pattern: int, *, caller: bool, answerer_key: bytes | None = None
    ) -> None:
        self.seed, self.key = identity.seed, bytes(identity.public_key)
        self.noise = NoiseConnection.from_name(NAMES[pattern])
        self.noise.set_prologue(b"mesh99\x01test")
        private = bytearray(sha512(self.seed).digest()[:32])
        private[0] &= 248
        private[31] = private[31] & 127 | 64
        self.noise.set_keypair_from_private_bytes(Keypair.STATIC, bytes(private))
        if answerer_key is not None:
            remote = crypto_sign_ed25519_pk_to_curve25519(answerer_key)
            self.noise.set_keypair_from_public_bytes(Keypair.REMOTE_STATIC, remote)
        if caller:
            self.noise.set_as_initiator()
        else:
            self.noise.set_as_responder()
        self.noise.start_handshake()

    def payload(self, early: bytes) -> bytes:
        fields = msgpack.packb([self.key, ID, 1, bytes(16), 0, b"", early])
        return struct.pack(">H", len(fields)) + fields

    def keys(self) -> set[bytes]:
        protocol = self.noise.noise_protocol
        split = (protocol.cipher_state_encrypt.k, protocol.cipher_state_decrypt.k)
        word = self.noise.get_handshake_hash() + b"chacha20poly1305"
        return {
            blake2b(word, key=bytes(key), digest_size=32, person=b"mesh99-session").digest() for key in split
        }


def read(data: bytes) -> list[object]:
    (size,) = struct.unpack_from(">H", data)
    fields: list[object] = msgpack.unpackb(data[2 : 2 + size])
    return fields


def test_a_foreign_caller_that_knows_the_key() -> None:
    foreigner = Foreigner(CALLER, 0, caller=True, answerer_key=bytes(ANSWERER.public_key))
    head = struct.pack(">BB4sQBB", 0x80, 1, TAG, ID, 0, 0)
    message = bytes(foreigner.noise.write_message(foreigner.payload(b"request") + bytes(300)))
    acceptance = accept(head + message)
    assert (acceptance.early, acceptance.remote_key) == (b"request", CALLER.public_key)
    reply = acceptance.reply(b"answer")
    kind, destination, source = struct.unpack_from(">BQQ", reply)
    assert (kind, destination) == (0x81, ID)
    fields = read(bytes(foreigner.noise.read_message(reply[17:])))
    assert (fields[0], fields[1], fields[6]) == (ANSWERER.public_key, source, b"answer")
    established = acceptance.established
    assert established is not None
    assert {established.send_key, established.receive_key} == foreigner.keys()
    assert established.remote_id == ID


def test_a_foreign_caller_that_knows_only_the_endpoint() -> None:
    foreigner = Foreigner(CALLER, 1, caller=True)
    head = struct.pack(">BB4sQBB", 0x80, 1, TAG, ID, 1, 0)
    acceptance = accept(head + bytes(foreigner.noise.write_message(bytes(300))))
    reply = acceptance.reply()
    _, _, source = struct.unpack_from(">BQQ", reply)
    assert read(bytes(foreigner.noise.read_message(reply[17:])))[0] == ANSWERER.public_key
    final = struct.pack(">BQ", 0x82, source) + bytes(foreigner.noise.write_message(foreigner.payload(b"")))
    established = acceptance.receive_final(final)
    assert {established.send_key, established.receive_key} == foreigner.keys()
    assert (established.remote_key, established.remote_id) == (CALLER.public_key, ID)


@pytest.mark.parametrize("pattern", [0, 1])
def test_a_foreign_answerer(pattern: int) -> None:
    initiation = call(None if pattern else ANSWERER.public_key)
    packet = initiation.packet(b"" if pattern else b"request")
    kind, version, tag, source, used, cookie = struct.unpack_from(">BB4sQBB", packet)
    assert (kind, version, tag, source, used, cookie) == (0x80, 1, TAG, CALLER_ID, pattern, 0)
    foreigner = Foreigner(ANSWERER, pattern, caller=False)
    first = bytes(foreigner.noise.read_message(packet[16:]))
    if pattern:
        assert not any(first)
    else:
        assert read(first)[6] == b"request"
    reply = struct.pack(">BQQ", 0x81, CALLER_ID, ID) + bytes(
        foreigner.noise.write_message(foreigner.payload(b""))
    )
    established = session(initiation, reply)
    if pattern:
        assert read(bytes(foreigner.noise.read_message(established.final_packet[9:])))[0] == CALLER.public_key
    assert (established.remote_key, established.remote_id) == (ANSWERER.public_key, ID)
    assert {established.send_key, established.receive_key} == foreigner.keys()
