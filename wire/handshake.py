"""Make a session: Noise IK when the peer's key is known, XX otherwise, with an encrypted request in the first packet.

    caller                                    answering side
    Initiation.packet(early)   INITIAL  -->   Acceptance.receive
    Initiation.receive        <--  REPLY      Acceptance.reply(early)
    (XX only) final_packet      FINAL   -->   Acceptance.receive_final

The prologue binds protocol version and network id, so that sides that differ in either cannot agree; a REJECT packet
says which it was, as a hint only (it names the caller's random 64-bit id, nothing more proves it). Connection ids are
repeated inside the encrypted payloads. The first packet is padded and no answer is longer than it.

Whoever sees a first packet can send it again: only requests that change nothing may ride in it, and messages that do no
harm when they come twice. A packet that does not open leaves a handshake as it was, so a forged one cannot end it.
"""

from __future__ import annotations

from collections.abc import Callable

from .endpoint import Endpoint
from .errors import ConfigError, DecodeError, HandshakeFailed, PayloadTooLarge
from .established import Established, established_from
from .handshake_packets import (
    ID_HEAD,
    IK,
    INITIAL_HEAD,
    PACKET_BYTES_MAX,
    PATTERNS,
    REASONS,
    REPLY_HEAD,
    REPLY_OVERHEAD_BYTES,
    SEALED_KEY_BYTES,
    XX,
    Initial,
    Rejected,
    protocol_of,
    split_initial,
)
from .handshake_payload import BOXED, EPHEMERAL, MESSAGE, ONCE, PROVE, Payload
from .handshake_settings import HandshakeSettings
from .identity import Identity, PublicKey
from .noise import KEY_BYTES, TAG_BYTES, HandshakeState, KeyPair
from .packet import COOKIE, COOKIE_BYTES, DATAGRAM_BYTES, FINAL, INITIAL, REJECT, REPLY
from .reset import reset_packet, reset_token

__all__ = ["Acceptance", "Established", "HandshakeSettings", "Initiation", "Rejected", "reset_packet"]

COOKIES_MAX = 3
"""Cookies one call follows: each makes it send a first packet at once, and nothing proves who sent the cookie."""


class Initiation:
    """The calling side of one handshake."""

    __slots__ = (
        "_cookies",
        "_flags",
        "_identity",
        "_local_id",
        "_message",
        "_next_port",
        "_remote_key",
        "_settings",
        "_state",
        "once",
    )

    def __init__(
        self,
        identity: Identity,
        remote_key: PublicKey | None,
        settings: HandshakeSettings,
        entropy: Callable[[int], bytes],
        local_id: int,
        *,
        once: bool = False,
        message: bool = False,
        next_port: int = 0,
    ) -> None:
        """Prepare to call, for an answer only if `once`; raises ConfigError for a key that is no point of the curve.

        `message`: what rides in the first packet is for the agent.
        """
        self.once = once
        self._flags = ONCE * once | MESSAGE * message
        self._next_port = next_port
        self._identity = identity
        self._remote_key = remote_key
        self._settings = settings
        self._local_id = local_id
        self._message = b""
        self._cookies = 0
        self._state = identity.crypto.handshake_of(HandshakeState)(
            XX if remote_key is None else IK,
            initiator=True,
            prologue=settings.prologue,
            crypto=identity.crypto,
            ephemeral_private=entropy(KEY_BYTES),
            static=KeyPair(identity.exchange_private, identity.exchange_public),
            remote_static=None if remote_key is None else _static_of(identity, remote_key),
        )

    def packet(self, early: bytes = b"", cookie: bytes = b"", size: int = DATAGRAM_BYTES) -> bytes:
        """Return the INITIAL packet, of `size` bytes with a cookie; raises PayloadTooLarge.

        The first call decides on the early bytes and the size: a second Noise message of other content under the same
        ephemeral key would use a nonce twice.
        """
        settings = self._settings
        pattern = PATTERNS.index(XX if self._remote_key is None else IK)
        head = INITIAL_HEAD.pack(
            INITIAL, settings.version, settings.tag, self._local_id, pattern, len(cookie)
        )
        if not self._message:
            self._message = self._first_message(early, size - len(head) - COOKIE_BYTES)
        return head + cookie + self._message

    def receive(self, packet: bytes) -> Established | bytes | None:
        """Take in the answer: a session, a cookie to come again with, or None when it makes no sense.

        Raises HandshakeFailed when the peer says no or is not who it should be.
        """
        if len(packet) <= ID_HEAD.size or len(packet) > PACKET_BYTES_MAX:
            return None
        kind, local_id = ID_HEAD.unpack_from(packet)
        if local_id != self._local_id or not self._message or self._state.finished:
            return None
        if kind == COOKIE:
            return self._receive_cookie(packet)
        if kind == REJECT and len(packet) == ID_HEAD.size + 1 and packet[-1] in REASONS:
            raise HandshakeFailed(self._peer_name, REASONS[packet[-1]])
        return self._receive_reply(packet) if kind == REPLY and len(packet) > REPLY_HEAD.size else None

    @property
    def _peer_name(self) -> str:
        return "the peer" if self._remote_key is None else self._remote_key.node_id.short

    def _first_message(self, early: bytes, size: int) -> bytes:
        if self._remote_key is None:
            return self._state.write_message(bytes(size - KEY_BYTES))
        words = (self._local_id, None, early, self._flags, self._next_port)
        payload = _payload(self._identity, self._settings, *words).encode()
        room = size - KEY_BYTES - SEALED_KEY_BYTES - TAG_BYTES
        if len(payload) > room:
            raise PayloadTooLarge("request in a first packet", len(early), len(early) - len(payload) + room)
        return self._state.write_message(payload.ljust(room, b"\x00"))

    def _receive_cookie(self, packet: bytes) -> bytes | None:
        if len(packet) != ID_HEAD.size + COOKIE_BYTES or self._cookies >= COOKIES_MAX:
            return None
        self._cookies += 1
        return packet[ID_HEAD.size :]

    def _receive_reply(self, packet: bytes) -> Established | None:
        _, _, remote_id = REPLY_HEAD.unpack_from(packet)
        state = self._state.copy()
        try:
            payload = Payload.decode(state.read_message(packet[REPLY_HEAD.size :]))
        except DecodeError:
            return None
        if payload.connection_id != remote_id:
            return None
        self._check_peer(payload.signing_key, state.remote_static)
        self._state = state
        final = b""
        if not state.finished:
            own = _payload(self._identity, self._settings, self._local_id, None, b"")
            final = ID_HEAD.pack(FINAL, remote_id) + state.write_message(own.encode())
        return established_from(state, self._settings.ciphers, payload, self._local_id, final, initiator=True)

    def _check_peer(self, signing_key: PublicKey, static: bytes | None) -> None:
        if signing_key == self._identity.public_key:
            raise HandshakeFailed(self._peer_name, "key")
        expected = signing_key if self._remote_key is None else self._remote_key
        if signing_key != expected or not _belongs(self._identity, signing_key, static):
            raise HandshakeFailed(self._peer_name, "identity")


class Acceptance:
    """The answering side of one handshake."""

    __slots__ = (
        "_identity",
        "_local_id",
        "_remote_id",
        "_remote_payload",
        "_reply",
        "_settings",
        "_state",
        "early",
        "early_size_max",
        "established",
        "remote_key",
    )

    def __init__(
        self,
        identity: Identity,
        settings: HandshakeSettings,
        state: HandshakeState,
        local_id: int,
        remote_id: int,
    ) -> None:
        """Begin with what `receive` has found."""
        self._identity = identity
        self._settings = settings
        self._state = state
        self._local_id = local_id
        self._remote_id = remote_id
        self._remote_payload: Payload | None = None
        self._reply = b""
        self.early = b""
        """The request in the first packet; it may be a replay."""
        self.early_size_max = 0
        """Longest answer that may ride in the reply: the reply is never longer than the first packet."""
        self.remote_key: PublicKey | None = None
        """Who calls; for XX known only after the third packet."""
        self.established: Established | None = None

    @classmethod
    def receive(
        cls,
        packet: bytes,
        identity: Identity,
        settings: HandshakeSettings,
        entropy: Callable[[int], bytes],
        local_id: int,
        initial: Initial | None = None,
    ) -> Acceptance:
        """Take in a first packet; raises DecodeError (drop it) or Rejected (send back its packet)."""
        version, tag, source_id, pattern, _, message = initial or split_initial(packet)
        if version != settings.version:
            raise Rejected("version", source_id)
        if tag != settings.tag:
            raise Rejected("network", source_id)
        protocol = protocol_of(pattern, len(packet))
        state = identity.crypto.handshake_of(HandshakeState)(
            protocol,
            initiator=False,
            prologue=settings.prologue,
            crypto=identity.crypto,
            ephemeral_private=entropy(KEY_BYTES),
            static=KeyPair(identity.exchange_private, identity.exchange_public),
        )
        acceptance = cls(identity, settings, state, local_id, source_id)
        if protocol == IK:
            acceptance._read_caller(message)
            acceptance.early_size_max = len(packet) - REPLY_OVERHEAD_BYTES[IK]
        else:
            state.read_message(message)
        return acceptance

    @property
    def once(self) -> bool:
        """Whether the caller wants an answer and no session."""
        return self._remote_payload is not None and bool(self._remote_payload.flags & ONCE)

    @property
    def brings_message(self) -> bool:
        """Whether what rides in the first packet is for the agent."""
        return self._remote_payload is not None and bool(self._remote_payload.flags & MESSAGE)

    @property
    def ephemeral(self) -> bool:
        """Whether the caller asks not to be listed."""
        return self._remote_payload is not None and bool(self._remote_payload.flags & EPHEMERAL)

    @property
    def boxed(self) -> bool:
        """Whether strangers may not reach the caller, for as far as it is known."""
        return self._remote_payload is not None and bool(self._remote_payload.flags & BOXED)

    def reply(
        self,
        early: bytes = b"",
        observed: Endpoint | None = None,
        *,
        prove: bool = False,
        taken: bool = False,
        next_port: int = 0,
    ) -> bytes:
        """Return the REPLY packet, the same at each call; for IK, `established` is set then. Raises PayloadTooLarge."""
        if not self._reply:
            if len(early) > self.early_size_max:
                raise PayloadTooLarge("answer in a reply", len(early), self.early_size_max)
            flags = PROVE * prove | MESSAGE * taken
            words = (self._local_id, observed, early, flags, next_port)
            own = _payload(self._identity, self._settings, *words)
            head = REPLY_HEAD.pack(REPLY, self._remote_id, self._local_id)
            self._reply = head + self._state.write_message(own.encode())
            if self._state.finished:
                self._finish()
        return self._reply

    def receive_final(self, packet: bytes) -> Established:
        """Take in the caller's third packet of XX; raises DecodeError."""
        if not self._reply or self._state.finished:
            raise DecodeError("final packet", "not expected")
        if len(packet) > PACKET_BYTES_MAX or packet[: ID_HEAD.size] != ID_HEAD.pack(FINAL, self._local_id):
            raise DecodeError("final packet", "wrong header")
        state = self._state.copy()
        self._accept_caller(Payload.decode(state.read_message(packet[ID_HEAD.size :])), state)
        self._state = state
        return self._finish()

    def _read_caller(self, message: bytes) -> None:
        try:
            data = self._state.read_message(message)
        except DecodeError:
            raise Rejected("key", self._remote_id) from None
        self._accept_caller(Payload.decode(data), self._state)

    def _accept_caller(self, payload: Payload, state: HandshakeState) -> None:
        if payload.connection_id != self._remote_id:
            raise DecodeError("handshake", "header and payload differ")
        if payload.signing_key == self._identity.public_key:
            raise DecodeError("handshake", "own key")
        if not _belongs(self._identity, payload.signing_key, state.remote_static):
            raise DecodeError("handshake", "signing key and session key do not match")
        self._remote_payload = payload
        self.remote_key = payload.signing_key
        self.early = payload.early

    def _finish(self) -> Established:
        assert self._remote_payload is not None, "the caller has said who it is"
        self.established = established_from(
            self._state, self._settings.ciphers, self._remote_payload, self._local_id, b"", initiator=False
        )
        return self.established


def _payload(
    identity: Identity,
    settings: HandshakeSettings,
    local_id: int,
    observed: Endpoint | None,
    early: bytes,
    flags: int = 0,
    next_port: int = 0,
) -> Payload:
    return Payload(
        signing_key=identity.public_key,
        connection_id=local_id,
        ciphers=settings.ciphers,
        reset_token=reset_token(identity, local_id),
        tcp_port=settings.tcp_port,
        observed=observed,
        early=early,
        flags=flags | settings.flags,
        next_port=next_port,
    )


def _static_of(identity: Identity, remote_key: PublicKey) -> bytes:
    try:
        return identity.crypto.exchange_public_from_signing(remote_key)
    except ValueError:
        raise ConfigError("peer", "its public key is no point of the curve") from None


def _belongs(identity: Identity, signing_key: PublicKey, static: bytes | None) -> bool:
    try:
        return identity.crypto.exchange_public_from_signing(signing_key) == static
    except ValueError:
        return False
