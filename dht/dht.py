"""The DHT of one node: serves its peers, runs its own operations, keeps its table. Sans-IO.

    bytes in            receive(payload, sender, now) -> reply bytes, or None
    bytes out           take_requests() after every call
    time                next_timeout() / handle_timeout(now)
    from the sessions   verified(contact, now), unreachable(node_id, now)
    commands            find_node, get, put, publish, listen, bootstrap: each calls `done(result)`, at once or later

Contacts enter the table only after an authenticated round trip: the overlay reports one with `verified`, and a reply
to a request of ours is one. Bytes that make no sense are counted in `dropped` and never raise.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from random import Random

from ..wire import fault_points
from ..wire.contact import Contact
from ..wire.errors import ConfigError, DecodeError, QueueFull
from ..wire.identity import Identity, NodeId, PublicKey
from ..wire.record import Record
from .config import DhtConfig
from .get import GetResult, ValueSearch
from .handover import Handover
from .join import Join
from .listen import Change, Listening, Listenings
from .listeners import Listeners
from .liveness import Liveness
from .maintenance import Maintenance
from .messages import REPLY_BYTES_MAX, REQUESTS
from .publish import Publication
from .put import PutResult, StoreSearch
from .reading import decode
from .region_queue import RegionQueue
from .rpc import Request, Rpc
from .search import Context, LookupResult, NodeSearch, Search
from .server import Answers, Server
from .shared_gets import SharedGets
from .statistics import Statistics, look
from .store import Held, RecordStore
from .table import RoutingTable
from .timers import Timers
from .tokens import KnownTokens


def _nobody_waits(result: LookupResult, now: float) -> None:
    """Upkeep fills the table; its result is of no further use."""


class Dht:
    """A Kademlia node (Maymounkov and Mazières 2002) whose lookups never wait for the slowest."""

    def __init__(self, identity: Identity, config: DhtConfig, random: Random, now: float) -> None:
        own_id = identity.node_id
        self.dropped: Counter[str] = Counter()
        self.table = RoutingTable(own_id, config)
        self.store = RecordStore(own_id, config, identity.crypto)
        self._config = config
        self._timers = Timers()
        self._rpc = Rpc(config, self._timers, random, self._peer_failed)
        self._context = Context(
            own_id,
            config,
            random,
            self._timers,
            self.table,
            self.store,
            self._rpc,
            KnownTokens(config),
            identity.crypto,
        )
        self.listeners = Listeners(config, self._rpc)
        self.listenings = Listenings()
        self.store.on_new = self._stored
        told = (self.listeners, self.listenings, self.dropped)
        self.server: Answers = Server(self._context, identity.derive("dht write tokens"), *told)
        """Answers what others ask; a node that lies is one with another server."""
        self._liveness = Liveness(self._context)
        self.table.on_member = self._liveness.watch
        self._maintenance = Maintenance(self._context, self._look_up)
        self._handover = Handover(self._context)
        self._gets = SharedGets(config.lookups_waiting_max)
        self._publishing = RegionQueue(self._context, self._run)
        self._running = 0
        self._started = 0
        self._waiting: deque[Search] = deque()

    def receive(
        self, payload: bytes, sender: Contact, now: float, reply_size_max: int = REPLY_BYTES_MAX
    ) -> bytes | None:
        """Take a request or a reply of an authenticated sender; return the reply to a request."""
        try:
            request_id, message = decode(payload)
        except DecodeError:
            self.dropped["malformed"] += 1
            return None
        self._rpc.heard(sender.node_id, now)
        if isinstance(message, REQUESTS):
            self.table.heard(sender.node_id, now)
            reply = self.server.reply(request_id, message, sender, now, reply_size_max)
            if fault_points.active and fault_points.fires("dht.drop-reply", self._context.own_id):
                return None
            return reply
        if self._rpc.receive(request_id, message, sender, now):
            self._verified(sender, now)
        else:
            self.table.heard(sender.node_id, now)
            self.dropped["unexpected"] += 1
        return None

    def verified(self, contact: Contact, now: float) -> None:
        """Note an authenticated round trip with a contact."""
        self._rpc.heard(contact.node_id, now)
        self._verified(contact, now)

    def wants(self, contact: Contact) -> bool:
        """Tell whether an authenticated round trip with a contact would change the table."""
        return self.table.wants(contact)

    def _verified(self, contact: Contact, now: float) -> None:
        if self.table.verified(contact, now):
            self._maintenance.joined(now)
            self._handover.joined(contact, now)

    def remember(self, known: Iterable[tuple[Contact, float, float]], now: float) -> None:
        """Begin with the contacts of an earlier life: each with since when it is up and when it was last heard.

        They come in the order in which they were heard, the longest silent first.
        """
        for contact, up_since, heard_at in known:
            self.table.remember(contact, up_since, heard_at)
        self._maintenance.resumed(now)

    def unreachable(self, node_id: NodeId, now: float) -> None:
        """Note that a session with a peer could not be made or broke: what it was asked fails, else it is pinged."""
        if not self._rpc.unreachable(node_id, now):
            self._liveness.doubt(node_id, now)

    def forgotten(self, node_id: NodeId, now: float) -> None:
        """Note that a living peer forgot its session: what it was asked goes again, over the next one, else a ping."""
        if not self._rpc.send_again(node_id):
            self._liveness.doubt(node_id, now)

    def take_requests(self) -> list[Request]:
        """Return the requests to send, once."""
        requests = self._rpc.take_requests()
        if fault_points.active:
            return [request for request in requests if request.idempotent or not self._held_back()]
        return requests

    @property
    def has_requests(self) -> bool:
        """Tell whether `take_requests` would return any."""
        return bool(self._rpc.outgoing)

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is next due."""
        return self._timers.next_timeout()

    def handle_timeout(self, now: float) -> None:
        """Run what is due."""
        self._timers.run(now)

    def find_node(
        self, target: bytes, now: float, done: Callable[[LookupResult], None], *, count: int = 0
    ) -> None:
        """Find the `count` nodes nearest to a 32-byte target, a bucket of them when it is 0."""
        count = min(count, self._config.bucket_size) or self._config.bucket_size
        self._run(NodeSearch(self._context, target, count, lambda result, then: done(result)), now)

    def get(
        self,
        key: bytes,
        now: float,
        done: Callable[[GetResult], None],
        *,
        owner: PublicKey | None = None,
        want: int = 1,
    ) -> None:
        """Find records of a key: the first that verifies, or up to `want` of different owners.

        Raise ConfigError when `want` is over the limit, QueueFull when too many lookups wait.
        """
        if not 0 < want <= self._config.records_want_max:
            raise ConfigError("want", f"must be 1 to {self._config.records_want_max}, is {want}")
        what = (key, owner or b"", want)
        if self._gets.join(what, done):
            return
        search = ValueSearch(self._context, key, owner, want, self._gets.lead(what, done))
        try:
            self._run(search, now)
        except QueueFull:
            self._gets.give_up(what)
            raise

    def put(self, record: Record, now: float, done: Callable[[PutResult], None]) -> None:
        """Store a record on the nodes nearest to its key; done at the quorum, the rest goes on."""
        quorum = self._config.store_quorum
        self._run(StoreSearch(self._context, record, quorum, lambda result, then: done(result)), now)

    def publish(self, record_of: Callable[[int], Record], now: float) -> Publication:
        """Keep a record alive: `record_of(sequence)` is called for each publication."""
        publication = Publication(self._context, record_of, self._publishing)
        publication.renew(now)
        return publication

    def listen(
        self,
        key: bytes,
        now: float,
        on_change: Callable[[Change], None],
        *,
        owner: PublicKey | None = None,
    ) -> Listening:
        """Be told of the records of a key, of one owner or of any: those there are, and each change from now on.

        Raise QueueFull when too many keys are listened to.
        """
        if self.listenings.size >= self._config.listenings_max:
            raise QueueFull("keys listened to", self._config.listenings_max)
        listening = Listening(self._context, self._run, key, owner, on_change, self.listenings.remove)
        self.listenings.add(listening)
        listening.start(now)
        return listening

    def bootstrap(
        self, now: float, done: Callable[[LookupResult], None], *, through: Iterable[Contact] = ()
    ) -> None:
        """Join through whoever is in the table or named; done with our own neighbours, of which there may be none."""
        Join(self._context, self._run, self._maintenance.short_targets, done).start(through, now)

    def contacts(self, limit: int) -> list[Contact]:
        """Return contacts worth keeping for the next start, the longest known first."""
        return self.table.longest_known(limit)

    def statistics(self) -> Statistics:
        """Return what this node did and holds."""
        running, waiting = self._running, len(self._waiting)
        dropped = dict(self.dropped)
        return look(self._context, lookups=self._started, running=running, waiting=waiting, dropped=dropped)

    def _stored(self, held: Held, now: float) -> None:
        self.listeners.changed(held, now)
        self.listenings.heard(held, now)

    def _run(self, search: Search, now: float) -> None:
        """Start a search, or let it wait for its turn."""
        if self._running < self._config.lookups_max:
            self._start(search, now)
        elif len(self._waiting) < self._config.lookups_waiting_max:
            self._waiting.append(search)
        else:
            raise QueueFull("line of waiting lookups", self._config.lookups_waiting_max)

    def _start(self, search: Search, now: float) -> None:
        self._running += 1
        self._started += 1
        self._maintenance.looked_up(search.target, now)
        search.start(now, self._search_ended)

    def _search_ended(self, now: float) -> None:
        self._running -= 1
        if self._waiting:
            self._timers.at(now, self._start_waiting)

    def _start_waiting(self, now: float) -> None:
        while self._waiting and self._running < self._config.lookups_max:
            self._start(self._waiting.popleft(), now)

    def _look_up(self, target: bytes, now: float) -> None:
        """Refresh the table around a target, unless there is more urgent work than can be done."""
        if len(self._waiting) < self._config.lookups_waiting_max:
            self._rpc.counts.refreshes += 1
            count = self._config.bucket_size if target == self._context.own_id else self._config.refresh_count
            self._run(NodeSearch(self._context, target, count, _nobody_waits, patient=True), now)

    def _held_back(self) -> bool:
        return fault_points.fires("dht.hold-store", self._context.own_id)

    def _peer_failed(self, contact: Contact, now: float) -> None:
        self.table.failed(contact.node_id)
        entry = self.table.find(contact.node_id)
        if entry is not None:
            self._liveness.look_again(entry)
