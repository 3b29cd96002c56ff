"""Configuration of a Node: what a person chooses, and the limits of the layers below it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..nat.mapping.config import MappingConfig
from ..wire.errors import ConfigError
from .asyncio_host import HostConfig
from .messages.calls import CallsConfig
from .messages.dispatch import DispatcherConfig
from .overlay.config import OverlayConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULT_REGISTRY_URL = "http://localhost:4567"
"""Where Agent99's registry listens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeConfig:
    """Configure one node."""

    record_ttl_s: int = 1200
    """Life of what this node publishes about itself. Longer means less upkeep and staler answers after it dies."""

    value_ttl_s: int = 86_400
    """Life of values put by `put` when this node stops; while it runs it renews them."""

    contacts_saved_max: int = 64
    """Contacts kept on disk for the next start, about 100 bytes each."""

    contacts_save_s: float = 30.0
    """How often the contact list is saved when it changed; a killed process loses at most so much of it."""

    join_s: float = 10.0
    """How long `start` waits for the first lookup to fill the table; it fills on afterwards anyway."""

    rejoin_s: float = 5.0
    """How often a node without any peer tries its bootstrap sources again; doubles up to `rejoin_max_s`."""

    rejoin_max_s: float = 60.0
    """Longest time between two tries to join; lower loads registries more after an outage."""

    reseed_max_s: float = 900.0
    """Longest time between two tries of a node with few contacts, fewer than half a bucket, to find more; begins at
    `rejoin_max_s` and doubles. Lower loads the registry of a small network more."""

    providers_cached_s: float = 30.0
    """How long the agents found for a capability are used before they are looked up again."""

    providers_max: int = 32
    """Agents that one capability search returns at most."""

    relay_offer_s: float = 60.0
    """How often a relay looks whether it should say something else of itself. Raising it tells its load later."""

    relay_look_s: float = 3600.0
    """How often a volunteer looks whether its relay is needed. Raising it brings help later when relays fill up."""

    relays_enough: int = 16
    """Relays with room from which on a volunteer does not announce its own: it costs about 40 B/s. Raising it gives
    those who look more to choose from."""

    line_queue_bytes: int = 4 * 1024 * 1024
    """Bytes queued to one peer from which on `send` waits for room; raising it costs memory per slow peer."""

    drain_s: float = 60.0
    """How long `send` waits for room before it gives up on the peer."""

    connect_s: float = 5.0
    """How long `send` may take to find and call a peer it has no line to."""

    pending_events_max: int = 256
    """Events (of peers, of a watch) kept for each reader that does not keep up; the oldest are dropped."""

    port_mapping: bool = True
    """Whether a node in a local network asks the router to open its port; others are told when strangers get in."""

    mapping: MappingConfig = field(default_factory=MappingConfig)
    host: HostConfig = field(default_factory=HostConfig)
    overlay: OverlayConfig = field(default_factory=lambda: OverlayConfig(checks_reach=True))
    dispatcher: DispatcherConfig = field(default_factory=DispatcherConfig)
    calls: CallsConfig = field(default_factory=CallsConfig)

    def __post_init__(self) -> None:
        """Check the values; raises ConfigError."""
        for name in (
            "record_ttl_s",
            "value_ttl_s",
            "contacts_saved_max",
            "providers_max",
        ):
            if getattr(self, name) < 1:
                raise ConfigError(name, "must be at least 1")
        for name in (
            "contacts_save_s",
            "join_s",
            "rejoin_s",
            "rejoin_max_s",
            "reseed_max_s",
            "relay_offer_s",
        ):
            if getattr(self, name) <= 0:
                raise ConfigError(name, "must be more than 0 seconds")


def registries_or_default(
    registries: Sequence[str] | None, environment: Mapping[str, str] = os.environ
) -> tuple[str, ...]:
    """Return the registries to use: those given, else Agent99's environment variable, else its default."""
    if registries is not None:
        return tuple(registries)
    return (environment.get("AGENT99_REGISTRY_URL") or DEFAULT_REGISTRY_URL,)
