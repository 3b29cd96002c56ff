"""Whether this node announces that it relays for others, and what it says of its load.

Whoever runs a relay on purpose always announces it. Volunteers do while few others have room: a publication costs more
than a look each hour, and nobody looks for the thousandth relay. When those that are known fill up, more come.
"""

from __future__ import annotations

import asyncio
from random import Random

from ..nat.relay.offer import CAPABILITY, Offer
from ..wire.attributes import Value
from ..wire.errors import MeshError
from .conditions import Conditions
from .config import NodeConfig
from .directory import Describe, Directory
from .host import Host
from .overlay.overlay import Overlay


class RelayOffer:
    """Announce the relay of this node, as long as it serves and is needed."""

    def __init__(
        self, overlay: Overlay, directory: Directory, host: Host, config: NodeConfig, random: Random
    ) -> None:
        self._reach = overlay.reach
        self._server = overlay.relaying.server
        self._is_operator = config.overlay.relay.serve is True
        self._directory = directory
        self._host = host
        self._config = config
        self._random = random
        self._describe: Describe | None = None
        self._said: dict[str, Value] | None = None
        self._look_at = float("-inf")
        self._task: asyncio.Task[None] | None = None

    @property
    def is_announced(self) -> bool:
        """Tell whether others can find this relay in the DHT."""
        return self._said is not None

    def attributes(self) -> dict[str, Value]:
        """Return what is said of the relay now."""
        return self._server.offer.attributes()

    def announce(self, describe: Describe) -> None:
        """Announce what there is to announce; from the first time that this node serves on, look after it."""
        self._describe = describe
        if not self._reach.serves:
            self._withdraw()
        elif self._task is None:
            self._task = self._host.run(self._stay())
        elif self.is_announced or self._is_operator:
            self._offer()

    async def _stay(self) -> None:
        while True:
            if not self._reach.serves:
                self._withdraw()
            elif self._is_operator or self.is_announced or await self._is_needed():
                self._tell()
            await asyncio.sleep(self._config.relay_offer_s * self._random.uniform(0.8, 1.2))

    async def _is_needed(self) -> bool:
        """Look, now and then, whether too few other relays have room."""
        now = self._host.now()
        if now < self._look_at:
            return False
        self._look_at = now + self._config.relay_look_s * self._random.uniform(0.5, 1.5)
        try:
            found = await self._directory.find(CAPABILITY, Conditions(), self._config.connect_s)
        except MeshError:
            return True
        others = [Offer.read(relay.agent.attributes) for relay in found]
        return sum(each.has_room and each.load < 0.75 for each in others) < self._config.relays_enough

    def _tell(self) -> None:
        """Publish for the first time, or when the load is another quarter."""
        if self._said is None:
            self._offer()
        elif self._said["load"] != self.attributes()["load"]:
            self._said = self.attributes()
            self._directory.changed(CAPABILITY)

    def _offer(self) -> None:
        if self._describe is not None:
            self._said = self.attributes()
            self._directory.offer(CAPABILITY, self._describe)

    def _withdraw(self) -> None:
        """Say no more; what was said is over when its life is, and who asks until then is refused."""
        if self._said is not None:
            self._said = None
            self._directory.withdraw(CAPABILITY)
