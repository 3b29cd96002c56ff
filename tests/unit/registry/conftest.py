"""Agents, signed and plain, for the registry's tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mesh99.node.registry import packet_for
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.identity import Identity
from mesh99.wire.node_record import NodeRecord

MakePacket = Callable[..., dict[str, object]]


@pytest.fixture
def identity() -> Identity:
    return Identity.generate(lambda size: b"\x07" * size)


@pytest.fixture
def signed_packet(identity: Identity) -> MakePacket:
    """Build a packet with a signed record of `identity`, or of another one."""

    def make(
        sequence: int = 1,
        *,
        name: str = "writer",
        capabilities: tuple[str, ...] = ("summarize",),
        port: int = 7400,
        owner: Identity = identity,
        **info: object,
    ) -> dict[str, object]:
        record = NodeRecord(
            public_key=owner.public_key,
            endpoints=(Endpoint("udp", "127.0.0.1", port),),
            name=name,
            capabilities=capabilities,
            nat="unknown",
            relays=(),
            protocol_version=1,
            sequence=sequence,
            ttl_s=3600,
        )
        return packet_for(record, info, owner)

    return make
