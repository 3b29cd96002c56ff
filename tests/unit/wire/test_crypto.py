"""The primitives against published vectors, and what they refuse."""

from __future__ import annotations

import pytest

from mesh99.wire.crypto import AES, CHACHA, REAL, InvalidTag, aes_in_hardware

SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
SIGNATURE = bytes.fromhex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
    "d25bf5f0595bbe24655141438e7a100b"
)
# Ed25519 encodings of points of low order, and of a y that has no x.
NO_KEYS = [bytes(32), b"\x01" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f", b"\x02" + bytes(31)]


def test_signs_as_rfc_8032_says() -> None:
    assert REAL.signing_public(SEED) == PUBLIC
    assert REAL.sign(SEED, b"") == SIGNATURE
    assert REAL.verify(PUBLIC, SIGNATURE, b"")


def test_verify_refuses_another_message_key_or_length() -> None:
    message = b"message"
    signature = REAL.sign(SEED, message)
    assert REAL.verify(PUBLIC, signature, message)
    assert not REAL.verify(PUBLIC, signature, message + b"\x00")
    assert not REAL.verify(REAL.signing_public(bytes(32)), signature, message)
    assert not REAL.verify(PUBLIC, signature[:-1], signature[-1:] + message)
    assert not REAL.verify(PUBLIC, signature + message[:1], message[1:])
    assert not REAL.verify(PUBLIC[:-1], signature, message)
    assert not REAL.verify(b"", b"", b"")


@pytest.mark.parametrize("public", NO_KEYS)
def test_verify_refuses_keys_of_low_order(public: bytes) -> None:
    # With a neutral key, R = S*B for S = 0 would satisfy a lax verifier for every message.
    assert not REAL.verify(public, b"\x01" + bytes(63), b"any message")


def test_exchange_is_that_of_rfc_7748() -> None:
    private = bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
    public = bytes.fromhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
    shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
    assert REAL.exchange_public(private).hex().startswith("de9edb7d7b7dc1b4d35b61c2ece43537")
    assert REAL.exchange(private, public).hex() == shared


@pytest.mark.parametrize("public", [bytes(32), b"\x01" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f"])
def test_exchange_refuses_keys_of_low_order(public: bytes) -> None:
    with pytest.raises(ValueError, match="low order"):
        REAL.exchange(SEED, public)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_keys_of_another_length_never_reach_the_library(size: int) -> None:
    wrong = bytes(size)
    for call in (
        lambda: REAL.exchange_public(wrong),
        lambda: REAL.exchange(wrong, PUBLIC),
        lambda: REAL.exchange(SEED, wrong),
        lambda: REAL.exchange_public_from_signing(wrong),
        lambda: REAL.signing_public(wrong),
        lambda: REAL.aead(AES, wrong),
        lambda: REAL.aead(CHACHA, wrong),
    ):
        with pytest.raises(ValueError, match=r".+"):
            call()


def test_the_exchange_key_follows_from_the_signing_key_on_both_sides() -> None:
    private = REAL.exchange_private_from_seed(SEED)
    assert REAL.exchange_public(private) == REAL.exchange_public_from_signing(PUBLIC)


@pytest.mark.parametrize("public", NO_KEYS)
def test_what_is_no_signing_key_has_no_exchange_key(public: bytes) -> None:
    with pytest.raises(ValueError, match="not a point"):
        REAL.exchange_public_from_signing(public)


@pytest.mark.parametrize("cipher", [AES, CHACHA])
def test_ciphers_open_only_what_was_sealed(cipher: str) -> None:
    aead = REAL.aead(cipher, SEED)
    sealed = aead.encrypt(bytes(12), b"data", b"header")
    assert aead.decrypt(bytes(12), sealed, b"header") == b"data"
    for nonce, data, header in (
        (b"\x01" + bytes(11), sealed, b"header"),
        (bytes(12), sealed[:-1] + bytes((sealed[-1] ^ 1,)), b"header"),
        (bytes(12), sealed, b"Header"),
    ):
        with pytest.raises(InvalidTag):
            aead.decrypt(nonce, data, header)


def test_ciphers_differ() -> None:
    assert REAL.aead(AES, SEED).encrypt(bytes(12), b"x", b"") != REAL.aead(CHACHA, SEED).encrypt(
        bytes(12), b"x", b""
    )


def test_the_processor_is_asked_once_and_answers() -> None:
    assert aes_in_hardware() in (True, False)
    assert aes_in_hardware() is aes_in_hardware()
