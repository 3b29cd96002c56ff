"""Limits of a session."""

from __future__ import annotations

from dataclasses import dataclass

from .cipher import SEAL_BYTES
from .endpoint import RELAY, Endpoint
from .errors import ConfigError
from .frames import LANE_CREDIT_BYTES, RELAYED_PACKET_BYTES_MAX, RPC_BYTES_MAX, RPC_HEAD
from .packet import DATAGRAM_BYTES, STREAM_PACKET_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class AckPolicy:
    """What may pass before an acknowledgement."""

    packets: int
    """Packets after which one goes at once. Raising it makes the sender hold more and learn of losses later."""

    size_bytes: int
    """The same in bytes."""

    delay_s: float
    """How long it may wait for company. Raising it delays repairs, lowering it makes packets of nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConfig:
    """Bound what one session holds and how it behaves."""

    datagram_bytes: int = DATAGRAM_BYTES
    """Largest UDP packet. Larger ones cost less per byte and are lost where the path's MTU is smaller."""

    stream_packet_bytes: int = STREAM_PACKET_BYTES
    """Largest packet on TCP. Larger ones hold more memory and delay what waits behind them."""

    message_bytes_max: int = 64 * 1024 * 1024
    """Largest message; a peer can make this side hold so much per lane."""

    bulk_bytes: int = 64 * 1024
    """Messages over this size take the bulk lane, where small ones do not wait behind them."""

    send_buffer_bytes_max: int = 128 * 1024 * 1024
    """Bytes queued to send and not acknowledged, beyond which a message is refused. Raising it costs memory."""

    drained_bytes: int = 1024 * 1024
    """A sender that waits for room goes on when so little is queued. Raising it costs memory, lowering it stalls."""

    window_bytes: int = 4 * 1024 * 1024
    """Bytes of a lane the other side may have under way. Must cover bandwidth times delay (4 MiB: 400 Mbit/s at 80 ms);
    raising it costs that much memory per lane when the peer sends with gaps."""

    congestion_window_bytes_max: int = 4 * 1024 * 1024
    """Bytes of datagrams under way. Raising it helps long fat paths and overruns small socket buffers."""

    burst_packets_max: int = 64
    """Datagrams in one go; the acknowledgements of some let the next go. More overruns the receiver's buffer."""

    datagram_acks: AckPolicy = AckPolicy(packets=2, size_bytes=2**62, delay_s=0.02)
    """On UDP, as RFC 9000, sections 13.2.1 and 13.2.2 (25 ms there). Both sides must agree on the delay, roughly."""

    stream_acks: AckPolicy = AckPolicy(packets=64, size_bytes=256 * 1024, delay_s=0.1)
    """On TCP, where acknowledgements only trim the list of what to repeat if the connection dies."""

    rpcs_max: int = 256
    """Requests and answers waiting to leave; the oldest is dropped beyond it, they are unreliable anyway."""

    def packet_bytes_on(self, path: Endpoint) -> int:
        """Return the size of the largest packet on a path; through a relay it rides in another session's datagram."""
        if path.transport == RELAY:
            return self.relayed_packet_bytes
        return self.datagram_bytes if path.is_datagram else self.stream_packet_bytes

    @property
    def lone_rpc_bytes(self) -> int:
        """The longest request or answer that fits a datagram of this session."""
        return min(RPC_BYTES_MAX, self.datagram_bytes - SEAL_BYTES - RPC_HEAD.size)

    @property
    def relayed_packet_bytes(self) -> int:
        """The size of the largest packet of another session that fits a datagram of this one."""
        return self.datagram_bytes - DATAGRAM_BYTES + RELAYED_PACKET_BYTES_MAX

    def __post_init__(self) -> None:
        """Check the values; raises ConfigError."""
        if not 256 <= self.datagram_bytes <= 65_000:
            raise ConfigError("session.datagram_bytes", "must be 256 to 65000")
        if not 1200 <= self.stream_packet_bytes <= STREAM_PACKET_BYTES:
            raise ConfigError("session.stream_packet_bytes", f"must be 1200 to {STREAM_PACKET_BYTES}")
        if self.window_bytes < LANE_CREDIT_BYTES:
            raise ConfigError("session.window_bytes", f"must be at least {LANE_CREDIT_BYTES}")
        for name in ("message_bytes_max", "send_buffer_bytes_max", "burst_packets_max", "rpcs_max"):
            if getattr(self, name) < 1:
                raise ConfigError(f"session.{name}", "must be at least 1")
