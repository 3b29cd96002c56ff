"""A simulated machine: gives one Overlay its clock, network and entropy, as node/asyncio_host.py does."""

from __future__ import annotations

from ..node.overlay.config import OverlayConfig
from ..node.overlay.overlay import Overlay
from ..node.pump import Pump
from ..wire.contact import Contact
from ..wire.endpoint import Endpoint
from ..wire.identity import Identity
from .network import Network
from .world import World

PORT = 7400


class Host:
    """Run one Overlay in a world."""

    def __init__(self, world: World, network: Network, index: int, config: OverlayConfig) -> None:
        entropy = world.entropy(index)
        self.index = index
        self.identity = Identity.generate(entropy)
        self.endpoint = Endpoint("udp", f"10.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}", PORT)
        self.contact = Contact(self.identity.public_key, self.endpoint)
        random = world.random(index, "overlay")
        self.overlay = Overlay(self.identity, config, random=random, entropy=entropy, now=world.now())
        self._network = network
        self._world = world
        self.pump = Pump(self.overlay, world, self)
        network.attach(self.endpoint, index, self._receive)

    def kill(self) -> None:
        """Vanish without a word."""
        self.pump.abandon()
        self._network.detach(self.endpoint)

    def _receive(self, packet: bytes, source: Endpoint) -> None:
        self.pump.receive(packet, source)
        self.pump.flush()

    # the port `Network` of node/ports.py

    def send(self, packet: bytes, destination: Endpoint) -> None:
        """Send one packet."""
        self._network.send(packet, self.index, self.endpoint, destination)

    def flush(self) -> None:
        """Nothing is held back."""

    def open_stream(self, destination: Endpoint) -> None:
        """Refuse: this network has no TCP."""
        self._world.call_soon(lambda: self.pump.stream_closed(destination))

    def close_stream(self, destination: Endpoint) -> None:
        """There are none."""
