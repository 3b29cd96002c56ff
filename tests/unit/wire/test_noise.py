"""The Noise framework by itself: our own short vectors, tampering, misuse. Published ones: tests/interop."""

from __future__ import annotations

import pytest

from mesh99.wire.crypto import REAL
from mesh99.wire.errors import DecodeError
from mesh99.wire.noise import PATTERNS, HandshakeState, KeyPair


def key_pair(byte: int) -> KeyPair:
    private = bytes((byte,)) * 32
    return KeyPair(private, REAL.exchange_public(private))


STATIC_I, STATIC_R = key_pair(1), key_pair(2)


def sides(protocol: str, prologue: bytes = b"prologue") -> tuple[HandshakeState, HandshakeState]:
    pattern = protocol.split("_")[1]
    known = STATIC_R.public if PATTERNS[pattern].before else None
    initiator = HandshakeState(
        protocol,
        initiator=True,
        prologue=prologue,
        crypto=REAL,
        ephemeral_private=b"\x03" * 32,
        static=STATIC_I,
        remote_static=known,
    )
    responder = HandshakeState(
        protocol,
        initiator=False,
        prologue=prologue,
        crypto=REAL,
        ephemeral_private=b"\x04" * 32,
        static=STATIC_R,
    )
    return initiator, responder


def run(protocol: str) -> tuple[list[bytes], HandshakeState, HandshakeState]:
    writer, reader = initiator, responder = sides(protocol)
    messages = []
    while not initiator.finished:
        messages.append(writer.write_message(b"payload %d" % len(messages)))
        assert reader.read_message(messages[-1]) == b"payload %d" % (len(messages) - 1)
        writer, reader = reader, writer
    return messages, initiator, responder


@pytest.mark.parametrize("hash_name", ["SHA256", "BLAKE2s", "BLAKE2b"])
@pytest.mark.parametrize("cipher", ["ChaChaPoly", "AESGCM"])
@pytest.mark.parametrize("pattern", ["NN", "XK", "IK", "XX"])
def test_both_sides_agree(pattern: str, cipher: str, hash_name: str) -> None:
    messages, initiator, responder = run(f"Noise_{pattern}_25519_{cipher}_{hash_name}")
    assert len(messages) == len(PATTERNS[pattern].messages)
    assert initiator.split() == responder.split()
    assert initiator.handshake_hash == responder.handshake_hash
    assert len(set(initiator.split())) == 2
    if pattern != "NN":
        assert responder.remote_static == STATIC_I.public
        assert initiator.remote_static == STATIC_R.public


def sides_before(protocol: str, index: int) -> tuple[HandshakeState, HandshakeState]:
    """Return writer and reader of message `index`, which is written already."""
    writer, reader = sides(protocol)
    for earlier in range(index):
        reader.read_message(writer.write_message(b"payload %d" % earlier))
        writer, reader = reader, writer
    writer.write_message(b"payload %d" % index)
    return writer, reader


def never_agrees(protocol: str, index: int, message: bytes) -> bool:
    writer, reader = sides_before(protocol, index)
    try:
        reader.read_message(message)
    except DecodeError:
        return True
    return reader.handshake_hash != writer.handshake_hash


@pytest.mark.parametrize("pattern", ["IK", "XX", "XK", "NN"])
def test_a_flipped_bit_never_leaves_both_sides_agreed(pattern: str) -> None:
    protocol = f"Noise_{pattern}_25519_ChaChaPoly_SHA256"
    for index, clean in enumerate(run(protocol)[0]):
        for position in range(0, len(clean) * 8, 5):
            damaged = bytearray(clean)
            damaged[position // 8] ^= 1 << position % 8
            assert never_agrees(protocol, index, bytes(damaged)), (index, position)


@pytest.mark.parametrize("pattern", ["IK", "XX", "XK", "NN"])
def test_a_truncated_message_never_leaves_both_sides_agreed(pattern: str) -> None:
    protocol = f"Noise_{pattern}_25519_AESGCM_BLAKE2s"
    for index, clean in enumerate(run(protocol)[0]):
        for end in range(len(clean)):
            assert never_agrees(protocol, index, clean[:end]), (index, end)


def test_another_prologue_does_not_open() -> None:
    initiator, _ = sides("Noise_IK_25519_ChaChaPoly_SHA256", b"one")
    _, responder = sides("Noise_IK_25519_ChaChaPoly_SHA256", b"two")
    with pytest.raises(DecodeError):
        responder.read_message(initiator.write_message(b""))


def test_an_ephemeral_key_of_low_order_is_refused() -> None:
    _, responder = sides("Noise_IK_25519_ChaChaPoly_SHA256")
    with pytest.raises(DecodeError):
        responder.read_message(bytes(200))


def test_a_copy_stays_when_the_original_is_spoilt() -> None:
    initiator, responder = sides("Noise_XX_25519_ChaChaPoly_SHA256")
    responder.read_message(initiator.write_message(b""))
    reply = responder.write_message(b"reply")
    attempt = initiator.copy()
    with pytest.raises(DecodeError):
        attempt.read_message(reply[:-1] + bytes((reply[-1] ^ 1,)))
    assert initiator.read_message(reply) == b"reply"


@pytest.mark.parametrize(
    "protocol",
    [
        "",
        "Noise",
        "Noise_IK_25519_ChaChaPoly",
        "Noise_KK_25519_ChaChaPoly_SHA256",
        "Noise_IK_448_ChaChaPoly_SHA256",
        "Noise_IK_25519_DES_SHA256",
        "Noise_IK_25519_ChaChaPoly_MD5",
    ],
)
def test_unknown_protocols_are_named(protocol: str) -> None:
    with pytest.raises(ValueError, match="unknown Noise protocol"):
        HandshakeState(protocol, initiator=True, prologue=b"", crypto=REAL, ephemeral_private=b"\x03" * 32)


def test_turns_are_kept() -> None:
    initiator, responder = sides("Noise_IK_25519_ChaChaPoly_SHA256")
    with pytest.raises(AssertionError, match="turn"):
        responder.write_message(b"")
    with pytest.raises(AssertionError, match="last message"):
        initiator.split()
    _, done, _ = run("Noise_IK_25519_ChaChaPoly_SHA256")
    with pytest.raises(AssertionError, match="over"):
        done.write_message(b"")


def test_messages_are_bounded() -> None:
    initiator, responder = sides("Noise_XX_25519_ChaChaPoly_SHA256")
    with pytest.raises(ValueError, match="65536"):
        initiator.write_message(bytes(65_536 - 32))
    with pytest.raises(DecodeError, match="too long"):
        responder.read_message(bytes(65_536))
