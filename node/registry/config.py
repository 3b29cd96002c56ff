"""Limits of the registry server, of its client, and of one registration's upkeep."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ...wire.errors import ConfigError


def _require_positive(config: object) -> None:
    for field in fields(config):  # type: ignore[arg-type]
        if getattr(config, field.name) <= 0:
            raise ConfigError(field.name, "must be above zero")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryConfig:
    """What one registry server holds and does at most."""

    body_bytes_max: int = 32 * 1024
    """Size of one info packet. Raising it multiplies disk use and the answers of `GET /` for everybody."""
    nesting_max: int = 32
    """Depth of one info packet. Ruby's JSON.parse stops at 100, and one deeper packet would make `GET /`
    unreadable for every Ruby agent; raising it costs stack."""
    agents_max: int = 10_000
    """Agents held. Raising it costs up to body_bytes_max of disk each, and a longer `GET /`."""
    lasting_agents_max: int = 5_000
    """Agents held that never expire (Agent99's own). Raising it leaves less room that frees itself."""
    capabilities_max: int = 128
    """Capabilities of one agent. Raising it costs an index row each."""
    text_chars_max: int = 128
    """Length of a name or of one capability. Raising it costs index size."""
    ttl_s: float = 90.0
    """Life of a signed agent without a heartbeat. Raising it keeps dead agents listed longer."""
    ttl_s_min: float = 1.0
    """Shortest life an agent may ask for. Lowering it costs heartbeats."""
    ttl_s_max: float = 86_400.0
    """Longest life an agent may ask for. Raising it keeps dead agents listed longer."""
    sweep_interval_s: float = 5.0
    """Time between removals of the expired, which are hidden at once. Raising it keeps their rows longer."""
    page_rows: int = 64
    """Rows read from the store at a time, up to 2 MiB. Raising it costs memory a request and holds the store
    longer."""
    nodes_max: int = 100
    """Nodes in one bootstrap answer. Raising it costs clients a signature check each."""
    nodes_pool: int = 1_000
    """Freshest nodes a bootstrap answer is drawn from. Raising it admits older ones and costs a longer
    scan."""
    connections_max: int = 500
    """Open connections. Raising it costs a file descriptor and, when somebody reads slowly, a page each."""
    idle_timeout_s: float = 20.0
    """Life of a connection without a complete request. Raising it lets slow senders hold connections."""
    body_timeout_s: float = 10.0
    """Time for a body to arrive. Raising it lets slow senders hold connections."""
    answer_timeout_s: float = 30.0
    """Time for one whole request and its answer. Raising it lets slow readers hold connections and memory."""
    requests_per_s: float = 200.0
    """Sustained requests of one address. Raising it lets one host take the registry for itself."""
    requests_burst: float = 1_000.0
    """Requests of one address at once: a host that starts a thousand agents is no attack."""
    rate_hosts_max: int = 10_000
    """Addresses whose rate is remembered. Raising it costs about 200 bytes each."""
    stop_timeout_s: float = 2.0
    """Time open requests get when the server stops. Raising it makes stopping slower."""

    def __post_init__(self) -> None:
        _require_positive(self)
        if self.ttl_s_min > self.ttl_s or self.ttl_s > self.ttl_s_max:
            raise ConfigError("ttl_s", f"must lie between {self.ttl_s_min:g} and {self.ttl_s_max:g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientConfig:
    """What a client waits for and reads of a registry it does not trust."""

    timeout_s: float = 5.0
    """Time for one whole call. Raising it makes a dead registry cost longer."""
    answer_bytes_max: int = 8 * 1024 * 1024
    """Size of one answer. Raising it lets a lying registry take that much memory and parse time."""
    rows_max: int = 10_000
    """Agents taken from one answer; the rest is ignored. Raising it costs memory."""
    nodes_max: int = 100
    """Signed nodes taken from one answer. Raising it costs a signature check (about 60 us) each."""
    text_chars_max: int = 200
    """Length of a registry's error text that is passed on. Raising it lets it fill a terminal."""

    def __post_init__(self) -> None:
        _require_positive(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceConfig:
    """How one registration is kept alive."""

    ttl_s: float = 90.0
    """Life asked of the registry when the packet names none; a heartbeat goes out at a third of it. Raising
    it keeps this agent listed longer after it died; lowering it costs requests."""
    retry_s_min: float = 1.0
    """Back-off after the first failure. Lowering it presses on a registry that is in trouble."""
    retry_s_max: float = 60.0
    """Longest back-off. Raising it makes a returning registry learn of this agent later; with the jitter,
    10,000 agents that wait for a registry come back at under 4 % a second."""
    stop_timeout_s: float = 1.0
    """Time to withdraw at stop. Raising it makes stopping slower when the registry is dead."""

    def __post_init__(self) -> None:
        _require_positive(self)
        if self.retry_s_min > self.retry_s_max:
            raise ConfigError("retry_s_min", f"must not be over retry_s_max, {self.retry_s_max:g}")
