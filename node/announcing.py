"""What others hear of this node: its record, at the registries and under every key that it is looked for by."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, Protocol

from ..nat.relay.offer import CAPABILITY
from ..wire.endpoint import Endpoint
from ..wire.errors import MeshError
from ..wire.identity import Identity
from ..wire.node_record import NodeRecord
from .config import NodeConfig
from .directory import Directory
from .host import Host
from .offers import Offers
from .overlay.overlay import Overlay
from .relay_offer import RelayOffer
from .whereabouts import endpoints_of, relays_of

if TYPE_CHECKING:
    from .registry.client import RegistryClient
    from .registry.presence import Presence

logger = logging.getLogger(__name__)


class Described(Protocol):
    """Who the node is."""

    @property
    def identity(self) -> Identity: ...
    @property
    def name(self) -> str: ...
    @property
    def offers(self) -> Offers: ...


class Announcing:
    """Describe the node, and publish the description when it changes."""

    def __init__(
        self,
        node: Described,
        host: Host,
        overlay: Overlay,
        directory: Directory,
        config: NodeConfig,
        random: Random,
        registries: Sequence[RegistryClient],
    ) -> None:
        self._node = node
        self._host = host
        self._overlay = overlay
        self._directory = directory
        self._config = config
        self._registries = registries
        self.presences = [self._presence(client, random) for client in registries]
        self._is_due = False
        self._published = False
        self.relay = RelayOffer(overlay, directory, host, config, random)
        overlay.relaying.reservations.on_change = self._announce_soon
        overlay.reach.on_change = self._announce_soon

    @property
    def uuid(self) -> str | None:
        """The uuid of the first registry that knows this node."""
        return next((presence.uuid for presence in self.presences if presence.uuid), None)

    @property
    def registry(self) -> str | None:
        """The address of that registry."""
        pairs = zip(self._registries, self.presences, strict=True)
        return next((client.url for client, presence in pairs if presence.uuid), None)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return where this node can be reached: its own addresses, a port that a router opened and that lets strangers
        in, then where peers agree that they see it."""
        return endpoints_of(self._overlay, self._host.local_endpoints())

    def describe(self, sequence: int, capability: str = "") -> NodeRecord:
        """Return what this node says about itself, and of one capability of its own."""
        return NodeRecord(
            public_key=self._node.identity.public_key,
            endpoints=self.endpoints(),
            name=self._node.name,
            capabilities=tuple(self._node.offers),
            attributes=self.relay.attributes()
            if capability == CAPABILITY
            else self._node.offers.get(capability, {}),
            nat=self._overlay.reach.kind.value,
            relays=relays_of(self._overlay, self._host.now()),
            sequence=sequence,
            ttl_s=self._config.record_ttl_s,
        )

    def announce(self) -> None:
        """Publish the description, as it is now."""
        self._published = True
        self._directory.announce(self.describe, self.uuid)
        self.relay.announce(self.describe)

    def _announce_soon(self) -> None:
        """Publish what changed by itself, when this turn of the loop is over."""
        if self._published and not self._is_due:
            self._is_due = True
            self._host.call_soon(self._announce_again)

    def _announce_again(self) -> None:
        self._is_due = False
        self.announce()

    def _presence(self, client: RegistryClient, random: Random) -> Presence:
        from .registry.presence import Presence

        return Presence(client, self._packet, random=random, on_change=self._registry_changed)

    def _packet(self) -> dict[str, object]:
        record = self.describe(self._directory.current_sequence())
        from .registry.p2p import packet_for

        return packet_for(record, {"type": "hybrid"}, self._node.identity)

    def _registry_changed(self, up: bool, error: MeshError | None) -> None:
        if up:
            self.announce()
        else:
            logger.warning("%s", error)
