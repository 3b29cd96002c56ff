"""What a Node answers: plain, frozen values that turn into JSON as they are."""

from __future__ import annotations

from typing import Any

import msgspec

from ..dht.statistics import Statistics
from ..wire.node_record import NodeRecord
from .relay_status import RelayStatus


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The reply to an untyped request, and how it came."""

    reply: Any
    """The reply's body as JSON-able values."""
    type_name: str
    sender: str
    """Node id of who answered."""
    elapsed_s: float
    path: str
    """`direct` (UDP), `tcp`, ..."""
    transport: str


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """Where a value lies."""

    key: str
    stored_on: list[str]
    refused: dict[str, int] = {}
    """How many nodes refused it until enough had it, by reason."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A value read from the DHT; its signature was checked, or that its key is its hash."""

    value: str
    owner: str
    """Node id of who signed it; empty for content, which nobody signs."""
    hops: int
    elapsed_s: float


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """One question of a lookup."""

    node_id: str
    endpoint: str
    depth: int
    rtt_ms: float | None
    outcome: str
    closer: int
    """Contacts nearer to the key that the answer brought."""
    distance_bits: int
    """Length of the XOR distance to the key: 256 and a little less is far, half as much is next door."""
    asked_ms: float
    """When it was asked, from the start of the lookup."""
    named_by: str | None
    """Node id of who named it first; None when it was known at the start."""
    remark: str
    """What came of it besides contacts: records it has, or what it said to a store."""
    remark_ms: float | None
    """When a store was answered, from the start."""


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a put, a get or a find, and every question asked for it."""

    key: str
    result: Any
    """Node ids of holders of a put, the value of a get, agents that a find found; None or empty when there is none."""
    source: str | None
    """Node id of who gave the first record, None when it was here, or when nobody did."""
    hops: list[Hop]
    elapsed_ms: float


class PeerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One peer with a session."""

    node_id: str
    name: str
    path: str
    """`direct` (UDP), `lan` (UDP within a network), `tcp` or `relay`."""
    endpoint: str
    rtt_ms: float | None
    tx_bytes: int
    rx_bytes: int
    why: str = ""
    """Why this path: how it came about, or what keeps the line on its relay."""
    via: str | None = None
    """Node id of the relay that it goes through."""
    via_name: str = ""


class PortMappingStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What the router opened for this node."""

    protocol: str | None = None
    """`pcp`, `nat-pmp` or `upnp-igd`; None when no router opened a port."""
    external_host: str = ""
    """The router's outer address, as it says."""
    udp_port: int = 0
    """Outer ports, 0 where there is none."""
    tcp_port: int = 0
    lease_s: int = 0
    """For how long yet; it is renewed before."""
    verified: bool = False
    """A stranger's packet came in through it, so that others are told of it."""
    reason: str = ""
    """Why there is no port, or why it does not count; empty when it does."""


class NodeStatus(msgspec.Struct, frozen=True, kw_only=True):
    """This node."""

    node_id: str
    name: str
    endpoints: list[str]
    nat: str
    observed: list[str]
    port_mapping: PortMappingStatus | None = None
    """None when the node does not ask for one."""
    peers: int
    contacts: int
    records: int
    registry: str | None
    """URL of the registry that knows this node now; None when there is none."""
    uuid: str | None
    capabilities: list[str]
    uptime_s: float
    dropped: dict[str, int]
    relay: RelayStatus
    """What it does for nodes that cannot be called."""
    dht: Statistics
    """What its part of the DHT did and holds."""


class PeerEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A peer came or went."""

    kind: str
    """`came` or `gone`."""
    node_id: str
    name: str


class AgentEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An agent with a watched capability came, changed what it says of it, or went."""

    kind: str
    """`came`, `changed` or `gone`."""
    agent: NodeRecord
    """What it says about itself, or last said."""


class ValueEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A value under a watched key came, changed or went."""

    kind: str
    """`came`, `changed` or `gone`."""
    value: str
    """The value, or what it was before it went."""
    owner: str
    """Node id of who signed it."""
