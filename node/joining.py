"""Join the network and stay in it.

Saved contacts, peers given by hand and registries are asked all at once; any one is enough, and each is gone through to
its end, since one may know an island of the network that the others do not. A node that is short of contacts asks them
again (reseeding.py says when). When the table has grown to twice what it was, the node publishes itself
anew, since nearer holders may have come; and now and then good contacts go to disk for the next start.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from ..dht.dht import Dht
from ..dht.search import LookupResult
from ..wire.contact import Contact
from ..wire.endpoint import Endpoint
from ..wire.errors import DeadlineExceeded, HandshakeFailed, MeshError
from ..wire.node_record import NodeRecord
from .config import NodeConfig
from .futures import Waiting
from .ports import Clock, Disk
from .reseeding import Reseeding
from .saved_contacts import load_contacts, save_contacts

if TYPE_CHECKING:
    from .registry.client import RegistryClient

logger = logging.getLogger(__name__)

Connect = Callable[[Endpoint], Awaitable[object]]
Run = Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]]

REGISTRY_NODES = 20
"""Nodes asked of a registry: one full bucket."""


class Joining:
    """Keep one node connected to its network."""

    def __init__(
        self,
        dht: Dht,
        clock: Clock,
        config: NodeConfig,
        waiting: Waiting,
        random: Random,
        connect: Connect,
        contacts_of: Callable[[NodeRecord], list[Contact]],
        run: Run,
        kick: Callable[[], None],
        *,
        disk: Disk | None,
        peers: Sequence[Endpoint],
        registries: Sequence[RegistryClient],
    ) -> None:
        self._dht = dht
        self._clock = clock
        self._config = config
        self._waiting = waiting
        self._random = random
        self._connect = connect
        self._contacts_of = contacts_of
        self._run = run
        self._kick = kick
        self._disk = disk
        self._peers = peers
        self._registries = registries
        self._saved = load_contacts(disk) if disk is not None else []
        self._published_size = 0
        self.joined = asyncio.Event()

    async def join(self) -> bool:
        """Ask every source at once; true as soon as the table is filled through one of them."""
        attempts = [self._run(self._try_peer(peer)) for peer in self._peers]
        attempts += [self._run(self._try_registry(registry)) for registry in self._registries]
        if self._saved:
            attempts.append(self._run(self._fill_table(self._saved, "an earlier life")))
        for attempt in asyncio.as_completed(attempts):
            if await attempt:
                self.joined.set()
                return True
        return False

    async def stay(self, publish: Callable[[], None]) -> None:
        """Rejoin when short of contacts, publish after growth, save contacts; runs until cancelled."""
        enough = self._config.overlay.dht.bucket_size // 2
        reseeding = Reseeding(self._config, enough, self._clock.now())
        saved_at = self._clock.now()
        while True:
            await asyncio.sleep(self._config.rejoin_s * self._random.uniform(0.8, 1.2))
            size = self._dht.size
            if reseeding.is_due(size, self._clock.now()):
                reseeding.asked(size, self._clock.now())
                await self.join()
            if size == 0:
                continue
            self.joined.set()
            if size >= 2 * self._published_size:
                self._published_size = size
                publish()
            if self._clock.now() - saved_at >= self._config.contacts_save_s:
                saved_at = self._clock.now()
                self.save()

    def note_published(self) -> None:
        """Remember how large the table was when the node last published itself."""
        self._published_size = max(1, self._dht.size)

    def save(self) -> None:
        """Write the good contacts to disk, unless there are none: an old list is better than an empty one."""
        contacts = self._dht.contacts(self._config.contacts_saved_max)
        if self._disk is None or not contacts:
            return
        try:
            save_contacts(self._disk, contacts)
        except OSError as error:
            logger.warning("contacts were not saved in %s: %s", self._disk, error)
        self._saved = contacts

    async def _try_peer(self, peer: Endpoint) -> bool:
        try:
            await self._connect(peer)
        except HandshakeFailed as error:
            logger.warning("no join through %s: %s; %s", peer, error, error.hint)
            return False
        except MeshError as error:
            logger.info("no join through %s: %s", peer, error)
            return False
        return await self._fill_table((), str(peer))

    async def _try_registry(self, registry: RegistryClient) -> bool:
        try:
            records = await registry.nodes(REGISTRY_NODES)
        except MeshError as error:
            logger.info("no join through a registry: %s", error)
            return False
        reachable = [self._contacts_of(record)[:1] for record in records]
        contacts = [contact for each in reachable for contact in each]
        return bool(contacts) and await self._fill_table(contacts, "a registry")

    async def _fill_table(self, through: Sequence[Contact], source: str) -> bool:
        """Fill the table; true when anybody is in it, even if time was too short to fill it."""

        def begin(done: Callable[[LookupResult], None]) -> None:
            self._dht.bootstrap(self._clock.now(), done, through=through)
            self._kick()

        try:
            await self._waiting.result_of(begin, "end of the join", self._config.join_s)
        except DeadlineExceeded as error:
            logger.info("the table fills on: %s", error)
        if not self._dht.size:
            logger.info("no join through %s: none of %d contacts answered", source, len(through))
        return bool(self._dht.size)
