"""The vectors of docs/protocol.md: every value is computed anew from the inputs that the page states."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mesh99.wire.contact import Contact
from mesh99.wire.cookie import CookieJar
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.handshake import Acceptance, Established, HandshakeSettings, Initiation, reset_packet
from mesh99.wire.identity import Identity, PublicKey
from mesh99.wire.node_record import NodeRecord
from mesh99.wire.record import Record, capability_key, content_key, name_key, value_key

PROTOCOL = Path(__file__).parents[3] / "docs" / "protocol.md"

A, B = Identity(b"\x01" * 32), Identity(b"\x02" * 32)
A_ID, B_ID = 0x0102030405060708, 0xF1F2F3F4F5F6F7F8
SETTINGS = HandshakeSettings(network="test", tcp_port=7400, aes=False)
UDP, TCP6 = Endpoint("udp", "192.0.2.1", 7400), Endpoint("tcp", "2001:db8::1", 7401)


def keys() -> Iterator[tuple[str, bytes | str]]:
    for name, identity in (("a", A), ("b", B)):
        yield f"{name}.seed", identity.seed
        yield f"{name}.public_key", identity.public_key
        yield f"{name}.node_id", identity.node_id
        yield f"{name}.node_id.text", identity.node_id.text
        yield f"{name}.exchange_private", identity.exchange_private
        yield f"{name}.exchange_public", identity.exchange_public
    yield "a.reset_key", A.derive("reset")


def addresses() -> Iterator[tuple[str, bytes | str]]:
    yield "endpoint.udp4", UDP.pack()
    yield "endpoint.tcp6", TCP6.pack()
    yield "contact.a", Contact(A.public_key, UDP).pack()


def records() -> Iterator[tuple[str, bytes | str]]:
    yield "key.value", value_key("colour")
    yield "key.name", name_key("writer")
    yield "key.capability", capability_key("Summarize")
    yield "record", Record.create(A, value_key("colour"), b"blue", sequence=3, ttl_s=3600).encode()
    yield "key.content", content_key(b"blue")
    yield "content", Record.of_content(b"blue", ttl_s=3600).encode()
    node = NodeRecord(
        public_key=A.public_key,
        endpoints=(UDP, TCP6),
        name="writer",
        capabilities=("summarize", "image.resize"),
        relays=(Contact(B.public_key, UDP),),
        sequence=7,
        ttl_s=1200,
    )
    yield "node_record", node.to_record(A).encode()
    attributes = {"load": 0.25, "region": "eu", "tags": ("de", "fr"), "version": "2.1"}
    provider = replace(node, relays=(), attributes=attributes)
    yield "provider_record", provider.to_record(A, capability_key("Summarize")).encode()


def _initiation(remote_key: PublicKey | None) -> Initiation:
    return Initiation(A, remote_key, SETTINGS, lambda size: b"\x03" * size, A_ID)


def _acceptance(packet: bytes) -> Acceptance:
    return Acceptance.receive(packet, B, SETTINGS, lambda size: b"\x04" * size, B_ID)


def _received(initiation: Initiation, reply: bytes) -> Established:
    established = initiation.receive(reply)
    assert isinstance(established, Established)
    return established


def handshake_ik() -> Iterator[tuple[str, bytes | str]]:
    initiation = _initiation(B.public_key)
    packet = initiation.packet(b"request", size=400)
    acceptance = _acceptance(packet)
    reply = acceptance.reply(b"answer", UDP)
    established = _received(initiation, reply)
    yield "ik.prologue", SETTINGS.prologue
    yield "ik.initial", packet
    yield "ik.reply", reply
    yield "ik.handshake_hash", established.handshake_hash
    yield "ik.a_to_b", established.send_key
    yield "ik.b_to_a", established.receive_key


def handshake_xx() -> Iterator[tuple[str, bytes | str]]:
    initiation = _initiation(None)
    packet = initiation.packet(size=400)
    reply = _acceptance(packet).reply(b"", UDP)
    established = _received(initiation, reply)
    yield "xx.initial", packet
    yield "xx.reply", reply
    yield "xx.final", established.final_packet
    yield "xx.handshake_hash", established.handshake_hash
    yield "xx.a_to_b", established.send_key
    yield "xx.b_to_a", established.receive_key


def other_packets() -> Iterator[tuple[str, bytes | str]]:
    jar = CookieJar(b"\x05" * 32, 0.0)
    cookie = jar.packet(UDP, A_ID, 100.0)
    yield "cookie", cookie
    initiation = _initiation(B.public_key)
    yield "ik.initial.with_cookie", initiation.packet(b"request", cookie[9:], size=400)
    with pytest.raises(Exception, match="network") as caught:
        Acceptance.receive(
            initiation.packet(), B, HandshakeSettings(network="x"), lambda size: bytes(size), B_ID
        )
    yield "reject", caught.value.packet  # type: ignore[attr-defined]
    yield "reset", reset_packet(A, A_ID)


GROUPS = {
    "keys": keys,
    "addresses": addresses,
    "records": records,
    "handshake-ik": handshake_ik,
    "handshake-xx": handshake_xx,
    "other-packets": other_packets,
}


def _stated(group: str) -> dict[str, str]:
    text = PROTOCOL.read_text(encoding="utf-8")
    (block,) = re.findall(rf"```vectors-{group}\n(.*?)```", text, re.DOTALL)
    joined = re.sub(r"\n +", "", block)
    return dict(line.split(" = ") for line in joined.splitlines())


@pytest.mark.parametrize("group", GROUPS)
def test_vectors_are_those_of_the_page(group: str) -> None:
    computed = {name: value.hex() if isinstance(value, bytes) else value for name, value in GROUPS[group]()}
    assert _stated(group) == computed


def test_every_group_of_the_page_is_checked() -> None:
    assert re.findall(r"```vectors-([\w-]+)\n", PROTOCOL.read_text(encoding="utf-8")) == list(GROUPS)
