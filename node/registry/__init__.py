"""The registry: where agents find their first peers.

A node needs the client's side, named here; the server (`registry.server`) is loaded only by who runs one.
"""

from __future__ import annotations

from .client import RegistryClient
from .config import ClientConfig, PresenceConfig, RegistryConfig
from .p2p import packet_for
from .presence import Presence

__all__ = ["ClientConfig", "Presence", "PresenceConfig", "RegistryClient", "RegistryConfig", "packet_for"]
