"""The session vectors of docs/protocol.md, computed anew from the inputs that the page states."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from session_link import A_ID, A_KEY, A_UDP, B_ID, B_KEY, B_UDP, session_pair

from mesh99.wire import frames
from mesh99.wire.cipher import EPOCH_S_MAX, SealingKey, next_secret, packet_key
from mesh99.wire.crypto import AES, CHACHA, REAL
from mesh99.wire.stream_framing import length_prefix

PROTOCOL = Path(__file__).parents[3] / "docs" / "protocol.md"
TOKEN = bytes(range(1, 9))


def frame_vectors() -> Iterator[tuple[str, bytes]]:
    for name in ("PING", "PONG", "PATH_CHALLENGE", "PATH_RESPONSE"):
        yield f"frame.{name.lower()}", frames.TOKEN_FRAME.pack(getattr(frames, name), TOKEN)
    yield "frame.ack", frames.encode_ack(0.0025, [(0, 3), (5, 5), (8, 200)])
    yield "frame.rpc", frames.RPC_HEAD.pack(frames.RPC, 3) + b"rpc"
    yield "frame.max_data", frames.MAX_DATA_FRAME.pack(frames.MAX_DATA, 1, 5_000_000)
    yield "frame.close", frames.encode_close("done")


def key_vectors() -> Iterator[tuple[str, bytes]]:
    yield "epoch.0.key", packet_key(A_KEY)
    yield "epoch.1.secret", next_secret(A_KEY)
    yield "epoch.1.key", packet_key(next_secret(A_KEY))


def packet_vectors() -> Iterator[tuple[str, bytes]]:
    for cipher in (CHACHA, AES):
        a, b = session_pair(cipher=cipher)
        a.send_message(b"hello")
        a.send_message(b"")
        ((message, _),) = a.take_packets(0.0)
        yield f"packet.{cipher}.messages", message
        b.receive(message, A_UDP, 0.0)
        b.send_message(b"hi")
        ((answer, _),) = b.take_packets(0.0)
        yield f"packet.{cipher}.answer", answer
        assert a.receive(answer, B_UDP, 0.0)
        assert (b.messages, a.messages) == ([b"hello", b""], [b"hi"])
    sealing = SealingKey(A_KEY, CHACHA, B_ID, REAL)
    sealing.seal(b"\x00", 0.0)
    later = sealing.seal(frames.TOKEN_FRAME.pack(frames.PING, TOKEN), EPOCH_S_MAX)
    yield "packet.epoch.1", later
    yield "stream", length_prefix(later) + later


def computed() -> dict[str, str]:
    inputs = [
        ("a_to_b", A_KEY),
        ("b_to_a", B_KEY),
        ("a.id", A_ID.to_bytes(8, "big")),
        ("b.id", B_ID.to_bytes(8, "big")),
    ]
    return {
        name: value.hex() for name, value in (*inputs, *key_vectors(), *frame_vectors(), *packet_vectors())
    }


def stated() -> dict[str, str]:
    text = PROTOCOL.read_text(encoding="utf-8")
    blocks = re.findall(r"```session-vectors\n(.*?)```", text, re.DOTALL)
    joined = re.sub(r"\n +", "", "".join(blocks))
    return dict(line.split(" = ") for line in joined.splitlines())


def test_the_vectors_are_those_of_the_page() -> None:
    assert stated() == computed()
