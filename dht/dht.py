"""The DHT of one node: serves its peers, runs its own operations, keeps its table. Sans-IO.

    bytes in            receive(payload, sender, now) -> reply bytes, or None
    bytes out           take_requests() after every call
    time                next_timeout() / handle_timeout(now)
    from the sessions   verified(contact, now), unreachable(node_id, now)
    commands            find_node, get, get_many, put, publish, listen, bootstrap: each calls `done(result)`,
                        at once or later

A node that speaks IPv4 and IPv6 takes part in the DHT of each (family.py); `table` is then that of IPv4. An operation
runs in both and has one result (gathering.py).

Contacts enter the table only after an authenticated round trip: the overlay reports one with `verified`, and a reply
to a request of ours is one. Bytes that make no sense are counted in `dropped` and never raise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import zip_longest
from random import Random

from ..wire import fault_points
from ..wire.contact import Contact
from ..wire.endpoint import IPV4, IPV6
from ..wire.errors import DecodeError, QueueFull
from ..wire.identity import Identity, NodeId, PublicKey
from ..wire.record import Record
from .config import DhtConfig
from .copies import PathCopies
from .distance import number_of
from .family import Family
from .gathering import gather_holders, gather_nodes
from .get import GetResult
from .join import Join
from .joins import Joins
from .listen import Change, Listening, Listenings
from .listeners import Listeners
from .messages import REPLY_BYTES_MAX, REQUESTS, Reply
from .naming import Naming
from .publish import Publication
from .put import PutResult, StoreSearch
from .reading import decode, is_answer
from .reads import Reads
from .region_pair import queue_for
from .region_queue import RegionQueue
from .rpc import Request, Rpc
from .search import Context, LookupResult, NodeSearch, Search
from .server import Answers, Server
from .signatures import Signatures
from .spread import SpreadPublication
from .standing import Standings
from .statistics import Statistics, look, size_estimate
from .store import Held, RecordStore
from .table import RoutingTable
from .timers import Timers
from .tokens import KnownTokens
from .turns import Turns


def _nobody_waits(result: LookupResult, now: float) -> None:
    """Upkeep fills the table; its result is of no further use."""


def _nobody_waits_here(result: LookupResult) -> None:
    """Do the same for a join."""


class Dht:
    """A Kademlia node (Maymounkov and Mazières 2002) whose lookups never wait for the slowest."""

    def __init__(
        self, identity: Identity, config: DhtConfig, random: Random, now: float, *, families: int = 0
    ) -> None:
        own_id = identity.node_id
        self.dropped: Counter[str] = Counter()
        self.store = RecordStore(own_id, config, identity.crypto)
        self._config = config
        self._timers = Timers()
        self.turns = Turns(config, self._timers, self._looked_up)
        self._signatures = Signatures(config.verified_max, identity.crypto)
        self._standings = Standings(config)
        self._standings.on_low = self._evict
        spoken = [family for family in (IPV4, IPV6) if families & family] or [0]
        self._families = [
            Family(self._context_of(family, identity, random, len(spoken) > 1), self._look_up)
            for family in spoken
        ]
        self._by_family = {family.context.family: family for family in self._families}
        self._first = self._families[0]
        self._is_dual = len(self._families) > 1
        self._context = self._first.context
        self.table, self._rpc = self._context.table, self._context.rpc
        self.naming = Naming(
            identity.public_key,
            {family.context.family: family.context.table for family in self._families},
            config.bucket_size,
        )
        """Whom it names to others; its `here` is to be set for a node of both families."""
        self.listeners = Listeners(config, self._rpc)
        self.listenings = Listenings()
        self.store.on_new = self._stored
        self.copies = PathCopies(self._context, self.turns.run_idly)
        told = (self.copies, self.listeners, self.listenings, self.dropped)
        secret = identity.derive("dht write tokens")
        self.server: Answers = Server(self._context, self.naming, secret, *told)
        """Answers what others ask; a node that lies is one with another server."""
        self.reads = Reads(self.contexts, self.turns, config)
        self._publishing = queue_for([RegionQueue(context, self.turns.run) for context in self.contexts])

    def receive(
        self, payload: bytes, sender: Contact, now: float, reply_size_max: int = REPLY_BYTES_MAX
    ) -> bytes | None:
        """Take a request or a reply of an authenticated sender; return the reply to a request."""
        try:
            request_id, message = decode(payload)
        except DecodeError:
            self._receive_nonsense(payload, sender, now)
            return None
        family = self._family_of(sender)
        context = family.context
        context.rpc.heard(sender.node_id, now)
        if isinstance(message, REQUESTS):
            context.table.heard(sender.node_id, now)
            reply = self.server.reply(request_id, message, sender, now, reply_size_max)
            if fault_points.active and fault_points.fires("dht.drop-reply", self._context.own_id):
                return None
            return reply
        if context.rpc.receive(request_id, message, sender, now) or (
            self._is_dual and self._answered_elsewhere(request_id, message, sender, now)
        ):
            family.verified(sender, now)
        else:
            context.table.heard(sender.node_id, now)
            self.dropped["unexpected"] += 1
            if context.rpc.misanswered(sender.node_id, now, request_id):
                self._standings.blame(sender.node_id, "answer to another question", now)
        return None

    def _receive_nonsense(self, payload: bytes, sender: Contact, now: float) -> None:
        """Count bytes that are no message; it is a fault where they claim to be one that both sides know."""
        self.dropped["malformed"] += 1
        if is_answer(payload):
            self._family_of(sender).context.rpc.misanswered(sender.node_id, now)
            self._standings.blame(sender.node_id, "malformed answer", now)

    def verified(self, contact: Contact, now: float) -> None:
        """Note an authenticated round trip with a contact."""
        family = self._family_of(contact)
        family.context.rpc.heard(contact.node_id, now)
        family.verified(contact, now)

    def wants(self, contact: Contact) -> bool:
        """Tell whether an authenticated round trip with a contact would change the table."""
        return self._family_of(contact).context.table.wants(contact)

    def remember(self, known: Iterable[tuple[Contact, float, float]], now: float) -> None:
        """Begin with the contacts of an earlier life: each with since when it is up and when it was last heard.

        They come in the order in which they were heard, the longest silent first.
        """
        for contact, up_since, heard_at in known:
            if contact.family in self._by_family or not self._context.family:
                self._family_of(contact).context.table.verified(contact, up_since, heard_at)
        for family in self._families:
            if len(family.context.table) or family is self._first:
                family.maintenance.resumed(now)

    def unreachable(self, node_id: NodeId, now: float, families: int = 0) -> None:
        """Note that a session with a peer could not be made or broke: what it was asked fails, else it is pinged.

        Only in these address families, if they are named.
        """
        for family in self._families:
            if not families or not family.context.family or families & family.context.family:
                family.unreachable(node_id, now)

    def forgotten(self, node_id: NodeId, now: float) -> None:
        """Note that a living peer forgot its session: what it was asked goes again, over the next one, else a ping."""
        sent = [context.rpc.send_again(node_id) for context in self.contexts]
        for family in () if any(sent) else self._families:
            family.liveness.doubt(node_id, now)

    def take_requests(self) -> list[Request]:
        """Return the requests to send, once."""
        requests = self._rpc.take_requests()
        for family in self._families[1:]:
            requests += family.context.rpc.take_requests()
        if fault_points.active:
            return [request for request in requests if request.idempotent or not self._held_back()]
        return requests

    @property
    def has_requests(self) -> bool:
        """Tell whether `take_requests` would return any."""
        return bool(self._rpc.outgoing) or (self._is_dual and bool(self._families[1].context.rpc.outgoing))

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is next due."""
        return self._timers.next_timeout()

    def handle_timeout(self, now: float) -> None:
        """Run what is due."""
        self._timers.run(now)

    def find_node(
        self, target: bytes, now: float, done: Callable[[LookupResult], None], *, count: int = 0
    ) -> None:
        """Find the `count` nodes nearest to a 32-byte target, a bucket of them when it is 0.

        They are more where some are doubted, up to `wide_times_max` times as many (doubt.py).
        """
        count = min(count, self._config.bucket_size) or self._config.bucket_size
        parts, number = len(self._families), number_of(target)
        take = gather_nodes(parts, number, count, lambda result, then: done(result))
        self.turns.run_all([NodeSearch(context, target, count, take) for context in self.contexts], now)

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
        self.reads.get(key, owner, want, now, lambda result, then: done(result))

    def get_spread(
        self,
        key: bytes,
        now: float,
        done: Callable[[GetResult], None],
        *,
        want: int,
        fits: Callable[[Record], bool] | None = None,
    ) -> None:
        """Find live records of a key that fit, up to `want` of different owners, in shards too where it is crowded."""
        self.reads.get_spread(key, want, fits, now, done)

    def get_many(
        self, keys: Iterable[bytes], now: float, done: Callable[[dict[bytes, GetResult]], None]
    ) -> None:
        """Find a record of each key, the first that verifies; several are asked for in one datagram where that helps.

        Raise ConfigError for no keys, QueueFull when too many are sought already.
        """
        self.reads.get_many(keys, now, done)

    def put(self, record: Record, now: float, done: Callable[[PutResult], None]) -> None:
        """Store a record on the nodes nearest to its key; done at the quorum, the rest goes on."""
        quorum = self._config.store_quorum
        take = gather_holders(len(self._families), lambda result, then: done(result))
        self.turns.run_all([StoreSearch(context, record, quorum, take) for context in self.contexts], now)

    def publish(
        self,
        record_of: Callable[[int], Record],
        now: float,
        put: tuple[Record, PutResult] | None = None,
    ) -> Publication:
        """Keep a record alive: `record_of(sequence)` is called for each publication; not for one that was just put."""
        publication = Publication(self._context, record_of, self._publishing)
        if put is None:
            publication.renew(now)
        else:
            publication.resume(*put, now)
        return publication

    def publish_spread(
        self, key: bytes, owner: NodeId, record_of: Callable[[bytes, int], Record], now: float
    ) -> SpreadPublication:
        """Keep a record alive under a key that many owners share: `record_of(key, sequence)` signs it."""
        publication = SpreadPublication(self._context, key, owner, record_of, self._publishing)
        publication.start(now)
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
        listening = Listening(
            self.contexts, self.turns.run_all, key, owner, on_change, self.listenings.remove
        )
        self.listenings.add(listening)
        listening.start(now)
        return listening

    def bootstrap(
        self, now: float, done: Callable[[LookupResult], None], *, through: Iterable[Contact] = ()
    ) -> None:
        """Join through whoever is in the table or named; done with our own neighbours, of which there may be none."""
        if self._is_dual:
            Joins(self._families, self.turns.run, done).start(through, now)
        else:
            Join(self._context, self.turns.run, self._first.maintenance.short_targets, done).start(
                through, now
            )

    def contacts(self, limit: int) -> list[Contact]:
        """Return contacts worth keeping for the next start, the longest known first."""
        known = [family.context.table.longest_known(limit) for family in self._families]
        turns = (contact for turn in zip_longest(*known) for contact in turn)
        return [contact for contact in turns if contact is not None][:limit]

    def size_estimate(self) -> int:
        """Estimate how many nodes the network has, ourselves included.

        It counts those of a network that fits a bucket. Of a larger one each node sees its ten nearest (`join_count`):
        half of all estimates are 0.84 to 1.31 times the truth, nine of ten 0.6 to 1.9 times, whatever its size.
        """
        return max(size_estimate(context) for context in self.contexts)

    def statistics(self) -> Statistics:
        """Return what this node did and holds."""
        turns, dropped = self.turns, dict(self.dropped)
        searches = {"lookups": turns.started, "running": turns.running, "waiting": turns.waiting}
        return look(self.contexts, **searches, dropped=dropped)

    def _stored(self, held: Held, now: float) -> None:
        self.listeners.changed(held, now)
        self.listenings.heard(held, now)
        for family in self._families:
            family.repair.stored(now)

    def _looked_up(self, search: Search, now: float) -> None:
        self._by_family[search.context.family].maintenance.looked_up(search.target, now)

    def _look_up(self, context: Context, target: bytes, now: float) -> None:
        """Refresh the table around a target, unless there is more urgent work than can be done."""
        if not self.turns.is_full:
            context.rpc.counts.refreshes += 1
            if target == context.own_id and not all(len(other.table) for other in self.contexts):
                # A family that nobody was met of may have come to the network since.
                self.bootstrap(now, _nobody_waits_here)
                return
            count = self._config.bucket_size if target == self._context.own_id else self._config.refresh_count
            self.turns.run(NodeSearch(context, target, count, _nobody_waits, patient=True), now)

    def _held_back(self) -> bool:
        return fault_points.fires("dht.hold-store", self._context.own_id)

    def _evict(self, node_id: NodeId) -> None:
        for family in self._families:
            family.context.table.evict(node_id)

    def _peer_failed(self, contact: Contact, now: float) -> None:
        self._family_of(contact).failed(contact, now)

    # address families

    @property
    def contexts(self) -> list[Context]:
        """The context of each address family: its table, its requests."""
        return [family.context for family in self._families]

    @property
    def size(self) -> int:
        """How many contacts there are, of all families."""
        return self.table.size + (self._families[1].context.table.size if self._is_dual else 0)

    def _context_of(self, family: int, identity: Identity, random: Random, dual: bool) -> Context:
        config = self._config
        return Context(
            identity.node_id,
            config,
            random,
            self._timers,
            RoutingTable(identity.node_id, config),
            self.store,
            Rpc(config, self._timers, random, self._peer_failed),
            KnownTokens(config),
            self._signatures,
            self._standings,
            family,
            family if dual else 0,
        )

    def _family_of(self, contact: Contact) -> Family:
        return self._by_family.get(contact.family, self._first) if self._is_dual else self._first

    def _answered_elsewhere(self, request_id: int, reply: Reply, sender: Contact, now: float) -> bool:
        """Take an answer that came over another family than its question was meant for: over a session at hand."""
        others = (context.rpc for context in self.contexts if context.family != sender.family)
        return any(rpc.receive(request_id, reply, sender, now) for rpc in others)
