"""TurnClient: one allocation on somebody's TURN server, for operators who run coturn (RFC 8656).

The owner carries packets between it and a socket, and says which peers are wanted. What has a life is renewed in time:
the allocation, and permissions and channels that something went through since the last time. Answers count only with a
proof that they come from somebody who knows the password.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from ...wire.endpoint import Endpoint
from ...wire.errors import DecodeError
from ..stun.attributes import (
    Attribute,
    ErrorCode,
    decode_error,
    decode_number,
    decode_xor_address,
    encode_xor_address,
)
from ..stun.message import TRANSACTION_ID_BYTES, MessageClass, Method, StunMessage, decode, encode
from ..stun.transactions import TransactionConfig, Transactions
from .client_credentials import ClientCredentials
from .stream import CHANNEL_HEADER_BYTES, padded

Attributes: TypeAlias = list[tuple[int, bytes]]
Done: TypeAlias = Callable[[bool, float], None]

CHANNEL_MIN, CHANNEL_MAX = 0x4000, 0x4FFF
UDP_TRANSPORT = bytes((17, 0, 0, 0))
_CHANNEL_BITS, _CHANNEL = 0xC0, 0x40


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnClientConfig:
    """Say how a client of a TURN server behaves; times are seconds."""

    permission_renewal_s: float = 240.0
    """Permissions live 300 s. Raising it towards that loses packets when a renewal is lost."""

    channel_renewal_s: float = 240.0
    """Channels live 600 s, but strict servers let a peer pass only 300 s after the last renewal."""

    allocation_renewal_share: float = 0.5
    """The part of an allocation's life after which it is renewed."""

    challenges_max: int = 3
    """How often in a row a request is made again with a new nonce. Raising it lets a bad server keep us busy."""

    peers_max: int = 128
    """Peers with a permission or channel. Raising it costs a renewal each, every four minutes."""


@dataclass(slots=True)
class _Peer:
    number: int | None
    """Its channel, None for a permission only."""
    renew_at: float
    stands: bool = False
    used: bool = True
    """Something went through it since it was renewed."""


class TurnClient:
    """Hold an allocation; `on_data` is told a payload, its peer and the time."""

    def __init__(
        self,
        server: Endpoint,
        credentials: ClientCredentials,
        random: Random,
        on_data: Callable[[bytes, Endpoint, float], None],
        config: TurnClientConfig | None = None,
        transactions: TransactionConfig | None = None,
    ) -> None:
        self._server = server
        self._credentials = credentials
        self._random = random
        self._on_data = on_data
        self._config = config or TurnClientConfig()
        self._transactions = Transactions(transactions or TransactionConfig())
        self._peers: dict[Endpoint, _Peer] = {}
        self._peer_of: dict[int, Endpoint] = {}
        self._renew_at: float | None = None
        self.relayed: Endpoint | None = None
        """Where peers reach us, None while there is no allocation."""
        self.mapped: Endpoint | None = None
        """Where the server sees us."""
        self.error: tuple[int, str] | None = None
        """The latest refusal of the server: code and reason."""

    def take_packets(self) -> list[bytes]:
        """Return what is to be sent to the server."""
        packets = [packet for packet, _ in self._transactions.packets]
        self._transactions.packets.clear()
        return packets

    def allocate(self, now: float, done: Done) -> None:
        """Ask for a relayed transport; `done` is told whether there is one."""

        def answered(response: StunMessage | None, now: float) -> None:
            done(self._allocated(response, now), now)

        self._ask(Method.ALLOCATE, [(Attribute.REQUESTED_TRANSPORT, UDP_TRANSPORT)], None, now, answered)

    def permit(self, peer: Endpoint, now: float, done: Done) -> None:
        """Let a host's packets pass, for as long as the allocation stands."""
        self._want(peer._replace(port=0), None, now, done)

    def bind(self, peer: Endpoint, now: float, done: Done) -> None:
        """Give a peer a channel, which costs four bytes a packet instead of thirty-six."""
        self._want(peer, CHANNEL_MIN + len(self._peer_of), now, done)

    def passes(self, peer: Endpoint) -> bool:
        """Tell whether a permission or a channel for a peer stands or was asked for."""
        return peer._replace(port=0) in self._peers or self._channel(peer) is not None

    def has_channel(self, peer: Endpoint) -> bool:
        """Tell whether a peer's channel stands."""
        return self._channel(peer) is not None

    def send(self, payload: bytes, peer: Endpoint) -> bytes:
        """Return the message that carries a payload to a peer."""
        known = self._channel(peer)
        if known is not None and known.number is not None:
            known.used = True
            message = (known.number << 16 | len(payload)).to_bytes(4, "big") + payload
            return message if self._server.is_datagram else padded(message)
        permitted = self._peers.get(peer._replace(port=0))
        if permitted is not None:
            permitted.used = True
        transaction_id = self._random.randbytes(TRANSACTION_ID_BYTES)
        attributes = (
            (int(Attribute.XOR_PEER_ADDRESS), encode_xor_address(peer, transaction_id)),
            (int(Attribute.DATA), payload),
        )
        indication = StunMessage(Method.SEND, MessageClass.INDICATION, transaction_id, attributes)
        return encode(indication, fingerprint=False)

    def receive(self, data: bytes, source: Endpoint, now: float) -> bool:
        """Take a packet; false when it is none of the server's. Never raises."""
        if source != self._server or not data:
            return False
        if data[0] & _CHANNEL_BITS == _CHANNEL:
            return self._receive_channel_data(data, now)
        try:
            message = decode(data)
            if (message.method, message.message_class) == (Method.DATA, MessageClass.INDICATION):
                return self._receive_indication(message, now)
        except DecodeError:
            return False
        return self._transactions.receive(message, source, now)

    def close(self, now: float, done: Done) -> None:
        """Give the allocation back."""
        self._forget()
        life = (Attribute.LIFETIME, bytes(4))
        self._ask(Method.REFRESH, [life], None, now, lambda response, now: done(response is not None, now))

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due."""
        times = [self._transactions.next_timeout(), self._renew_at]
        times += [each.renew_at for each in self._peers.values() if each.stands]
        return min((each for each in times if each is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        """Ask again, and renew what is due."""
        self._transactions.handle_timeout(now)
        if self._renew_at is not None and now >= self._renew_at:
            self._renew_at = None
            self._ask(Method.REFRESH, [], None, now, self._refreshed)
        for peer, wanted in list(self._peers.items()):
            if wanted.stands and now >= wanted.renew_at:
                self._renew_or_forget(peer, wanted, now)

    def _channel(self, peer: Endpoint) -> _Peer | None:
        known = self._peers.get(peer)
        return known if known is not None and known.number is not None and known.stands else None

    def _renew_or_forget(self, peer: Endpoint, wanted: _Peer, now: float) -> None:
        if wanted.used:
            self._renew(peer, wanted, now, lambda stands, now: None)
        elif wanted.number is None:
            del self._peers[peer]
        else:
            # Its number stays its own: a server does not let another peer have it for a while.
            wanted.stands = False

    def _want(self, peer: Endpoint, number: int | None, now: float, done: Done) -> None:
        known = self._peers.get(peer)
        full = known is None and len(self._peers) >= self._config.peers_max
        if self.relayed is None or full or (number or 0) > CHANNEL_MAX:
            done(False, now)
            return
        if known is None:
            known = self._peers[peer] = _Peer(number, now)
            if number is not None:
                self._peer_of[number] = peer
        self._renew(peer, known, now, done)

    def _renew(self, peer: Endpoint, wanted: _Peer, now: float, done: Done) -> None:
        config, channel = self._config, wanted.number is not None
        wanted.renew_at = now + (config.channel_renewal_s if channel else config.permission_renewal_s)
        wanted.used = False

        def answered(response: StunMessage | None, now: float) -> None:
            wanted.stands = response is not None
            if not wanted.stands and self._peers.get(peer) is wanted and not channel:
                del self._peers[peer]
            done(wanted.stands, now)

        number = [] if wanted.number is None else [_channel_number(wanted.number)]
        self._ask(Method.CHANNEL_BIND if channel else Method.CREATE_PERMISSION, number, peer, now, answered)

    def _ask(
        self,
        method: Method,
        attributes: Attributes,
        peer: Endpoint | None,
        now: float,
        answered: Callable[[StunMessage | None, float], None],
        challenges: int = 0,
    ) -> None:
        """Make a request until it succeeds, as far as a nonce may help; `answered` is told a proved success or None."""

        def received(response: StunMessage | None, now: float) -> None:
            if challenges < self._config.challenges_max and self._is_challenge(response):
                self._ask(method, attributes, peer, now, answered, challenges + 1)
            else:
                answered(self._proved_success(response), now)

        transaction_id = self._random.randbytes(TRANSACTION_ID_BYTES)
        masked = [] if peer is None else [_peer_address(peer, transaction_id)]
        packet = self._credentials.request(method, transaction_id, [*attributes, *masked])
        self._transactions.ask(packet, self._server, now, received)

    def _is_challenge(self, response: StunMessage | None) -> bool:
        """Tell whether a request should be made again, now with what the response says."""
        if response is None or response.message_class is not MessageClass.ERROR:
            return False
        try:
            code, reason = decode_error(response.find(Attribute.ERROR_CODE) or b"")
        except DecodeError:
            return False
        self.error = code, reason
        return code in (ErrorCode.UNAUTHENTICATED, ErrorCode.STALE_NONCE) and self._credentials.learn(
            response, stale=code == ErrorCode.STALE_NONCE
        )

    def _proved_success(self, response: StunMessage | None) -> StunMessage | None:
        if response is None or response.message_class is not MessageClass.SUCCESS:
            return None
        return response if self._credentials.proves(response) else None

    def _allocated(self, response: StunMessage | None, now: float) -> bool:
        if response is None:
            return False
        try:
            relayed = response.find(Attribute.XOR_RELAYED_ADDRESS) or b""
            mapped = response.find(Attribute.XOR_MAPPED_ADDRESS) or b""
            self.relayed = decode_xor_address(relayed, response.transaction_id)
            self.mapped = decode_xor_address(mapped, response.transaction_id)
            self._lives(response, now)
        except DecodeError:
            self.relayed = None
            return False
        return True

    def _refreshed(self, response: StunMessage | None, now: float) -> None:
        try:
            if response is not None:
                self._lives(response, now)
                return
        except DecodeError:
            self.error = None
        self._forget()

    def _forget(self) -> None:
        """Have no allocation any more."""
        self._renew_at, self.relayed = None, None
        self._peers.clear()
        self._peer_of.clear()

    def _lives(self, response: StunMessage, now: float) -> None:
        life_s = decode_number(response.find(Attribute.LIFETIME) or b"", 4)
        self._renew_at = now + life_s * self._config.allocation_renewal_share

    def _receive_channel_data(self, data: bytes, now: float) -> bool:
        end = CHANNEL_HEADER_BYTES + int.from_bytes(data[2:4], "big")
        peer = self._peer_of.get(int.from_bytes(data[:2], "big"))
        if peer is None or len(data) < end:
            return False
        self._peers[peer].used = True
        self._on_data(data[CHANNEL_HEADER_BYTES:end], peer, now)
        return True

    def _receive_indication(self, message: StunMessage, now: float) -> bool:
        masked, payload = message.find(Attribute.XOR_PEER_ADDRESS), message.find(Attribute.DATA)
        if masked is None or payload is None:
            return False
        self._on_data(payload, decode_xor_address(masked, message.transaction_id), now)
        return True


def _channel_number(number: int) -> tuple[int, bytes]:
    return int(Attribute.CHANNEL_NUMBER), number.to_bytes(2, "big") + bytes(2)


def _peer_address(peer: Endpoint, transaction_id: bytes) -> tuple[int, bytes]:
    return int(Attribute.XOR_PEER_ADDRESS), encode_xor_address(peer, transaction_id)
