"""The machine a node runs on: all that its parts take from outside.

`AsyncioHost` is the real one; `Node(host=...)` takes another, as simulations do. A host lives from one start of the
node to its stop.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from ..nat.mapping.config import MappingConfig
from ..wire.endpoint import Endpoint
from .ports import Clock, Disk, Network
from .pump import Pump

if TYPE_CHECKING:
    from .port_mapping.service import PortMapping
    from .registry.client import RegistryClient


class Host(Clock, Network, Protocol):
    """Clock, network, entropy, disk, and tasks that end with it."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that everything runs on."""
        ...

    @property
    def endpoint(self) -> Endpoint:
        """Where it is bound."""
        ...

    def bind(self, listen: str) -> Endpoint:
        """Take `host:port`; raises ConfigError when that cannot be had."""
        ...

    def start(self, pump: Pump) -> None:
        """Begin to pass packets."""
        ...

    async def ready(self) -> None:
        """Return once packets can pass; raises MeshError when they cannot."""
        ...

    async def close(self) -> None:
        """Let go of the network and end every task that `run` began; a second call does nothing."""
        ...

    def local_endpoints(self) -> tuple[Endpoint, ...]:
        """Return where this machine is reached at its own addresses."""
        ...

    def entropy(self, size_bytes: int) -> bytes:
        """Return bytes that nobody can guess: keys, ids, secrets."""
        ...

    def random(self) -> Random:
        """Return a source of decisions: jitter, sampling, order."""
        ...

    def run(
        self, coroutine: Coroutine[Any, Any, Any], context: contextvars.Context | None = None
    ) -> asyncio.Task[Any]:
        """Run a coroutine to its end, or until the host closes."""
        ...

    def disk(self, home: Path | None) -> Disk | None:
        """Return where a node with this home keeps its files; None: it keeps nothing."""
        ...

    def port_mapping(
        self,
        config: MappingConfig,
        secret: bytes,
        given: Callable[[Endpoint | None], None],
    ) -> PortMapping | None:
        """Return what asks the router for a port; None where there is no router to ask."""
        ...

    def registry(self, url: str) -> RegistryClient:
        """Return a client of a registry; raises ConfigError when that is no URL."""
        ...
