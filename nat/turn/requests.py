"""Act on proved requests: allocate, refresh, permit peers, bind channels (RFC 8656, sections 7 to 12)."""

from __future__ import annotations

from collections.abc import Callable

from ...wire.endpoint import IPV6, Endpoint
from ..bucket import TokenBucket
from ..stun.attributes import (
    Attribute,
    ErrorCode,
    decode_number,
    decode_xor_address,
    encode_address_error,
    encode_xor_address,
)
from ..stun.message import Method, StunMessage
from .allocate_request import NUMBERS, TOKEN_BYTES, AllocateRequest, requested_family, requested_life_s
from .allocations import Allocation, Allocations, Channel, FiveTuple
from .authentication import Proof, Refusal
from .config import TurnConfig
from .peer_policy import PeerPolicy

CHANNEL_MIN, CHANNEL_MAX = 0x4000, 0x7FFE
"""Numbers that channels may have in RFC 5766, whose clients are many (coturn's among them). RFC 8656 ends at 0x4FFF for
the sake of sockets where other protocols come in too; nothing else does here."""

Attributes = list[tuple[int, bytes]]


class Requests:
    """Turn requests into changes of the allocations and the attributes of the answer; raise Refusal."""

    def __init__(
        self,
        config: TurnConfig,
        allocations: Allocations,
        policy: PeerPolicy,
        account: Callable[[str], str],
        entropy: Callable[[int], bytes],
    ) -> None:
        self._config = config
        self._allocations = allocations
        self._policy = policy
        self._account = account
        self._entropy = entropy
        self._handlers = {
            int(Method.REFRESH): self._refresh,
            int(Method.CREATE_PERMISSION): self._create_permission,
            int(Method.CHANNEL_BIND): self._channel_bind,
        }

    def allocate(
        self, request: StunMessage, five_tuple: FiveTuple, proof: Proof, now: float
    ) -> tuple[Allocation, Attributes]:
        """Make an allocation for a client that has none; raises Refusal and DecodeError."""
        wish, config, account = AllocateRequest.of(request), self._config, self._account(proof.username)
        life_s = self._life_s(requested_life_s(request))
        if self._allocations.of_account(account) >= config.allocations_per_user_max:
            raise Refusal(ErrorCode.ALLOCATION_QUOTA_REACHED)
        if len(self._allocations) >= config.allocations_max:
            raise Refusal(ErrorCode.INSUFFICIENT_CAPACITY)
        relayed, more = self._open(wish, account, now)
        allocation = Allocation(
            five_tuple=five_tuple,
            transaction_id=request.transaction_id,
            proof=proof,
            account=account,
            relayed={each.family: each for each in relayed},
            ends_at=now + life_s,
            bucket=TokenBucket(config.bytes_per_s, config.burst_bytes, now) if config.bytes_per_s else None,
        )
        self._allocations.add(allocation)
        addresses = [(Attribute.XOR_RELAYED_ADDRESS, self._allocations.public(each)) for each in relayed]
        addresses.append((Attribute.XOR_MAPPED_ADDRESS, five_tuple.client))
        return allocation, [
            *((int(kind), encode_xor_address(each, request.transaction_id)) for kind, each in addresses),
            (Attribute.LIFETIME, life_s.to_bytes(4, "big")),
            *more,
        ]

    def change(self, request: StunMessage, allocation: Allocation, now: float) -> Attributes:
        """Do what a request asks of an allocation; raises Refusal and DecodeError."""
        return self._handlers[request.method](request, allocation, now)

    def _life_s(self, requested_s: int | None) -> int:
        config = self._config
        return min(max(requested_s or 0, config.allocation_s), config.allocation_s_max)

    def _open(
        self, wish: AllocateRequest, account: str, now: float
    ) -> tuple[tuple[Endpoint, ...], Attributes]:
        """Open the relayed transports; returns them and what more is to be said about them."""
        if wish.token is not None:
            reserved = self._allocations.redeem(wish.token, account, now)
            if reserved is None:
                raise Refusal(ErrorCode.INSUFFICIENT_CAPACITY)
            return (reserved,), []
        if wish.family not in self._allocations.relay_hosts:
            raise Refusal(ErrorCode.ADDRESS_FAMILY_NOT_SUPPORTED)
        if wish.reserve_next and self._allocations.reserves_no_more:
            raise Refusal(ErrorCode.INSUFFICIENT_CAPACITY)
        opened = self._allocations.open(wish.family, 1 + wish.reserve_next, even=wish.even)
        if not opened:
            raise Refusal(ErrorCode.INSUFFICIENT_CAPACITY)
        if wish.reserve_next:
            token = self._entropy(TOKEN_BYTES)
            self._allocations.reserve(token, opened[1], account, now)
            return opened[:1], [(Attribute.RESERVATION_TOKEN, token)]
        return self._open_ipv6(opened, even=wish.even) if wish.also_ipv6 else (opened, [])

    def _open_ipv6(
        self, opened: tuple[Endpoint, ...], *, even: bool
    ) -> tuple[tuple[Endpoint, ...], Attributes]:
        """Add the second family; without it the first one stands, and the answer says why (section 7.2)."""
        code = ErrorCode.ADDRESS_FAMILY_NOT_SUPPORTED
        if IPV6 in self._allocations.relay_hosts:
            code = ErrorCode.INSUFFICIENT_CAPACITY
            second = self._allocations.open(IPV6, 1, even=even)
            if second:
                return opened + second, []
        return opened, [(Attribute.ADDRESS_ERROR_CODE, encode_address_error(NUMBERS[IPV6], code))]

    def _refresh(self, request: StunMessage, allocation: Allocation, now: float) -> Attributes:
        family, requested_s = requested_family(request), requested_life_s(request)
        if family is not None and family not in allocation.relayed:
            raise Refusal(ErrorCode.PEER_ADDRESS_FAMILY_MISMATCH)
        life_s = 0 if requested_s == 0 else self._life_s(requested_s)
        if life_s:
            allocation.ends_at = now + life_s
        elif family is not None and len(allocation.relayed) > 1:
            self._allocations.remove_family(allocation, family)
        else:
            self._allocations.remove(allocation)
        return [(Attribute.LIFETIME, life_s.to_bytes(4, "big"))]

    def _create_permission(self, request: StunMessage, allocation: Allocation, now: float) -> Attributes:
        masked = request.all(Attribute.XOR_PEER_ADDRESS)
        peers = [decode_xor_address(each, request.transaction_id) for each in masked]
        if not peers:
            raise Refusal(ErrorCode.BAD_REQUEST)
        for peer in peers:
            self._check_peer(allocation, peer)
        self._permit(allocation, peers, now)
        return []

    def _channel_bind(self, request: StunMessage, allocation: Allocation, now: float) -> Attributes:
        number = decode_number(request.find(Attribute.CHANNEL_NUMBER) or b"", 4) >> 16
        peer = decode_xor_address(request.find(Attribute.XOR_PEER_ADDRESS) or b"", request.transaction_id)
        if not CHANNEL_MIN <= number <= CHANNEL_MAX or not peer.port:
            raise Refusal(ErrorCode.BAD_REQUEST)
        self._check_peer(allocation, peer)
        allocation.forget_past(now)
        standing = allocation.channels.get(number), allocation.channel_of.get(peer)
        if standing[0] is not standing[1]:
            raise Refusal(ErrorCode.BAD_REQUEST)
        if standing[0] is None and len(allocation.channels) >= self._config.channels_max:
            raise Refusal(ErrorCode.INSUFFICIENT_CAPACITY)
        self._permit(allocation, [peer], now)
        channel = standing[0] or Channel(number, peer, now)
        channel.ends_at = now + self._config.channel_s
        allocation.channels[number] = allocation.channel_of[peer] = channel
        return []

    def _check_peer(self, allocation: Allocation, peer: Endpoint) -> None:
        """Refuse a peer that nobody may reach from here, or that this allocation has no address for."""
        if peer.family not in allocation.relayed:
            raise Refusal(ErrorCode.PEER_ADDRESS_FAMILY_MISMATCH)
        # An address of this machine is good for its relayed transports, which two clients may have here: what is
        # sent to anything else there is dropped by Forwarding.
        is_relay = self._allocations.relay_hosts[peer.family] == peer.host and self._policy.is_public(
            peer.host
        )
        if not (is_relay or self._policy.allows(peer.host)):
            raise Refusal(ErrorCode.FORBIDDEN)

    def _permit(self, allocation: Allocation, peers: list[Endpoint], now: float) -> None:
        allocation.forget_past(now)
        hosts = dict.fromkeys(peer.host for peer in peers)
        added = sum(host not in allocation.permissions for host in hosts)
        if len(allocation.permissions) + added > self._config.permissions_max:
            raise Refusal(ErrorCode.INSUFFICIENT_CAPACITY)
        for host in hosts:
            allocation.permissions[host] = now + self._config.permission_s
