"""The simulated cipher suite: the sizes of the real one, and what must stay impossible."""

from __future__ import annotations

from random import Random

import pytest

from mesh99.simulations.cipher_suite import SimulatedCrypto
from mesh99.wire.crypto import CHACHA, REAL, Crypto, InvalidTag
from mesh99.wire.errors import DecodeError
from mesh99.wire.handshake import Acceptance, HandshakeSettings, Initiation
from mesh99.wire.identity import Identity

SETTINGS = HandshakeSettings(network="test", aes=False)


def identities(crypto: Crypto) -> tuple[Identity, Identity, Identity]:
    one, two, three = (Identity(bytes((number,)) * 32, crypto) for number in (1, 2, 3))
    return one, two, three


def call(crypto: Crypto, *, known: bool) -> tuple[list[bytes], tuple[bytes, bytes], tuple[bytes, bytes]]:
    """Run a handshake; return its packets and the keys of both sides."""
    one, two, _ = identities(crypto)
    random = Random(1)
    key = two.public_key if known else None
    initiation = Initiation(one, key, SETTINGS, random.randbytes, 11)
    packets = [initiation.packet(b"question" if known else b"")]
    acceptance = Acceptance.receive(packets[0], two, SETTINGS, random.randbytes, 22)
    assert acceptance.early == (b"question" if known else b"")
    packets.append(acceptance.reply(b"answer" if known else b""))
    caller = initiation.receive(packets[1])
    assert caller is not None
    assert not isinstance(caller, bytes)
    if caller.final_packet:
        packets.append(caller.final_packet)
        acceptance.receive_final(caller.final_packet)
    called = acceptance.established
    assert called is not None
    assert called.remote_key == one.public_key
    return packets, caller.secrets.keys(), called.secrets.keys()


@pytest.mark.parametrize("known", [True, False], ids=["IK", "XX"])
def test_packets_are_as_long_as_real_ones_and_both_sides_have_the_same_keys(known: bool) -> None:
    real, _, _ = call(REAL, known=known)
    simulated, caller, called = call(SimulatedCrypto(), known=known)
    assert [len(packet) for packet in simulated] == [len(packet) for packet in real]
    assert caller == called[::-1]
    assert caller[0] != caller[1]


def test_names_are_those_of_the_real_suite() -> None:
    assert [each.node_id for each in identities(SimulatedCrypto())] == [
        each.node_id for each in identities(REAL)
    ]


def test_a_first_packet_opens_for_nobody_but_whom_it_is_for() -> None:
    one, two, three = identities(SimulatedCrypto())
    packet = Initiation(one, two.public_key, SETTINGS, Random(1).randbytes, 11).packet(b"question")
    with pytest.raises(DecodeError):
        Acceptance.receive(packet, three, SETTINGS, Random(2).randbytes, 22)


def test_a_reply_to_another_call_is_not_taken() -> None:
    one, two, _ = identities(SimulatedCrypto())
    calls = [Initiation(one, two.public_key, SETTINGS, Random(seed).randbytes, 11) for seed in (1, 2)]
    packets = [each.packet(b"question") for each in calls]
    reply = Acceptance.receive(packets[0], two, SETTINGS, Random(3).randbytes, 22).reply(b"answer")
    assert calls[1].receive(reply) is None
    assert calls[0].receive(reply) is not None


def test_what_is_sealed_opens_under_its_own_key_only() -> None:
    crypto = SimulatedCrypto()
    mine, other = (crypto.aead(CHACHA, bytes((number,)) * 32) for number in (1, 2))
    sealed = mine.encrypt(bytes(12), memoryview(b"secret"), b"")
    assert len(sealed) == len(REAL.aead(CHACHA, bytes(32)).encrypt(bytes(12), b"secret", b""))
    assert mine.decrypt(bytes(12), memoryview(sealed), b"") == b"secret"
    with pytest.raises(InvalidTag):
        other.decrypt(bytes(12), sealed, b"")


def test_a_signature_needs_its_owner_and_its_message() -> None:
    crypto = SimulatedCrypto()
    one, two, _ = identities(crypto)
    signature = one.sign(b"message")
    assert len(signature) == len(identities(REAL)[0].sign(b"message"))
    assert crypto.verify(one.public_key, signature, b"message")
    assert not crypto.verify(one.public_key, signature, b"another")
    assert not crypto.verify(two.public_key, signature, b"message")
    assert not SimulatedCrypto().verify(one.public_key, signature, b"message"), "nobody has this key here"
