"""One mesh99 Overlay on real sockets, without a Node above it: the session and the DHT rows measure it."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Sequence

from mesh99.node.asyncio_host import AsyncioHost
from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.line import Line
from mesh99.node.overlay.overlay import Overlay
from mesh99.node.pump import Pump
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import MeshError
from mesh99.wire.identity import Identity

LISTEN = "127.0.0.1:0"


class OverlayHost:
    """An identity, its Overlay, and the sockets and the clock under it."""

    def __init__(self, config: OverlayConfig, host: AsyncioHost | None = None) -> None:
        self.identity = Identity.generate(os.urandom)
        self.host = host or AsyncioHost()
        self.endpoint = self.host.bind(LISTEN)
        self.overlay = Overlay(
            self.identity,
            config,
            random=random.Random(),
            entropy=self.host.entropy,
            now=self.host.now(),
            tcp_port=self.endpoint.port,
        )
        self.pump = Pump(self.overlay, self.host, self.host)
        self.host.start(self.pump)

    async def connect(self, peer: Contact | Endpoint, relays: Sequence[Contact] = ()) -> Line:
        """Make a session, if need be through one of `relays`; raises what the Overlay says."""
        made: asyncio.Future[Line] = asyncio.get_running_loop().create_future()

        def done(line: Line | None, error: MeshError | None) -> None:
            if line is not None:
                made.set_result(line)
            else:
                made.set_exception(error or RuntimeError("no session and no reason"))

        self.overlay.connect(peer, self.host.now(), done, relays=relays)
        self.pump.kick()
        return await made

    async def close(self) -> None:
        """Say goodbye and close."""
        self.pump.close()
        await self.host.close()

    async def die(self) -> None:
        """Close the sockets without a word."""
        self.pump.abandon()
        await self.host.close()
