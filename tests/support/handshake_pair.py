"""Two nodes that make a session, with entropy from a seed."""

from __future__ import annotations

from random import Random

from mesh99.wire.handshake import Acceptance, Established, HandshakeSettings, Initiation
from mesh99.wire.identity import Identity, PublicKey

CALLER, ANSWERER, STRANGER = (Identity(bytes((byte,)) * 32) for byte in (1, 2, 3))
SETTINGS = HandshakeSettings(network="test", tcp_port=7400, aes=False)
CALLER_ID, ANSWERER_ID = 0x0102030405060708, 0xF1F2F3F4F5F6F7F8


def call(
    remote_key: PublicKey | None = ANSWERER.public_key,
    settings: HandshakeSettings = SETTINGS,
    seed: str = "caller",
) -> Initiation:
    """Prepare a call: IK by default, XX when there is no key."""
    return Initiation(CALLER, remote_key, settings, Random(seed).randbytes, CALLER_ID)


def accept(
    packet: bytes,
    settings: HandshakeSettings = SETTINGS,
    identity: Identity = ANSWERER,
    seed: str = "answerer",
) -> Acceptance:
    """Take in a first packet."""
    return Acceptance.receive(packet, identity, settings, Random(seed).randbytes, ANSWERER_ID)


def session(initiation: Initiation, packet: bytes) -> Established:
    """Take in a packet that must make a session."""
    established = initiation.receive(packet)
    assert isinstance(established, Established)
    return established


def match(caller: Established, answerer: Established) -> bool:
    """Tell whether both ends hold the same session, and the right peers."""
    return (
        (caller.send_key, caller.receive_key) == (answerer.receive_key, answerer.send_key)
        and (caller.local_id, caller.remote_id) == (answerer.remote_id, answerer.local_id)
        and (caller.cipher, caller.handshake_hash) == (answerer.cipher, answerer.handshake_hash)
        and (caller.remote_key, answerer.remote_key) == (ANSWERER.public_key, CALLER.public_key)
    )
