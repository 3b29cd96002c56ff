"""What allocations are for: packets from clients to peers and back, within permissions and rates.

To a client a packet goes as ChannelData when the peer has a channel, else as a Data indication. A channel that stands
counts as permission for its peer: stock clients refresh channels every eight minutes and count on that (coturn too
lets a channel's permission live as long as the channel). Between two clients of this server a packet goes straight
from one relayed transport to the other, so it needs no box that turns it back, and reaches nothing else here.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import NamedTuple

from ...wire.endpoint import Endpoint
from ...wire.errors import DecodeError
from ..bucket import TokenBucket
from ..stun.attributes import Attribute, decode_xor_address, encode_xor_address, unknown_required
from ..stun.message import (
    MESSAGE_BYTES_MAX,
    TRANSACTION_ID_BYTES,
    MessageClass,
    Method,
    StunMessage,
    decode,
    encode,
)
from .allocations import Allocation, Allocations, FiveTuple
from .config import TurnConfig
from .peer_policy import PeerPolicy
from .stream import CHANNEL_HEADER_BYTES, padded

INDICATION_BYTES = 64
"""More than what a Data indication adds to its payload."""

PAYLOAD_BYTES_MAX = MESSAGE_BYTES_MAX - INDICATION_BYTES
"""Longest payload from a peer, above the 1500 bytes of nearly every path."""

_KNOWN = frozenset((Attribute.XOR_PEER_ADDRESS, Attribute.DATA))


class Packet(NamedTuple):
    """What is to be sent, from which of the server's own endpoints, and where to."""

    data: bytes
    source: Endpoint
    destination: Endpoint


class Forwarding:
    """Carry packets between clients and peers."""

    def __init__(
        self,
        config: TurnConfig,
        allocations: Allocations,
        policy: PeerPolicy,
        random: Random,
        dropped: Counter[str],
        now: float,
    ) -> None:
        self._allocations = allocations
        self._policy = policy
        self._random = random
        self._dropped = dropped
        in_all = config.bytes_per_s_in_all
        self._bucket = TokenBucket(in_all, config.burst_bytes, now) if in_all else None
        self._relay_hosts = frozenset(allocations.relay_hosts.values())
        self.carried_bytes = 0
        self.carried_packets = 0

    def channel_data(self, message: bytes, five_tuple: FiveTuple, now: float) -> list[Packet]:
        """Carry what a client sends on a channel."""
        allocation = self._allocations.find(five_tuple, now)
        if allocation is None:
            return self._drop("no allocation")
        end = CHANNEL_HEADER_BYTES + int.from_bytes(message[2:4], "big")
        channel = allocation.channels.get(int.from_bytes(message[:2], "big"))
        if len(message) < end or channel is None or channel.ends_at <= now:
            return self._drop("no such channel")
        return self._to_peer(allocation, message[CHANNEL_HEADER_BYTES:end], channel.peer, now)

    def send_indication(self, message: bytes, five_tuple: FiveTuple, now: float) -> list[Packet]:
        """Carry what a client sends in a Send indication."""
        allocation = self._allocations.find(five_tuple, now)
        if allocation is None:
            return self._drop("no allocation")
        try:
            indication = decode(message)
            masked = indication.find(Attribute.XOR_PEER_ADDRESS) or b""
            peer = decode_xor_address(masked, indication.transaction_id)
        except DecodeError:
            return self._drop("malformed")
        payload = indication.find(Attribute.DATA)
        if payload is None or not peer.port or unknown_required(indication, _KNOWN):
            return self._drop("malformed")
        if not allocation.permits(peer.host, now):
            return self._drop("no permission")
        return self._to_peer(allocation, payload, peer, now)

    def from_peer(self, payload: bytes, relayed: Endpoint, peer: Endpoint, now: float) -> list[Packet]:
        """Carry what a peer sends to a relayed transport."""
        allocation = self._allocations.at(relayed)
        if allocation is None or allocation.ends_at <= now:
            return self._drop("no allocation")
        if len(payload) > PAYLOAD_BYTES_MAX:
            return self._drop("too long")
        return self._to_client(allocation, payload, peer, now)

    def _to_peer(self, allocation: Allocation, payload: bytes, peer: Endpoint, now: float) -> list[Packet]:
        relayed = allocation.relayed.get(peer.family)
        if relayed is None:
            return self._drop("no address of that family")
        if not self._spend(allocation, len(payload), now):
            return self._drop("over the rate")
        if peer.host in self._relay_hosts:
            other = self._allocations.reached_at(peer)
            if other is not None and other.ends_at > now:
                return self._to_client(other, payload, self._allocations.public(relayed), now)
            if not self._policy.allows(peer.host):
                return self._drop("own address")
        return [Packet(payload, relayed, peer)]

    def _to_client(self, allocation: Allocation, payload: bytes, peer: Endpoint, now: float) -> list[Packet]:
        channel = allocation.channel_of.get(peer)
        if channel is not None and channel.ends_at <= now:
            channel = None
        if channel is None and not allocation.permits(peer.host, now):
            return self._drop("no permission")
        if not self._spend(allocation, len(payload), now):
            return self._drop("over the rate")
        client, server = allocation.five_tuple
        if channel is None:
            return [Packet(self._data_indication(payload, peer), server, client)]
        message = (channel.number << 16 | len(payload)).to_bytes(4, "big") + payload
        return [Packet(message if client.is_datagram else padded(message), server, client)]

    def _data_indication(self, payload: bytes, peer: Endpoint) -> bytes:
        transaction_id = self._random.randbytes(TRANSACTION_ID_BYTES)
        attributes = (
            (int(Attribute.XOR_PEER_ADDRESS), encode_xor_address(peer, transaction_id)),
            (int(Attribute.DATA), payload),
        )
        indication = StunMessage(Method.DATA, MessageClass.INDICATION, transaction_id, attributes)
        return encode(indication, fingerprint=False)

    def _spend(self, allocation: Allocation, size_bytes: int, now: float) -> bool:
        """Take a packet out of the allocation's rate and the server's; false when it is over one of them."""
        if allocation.bucket is not None and not allocation.bucket.take(size_bytes, now):
            return False
        if self._bucket is not None and not self._bucket.take(size_bytes, now):
            return False
        self.carried_bytes += size_bytes
        self.carried_packets += 1
        return True

    def _drop(self, reason: str) -> list[Packet]:
        self._dropped[f"turn: {reason}"] += 1
        return []
