"""TurnServer: a STUN and TURN server without sockets and clock (RFC 8489, RFC 8656, RFC 5780).

Whatever comes is first counted against its source, then read, then proved; only then does it change anything. Answers
to strangers are some hundred bytes longer than what was asked, at most, and limited in number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from random import Random

from ...wire.endpoint import Endpoint
from ...wire.errors import DecodeError
from ..bucket import TokenBucket
from ..stun.attributes import Attribute, ErrorCode, unknown_required
from ..stun.binding import BindingServer, refusal, success
from ..stun.message import MessageClass, Method, StunMessage, decode
from .allocations import Allocation, Allocations, FiveTuple, RelayPorts
from .authentication import Authenticator, Proof, Refusal
from .config import TurnConfig
from .credentials import Credentials
from .forwarding import Forwarding, Packet
from .nonces import Nonces
from .peer_policy import PeerPolicy
from .requests import Requests
from .source_rates import SourceRates

NONCE_KEY_BYTES = 32

SWEEP_S = 1.0
"""How often ended allocations are looked for; one that ended does nothing meanwhile."""

_SEND_INDICATION = bytes.fromhex("0016")
_CHANNEL_BITS, _CHANNEL = 0xC0, 0x40
"""ChannelData begins with these bits, STUN with none of them (RFC 8656, section 12.4)."""

_METHODS = frozenset((Method.ALLOCATE, Method.REFRESH, Method.CREATE_PERMISSION, Method.CHANNEL_BIND))
_CREDENTIALS = frozenset(
    (
        Attribute.USERNAME,
        Attribute.REALM,
        Attribute.NONCE,
        Attribute.MESSAGE_INTEGRITY,
        Attribute.MESSAGE_INTEGRITY_SHA256,
        Attribute.PASSWORD_ALGORITHM,
    )
)
_KNOWN = _CREDENTIALS | {
    Attribute.REQUESTED_TRANSPORT,
    Attribute.REQUESTED_ADDRESS_FAMILY,
    Attribute.EVEN_PORT,
    Attribute.RESERVATION_TOKEN,
    Attribute.LIFETIME,
    Attribute.XOR_PEER_ADDRESS,
    Attribute.CHANNEL_NUMBER,
}
"""Without DONT-FRAGMENT, which needs a switch for each packet that sockets do not have."""


class TurnServer:
    """Answer clients and carry their packets; the host owns the sockets, each named by the endpoint it is bound to."""

    def __init__(
        self,
        config: TurnConfig,
        credentials: Credentials,
        ports: RelayPorts,
        relay_hosts: Mapping[int, str],
        *,
        allowed_peers: Iterable[str] = (),
        others: tuple[Endpoint, Endpoint, Endpoint, Endpoint] | None = None,
        unix_now: Callable[[], float],
        entropy: Callable[[int], bytes],
        random: Random,
        now: float,
    ) -> None:
        """Take the address of each family that relayed transports have for others.

        `others` are the four endpoints of an RFC 5780 server. Raises ValueError for a bad network in `allowed_peers`.
        """
        policy = PeerPolicy(allowed_peers, lambda host: host in relay_hosts.values() or ports.is_own(host))
        self.dropped: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._allocations = Allocations(config, ports, relay_hosts)
        self._requests = Requests(config, self._allocations, policy, credentials.account, entropy)
        self._forwarding = Forwarding(config, self._allocations, policy, random, self.dropped, now)
        self._authenticator = Authenticator(
            config.realm, credentials, Nonces(entropy(NONCE_KEY_BYTES), config.nonce_s), unix_now
        )
        self._binding = BindingServer(others)
        self._sources = SourceRates(config.requests_per_s, config.requests_burst, config.sources_max)
        self._strangers = TokenBucket(config.strangers_per_s, config.strangers_per_s, now)
        self._sweep_at = now

    @property
    def allocations(self) -> int:
        """How many allocations stand."""
        return len(self._allocations)

    @property
    def carried_bytes(self) -> int:
        """How many bytes of payload were carried."""
        return self._forwarding.carried_bytes

    def has_allocation(self, client: Endpoint, server: Endpoint, now: float) -> bool:
        """Tell whether the client on a connection has proved itself and is being served."""
        return self._allocations.find(FiveTuple(client, server), now) is not None

    def receive(self, data: bytes, client: Endpoint, server: Endpoint, now: float) -> list[Packet]:
        """Take a message from a client to one of the listening sockets; returns what is to be sent. Never raises."""
        if data and data[0] & _CHANNEL_BITS == _CHANNEL:
            return self._forwarding.channel_data(data, FiveTuple(client, server), now)
        if data[:2] == _SEND_INDICATION:
            return self._forwarding.send_indication(data, FiveTuple(client, server), now)
        if not self._sources.take(client.host, now):
            return self._drop("over the rate of a source")
        try:
            message = decode(data)
        except DecodeError:
            return self._drop("malformed")
        if message.message_class is not MessageClass.REQUEST:
            return self._drop("no request")
        return self._answer(message, FiveTuple(client, server), now)

    def relayed_received(self, data: bytes, relayed: Endpoint, peer: Endpoint, now: float) -> list[Packet]:
        """Take a packet from a peer to the socket of a relayed transport; returns what is to be sent."""
        return self._forwarding.from_peer(data, relayed, peer, now)

    def client_gone(self, client: Endpoint, server: Endpoint, now: float) -> None:
        """End what belongs to a TCP connection that was closed."""
        allocation = self._allocations.find(FiveTuple(client, server), now)
        if allocation is not None:
            self._allocations.remove(allocation)

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due."""
        return None if self._allocations.is_empty else self._sweep_at

    def handle_timeout(self, now: float) -> None:
        """Let end what has come to its end."""
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP_S
            self._allocations.expire(now)

    def close(self) -> None:
        """End every allocation and give up the ports that are kept."""
        self._allocations.close()

    def _answer(self, request: StunMessage, five_tuple: FiveTuple, now: float) -> list[Packet]:
        allocation = self._allocations.find(five_tuple, now)
        if allocation is None and not self._strangers.take(1.0, now):
            return self._drop("over the rate of strangers")
        if request.method == Method.BINDING:
            return self._answer_binding(request, five_tuple)
        if request.method not in _METHODS:
            return self._drop("unknown method")
        client, server = five_tuple
        proof: Proof | None = None
        try:
            known = allocation.proof if allocation is not None else None
            proof = self._authenticator.check(request, client, known, now)
            response = self._act(request, five_tuple, proof, allocation, now)
        except (Refusal, DecodeError) as error:
            response = self._refuse(request, error, proof)
        return [Packet(response, server, client)]

    def _answer_binding(self, request: StunMessage, five_tuple: FiveTuple) -> list[Packet]:
        """Say where a client is seen; the tests of RFC 5780 are for datagrams."""
        client, server = five_tuple
        answer = self._binding.answer(request, client, server if client.is_datagram else None)
        if answer is None:
            return []
        if not client.is_datagram:
            return [Packet(answer.packet, server, client)]
        return [Packet(answer.packet, answer.origin or server, answer.destination)]

    def _act(
        self,
        request: StunMessage,
        five_tuple: FiveTuple,
        proof: Proof,
        allocation: Allocation | None,
        now: float,
    ) -> bytes:
        """Do what a proved request asks; returns the answer, raises Refusal and DecodeError."""
        unknown = unknown_required(request, _KNOWN)
        if unknown:
            raise Refusal(ErrorCode.UNKNOWN_ATTRIBUTE, unknown=unknown)
        if request.method == Method.ALLOCATE:
            return self._allocate(request, five_tuple, proof, allocation, now)
        if allocation is None:
            raise Refusal(ErrorCode.ALLOCATION_MISMATCH)
        if allocation.proof.username != proof.username:
            raise Refusal(ErrorCode.WRONG_CREDENTIALS)
        return success(request, self._requests.change(request, allocation, now), key=proof.key)

    def _allocate(
        self,
        request: StunMessage,
        five_tuple: FiveTuple,
        proof: Proof,
        allocation: Allocation | None,
        now: float,
    ) -> bytes:
        """Make an allocation; a request that comes again is answered again."""
        if allocation is not None:
            if allocation.transaction_id != request.transaction_id:
                raise Refusal(ErrorCode.ALLOCATION_MISMATCH)
            return allocation.response
        made, attributes = self._requests.allocate(request, five_tuple, proof, now)
        made.response = success(request, attributes, key=proof.key)
        return made.response

    def _refuse(self, request: StunMessage, error: Refusal | DecodeError, proof: Proof | None) -> bytes:
        refused = error if isinstance(error, Refusal) else Refusal(ErrorCode.BAD_REQUEST)
        self.refused[f"{request.method:#x}: {int(refused.code)}"] += 1
        key = proof.key if proof is not None else None
        return refusal(request, refused.code, refused.unknown, more=refused.more, key=key)

    def _drop(self, reason: str) -> list[Packet]:
        self.dropped[f"turn: {reason}"] += 1
        return []
