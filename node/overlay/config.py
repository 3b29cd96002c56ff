"""Limits and periods of the Overlay; each says what raising it costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...dht.config import DhtConfig
from ...nat.dialback import DialBackConfig
from ...nat.paths import PathsConfig
from ...nat.punch import PunchConfig
from ...nat.relay.config import RelayConfig
from ...nat.relay.reservations import ReservationConfig
from ...nat.search import SearchConfig
from ...wire.errors import ConfigError
from ...wire.handshake_settings import HandshakeSettings
from ...wire.session_config import SessionConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlayConfig:
    """Configure the network side of one node."""

    network: str = "mesh99"
    """Name of the network; nodes of different networks never make a session. Part of the handshake's prologue."""

    aes: bool | None = None
    """Offer AES-256-GCM; None: when this processor has AES instructions. Sessions use it when both sides offer it."""

    lines_max: int = 1024
    """Sessions held at once, about 4 KiB each; the one idle longest is closed to make room."""

    dials_max: int = 256
    """Outgoing handshakes under way at once, about 2 KiB each; further ones fail at once."""

    dial_retries_s: tuple[float, ...] = (0.25, 0.75, 1.75)
    """When an unanswered first packet is sent again, seconds after the first; STUN's 500 ms is slow for a lookup."""

    dial_timeout_s: float = 3.0
    """When a dial is given up. Raising it makes dead peers cost more before another is tried."""

    half_open_max: int = 1024
    """Incoming handshakes waiting for their first data packet, about 4 KiB each; the oldest is dropped."""

    half_open_s: float = 10.0
    """How long an incoming handshake may stay unconfirmed; WireGuard's keepalive period."""

    cookie_half_open: int = 128
    """Half-open handshakes from which on a first packet needs a cookie (WireGuard: 1/8 of its queue of 1024)."""

    handshakes_per_s: float = 400.0
    """Incoming handshakes per second before cookies are asked for; each costs about 0.4 ms of CPU."""

    keepalive_s: float = 10.0
    """Silence on a session that carried messages lately before it is probed. Lower finds dead peers sooner and costs
    one 60-byte exchange each."""

    quiet_keepalive_s: float = 25.0
    """The same for a session that carried none for `lively_s`, or requests of the DHT only: NAT mappings live 30 s, and
    there are many such sessions. Raising it saves upkeep and keeps dead peers listed longer."""

    lively_s: float = 30.0
    """How long after a message a session counts as one that carries them. Raising it costs 14 B/s for so long."""

    reserved_keepalive_s: float = 25.0
    """The longest of both for a session with a relay through which this node is reached: its box must not forget it.
    Raising it saves 5 B/s at most, and loses calls behind boxes that forget after 30 s."""

    suspect_s: float = 2.0
    """Silence after something was sent that asks for an answer, before the peer is probed. Lower probes slow peers."""

    probe_interval_s: float = 1.0
    """Time between two probes of a silent peer."""

    probes_max: int = 3
    """Unanswered probes after which a peer is dead: found after keepalive_s + probes_max * probe_interval_s."""

    idle_s: float = 300.0
    """A session that carried neither messages nor requests for so long is closed; the contact stays known."""

    quiet_idle_s: float = 300.0
    """The same for a session that has carried requests of the DHT only; both sides let go of it without a word. Raising
    it saves handshakes with peers that are asked again, and costs 3 KiB and a probe every quiet_keepalive_s each. The
    end of any idle session may be put off to as long again, so that many end at once."""

    ask_once: bool = False
    """Ask for the DHT without making a session, where there is none: two packets and nothing to keep, instead of three
    and a session that may be used again. For networks so large that few peers are asked twice."""

    awake_max: int = 256
    """Sessions whose ciphers are at hand, 5 KiB each; those of the others are made again in 5 us when they talk."""

    awake_quiet_max: int = 36
    """The same for sessions of the DHT only, of which a node has dozens: of fifty that are used alike, a quarter has to
    be made again. With more, a node of 200 takes over half a MiB."""

    tcp_upgrade_bytes: int = 256 * 1024
    """Queued bytes from which on a session moves to TCP when the peer listens there; lower opens more connections."""

    stream_retry_s: float = 30.0
    """How long a peer's TCP port is left alone after it could not be reached."""

    prefer_tcp: bool = False
    """Move every session to TCP as soon as it stands; for networks that starve UDP, and for benchmarks."""

    allow_tcp: bool = True
    """Whether sessions may move to TCP at all."""

    tcp_after_s: float = 0.6
    """How long UDP may give nothing at all to a node that calls, before it calls over TCP, too. Raising it makes nodes
    in networks that block UDP start later; lowering it opens connections where somebody is slow."""

    udp_trusted_s: float = 15.0
    """How long one answer over UDP proves that UDP passes. Raising it finds later that the network is another one."""

    relay: RelayConfig = field(default_factory=RelayConfig)
    reservations: ReservationConfig = field(default_factory=ReservationConfig)
    punch: PunchConfig = field(default_factory=PunchConfig)
    search: SearchConfig = field(default_factory=SearchConfig)
    paths: PathsConfig = field(default_factory=PathsConfig)

    dial_back: DialBackConfig = field(default_factory=DialBackConfig)

    checks_reach: bool = False
    """Whether to find out if strangers can reach this node, for nodes that may be behind a box: three packets of
    60 bytes each quarter of an hour."""

    stun_per_s: float = 50.0
    """STUN requests answered per second, to anybody: an answer is twelve bytes longer than a bare request."""

    stun_burst: float = 200.0
    """The same at once."""

    circuits_max: int = 256
    """Circuits through relays that end here, about 300 bytes each; the oldest goes when there are more."""

    relay_sweep_s: float = 10.0
    """How often a relay looks for what came to its end. Raising it keeps the ended a little longer."""

    early_messages_max: int = 1024
    """Messages from first packets remembered, so that none is taken twice, about 120 bytes each. Raising it lets an
    eavesdropper repeat fewer of them."""

    observers_max: int = 16
    """Latest peers whose word on our own endpoint is kept."""

    session: SessionConfig = field(default_factory=SessionConfig)
    dht: DhtConfig = field(default_factory=DhtConfig)

    @classmethod
    def large(cls, **others: Any) -> OverlayConfig:
        """Return the configuration for networks of thousands of nodes, where few peers are ever asked twice.

        Questions of the DHT leave no session behind, so nobody is met beforehand. Joining looks for fewer contacts,
        since more come by themselves, and contacts are pinged after twice the silence.
        """
        dht = DhtConfig(
            join_count=8,
            refresh_count=1,
            fill_far_at_join=False,
            greeted_max=0,
            reserve_max=4,
            silent_s_min=600.0,
            silent_s_max=7200.0,
            peers_max=128,
            tokens_max=16,
        )
        quiet = {"ask_once": True, "quiet_idle_s": 10.0, "quiet_keepalive_s": 60.0, "half_open_s": 5.0}
        return cls(**{"dht": dht, **quiet, **others})

    def settings(self, tcp_port: int) -> HandshakeSettings:
        """Return what the handshakes of a node say while it does not know yet whether strangers reach it."""
        return HandshakeSettings(
            network=self.network,
            tcp_port=tcp_port,
            aes=self.aes,
            ephemeral=self.dht.ephemeral,
            serves=self.relay.serve is True,
            boxed=self.checks_reach and self.relay.serve is not True,
        )

    def __post_init__(self) -> None:
        """Check what a person may have set; raises ConfigError."""
        if not 1 <= len(self.network.encode()) <= 64:
            raise ConfigError("network", "must be 1 to 64 bytes long")
        for name in ("lines_max", "dials_max", "half_open_max", "probes_max", "awake_max", "awake_quiet_max"):
            if getattr(self, name) < 1:
                raise ConfigError(name, "must be at least 1")
        for name in (
            "dial_timeout_s",
            "keepalive_s",
            "quiet_keepalive_s",
            "probe_interval_s",
            "idle_s",
            "quiet_idle_s",
        ):
            if getattr(self, name) <= 0:
                raise ConfigError(name, "must be more than 0 seconds")
