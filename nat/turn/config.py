"""What a TURN server gives to its users."""

from __future__ import annotations

from dataclasses import dataclass

from ...wire.errors import ConfigError

REALM_BYTES_MAX = 64
"""Realms stand in every answer to strangers, who may have lied about where it goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnConfig:
    """Bound what a TURN server does; times are seconds."""

    realm: str = "mesh99"
    """Told to clients, and part of every key. A longer one makes the answers to strangers longer."""

    allocation_s: int = 600
    """How long an allocation lives when its client does not ask for more (RFC 8656, section 7.2)."""

    allocation_s_max: int = 3600
    """The longest life a client can ask for. Raising it keeps the places of clients that vanished."""

    permission_s: int = 300
    """How long a peer may send to a client that named it (RFC 8656, section 9)."""

    channel_s: int = 600
    """How long a channel stands (RFC 8656, section 12)."""

    reservation_s: int = 30
    """How long the port next to an even one is kept (RFC 8656, section 7.2)."""

    nonce_s: int = 600
    """How long a nonce counts. Raising it lets a recorded request be played again for longer, from its source."""

    allocations_max: int = 1024
    """Allocations at once. Raising it costs a socket or two and about 2 KiB each."""

    allocations_per_user_max: int = 128
    """Allocations of one user name. Raising it lets one user take all; a name may be many people's."""

    reservations_max: int = 64
    """Ports kept for later, a socket each."""

    permissions_max: int = 128
    """Permissions of one allocation. Raising it costs about 200 bytes each."""

    channels_max: int = 128
    """Channels of one allocation. Raising it costs about 500 bytes each."""

    bytes_per_s: float = 1_250_000.0
    """What one allocation may carry, both ways together: 10 Mbit/s, a good video call; 0 for no limit."""

    burst_bytes: float = 65_536.0
    """The same at once. Raising it delays other allocations."""

    bytes_per_s_in_all: float = 0.0
    """What all allocations may carry together, 0 for no limit. Raising it costs the operator's traffic."""

    requests_per_s: float = 100.0
    """Requests of one source (IPv4 address, IPv6 /64) that are looked at. Raising it costs 20 to 40 us of CPU each."""

    requests_burst: float = 400.0
    """The same at once: about forty clients behind one address that start together."""

    sources_max: int = 4096
    """Sources whose rate is remembered, about 300 bytes each; beyond it the one silent for longest is forgotten."""

    strangers_per_s: float = 2000.0
    """Answers per second to all who proved nothing, so that no flood of false sources takes the whole machine."""

    streams_max: int = 1024
    """TCP connections of clients. Raising it costs about 4 KiB and a file descriptor each."""

    streams_per_host_max: int = 128
    """The same of one address. Raising it lets one host take all."""

    stranger_s: float = 30.0
    """How long a TCP connection may stand without an allocation. Raising it keeps places for those who do nothing."""

    stream_queue_bytes_max: int = 262_144
    """Bytes waiting on a TCP connection before packets are lost. Raising it costs that much memory, and delay."""

    def __post_init__(self) -> None:
        if not 0 < len(self.realm.encode()) <= REALM_BYTES_MAX:
            hint = f"take a name of 1 to {REALM_BYTES_MAX} bytes, such as your domain"
            raise ConfigError("realm", f"{self.realm[:20]!r} is empty or too long", hint)
