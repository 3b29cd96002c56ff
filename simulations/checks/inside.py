"""Everything that an Overlay holds a number of, with its limit: the one place that looks into its private parts.

What grows by what others send must have a limit of its own; a new table in the code gets a line here.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...dht.dht import Dht
from ...dht.distance import ID_BITS
from ...dht.entry import Entry
from ...dht.search import Context
from ...node.overlay.dialing import WAITING_MAX
from ...node.overlay.line import Line
from ...node.overlay.overlay import Overlay
from ...node.overlay.reach import SENT_TO_MAX
from ...wire.control_queue import PINGS_MAX, TOKENS_MAX
from ...wire.received import RANGES_MAX

DEADLINES_PER_ITEM = 64
"""Entries of a heap of deadlines for each thing it is about: those that were moved stay until they come to its top."""

DEADLINES_SPARE = 1024

STORE_EXPIRIES_SPARE = 64
"""dht/store.py rebuilds its heap of expiries when it has twice its records and so many more."""


Amount = tuple[str, int, int]
"""What there is, how much of it, and how much there may be."""


def amounts(overlay: Overlay) -> Iterator[Amount]:
    """Return everything in an Overlay that has a limit."""
    yield from _of_calls(overlay)
    for context in overlay.dht.contexts:
        yield from _of_table(context)
    yield from _of_store(overlay.dht)
    yield from _of_requests(overlay.dht)
    yield from _of_ways(overlay)
    for line in overlay.lines.by_local_id.values():
        yield from _of_line(line)


def members(dht: Dht) -> Iterator[Entry]:
    """Return the contacts of a table, those in reserve last in each bucket."""
    for bucket in (each for context in dht.contexts for each in context.table.buckets.values()):
        yield from bucket.entries.values()
        yield from bucket.reserve.values()


def _of_calls(overlay: Overlay) -> Iterator[Amount]:
    config, lines, handshakes = overlay.config, overlay.lines, overlay._handshakes
    yield ("lines", len(lines.by_local_id), config.lines_max)
    yield ("peers with a line", len(lines), config.lines_max)
    yield ("half-open handshakes", len(handshakes.half_open), config.half_open_max)
    yield ("calls under way", len(handshakes._dials), config.dials_max)
    for dial in handshakes._dials.values():
        yield ("callers of one peer", len(dial.waiting), WAITING_MAX)
        yield ("requests that wait for a call", len(dial.requests), WAITING_MAX)
    yield ("sessions with ciphers", len(handshakes._shelf), config.awake_max + config.awake_quiet_max)
    yield ("peers called through relays", len(overlay._meeting._relays), config.lines_max)
    yield ("observers", len(overlay.reach.observations), config.observers_max)
    watched = DEADLINES_PER_ITEM * len(lines.by_local_id) + DEADLINES_SPARE
    yield ("deadlines of lines", len(lines.deadlines._heap), watched)
    called = DEADLINES_PER_ITEM * len(handshakes._dials) + DEADLINES_SPARE
    yield ("deadlines of calls", len(handshakes._deadlines._heap), called)


def _of_ways(overlay: Overlay) -> Iterator[Amount]:
    """Return what there is of circuits, served and used, of reservations, knocks and hosts that were sent to."""
    config, relaying, server = overlay.config, overlay.relaying, overlay.relaying.server
    yield ("circuits", len(relaying.circuits), config.circuits_max)
    yield ("names of circuits", len(relaying.circuits._by_number), config.circuits_max)
    yield ("relays", len(relaying.reservations.held), config.reservations.wanted)
    yield ("relays left alone", len(relaying.reservations._blocked), config.reservations.blocked_max)
    yield ("reservations of others", server.reservations, config.relay.reservations_max)
    yield ("circuits of others", server.circuits, config.relay.circuits_max)
    for count in server._opened.values():
        yield ("circuits of one peer", count, config.relay.circuits_per_peer_max)
    attempts = overlay.punching._attempts
    yield ("lines that are knocked for", len(attempts), config.lines_max)
    for attempt in attempts.values():
        yield ("places knocked at", len(attempt.punch.targets), config.punch.targets_max)
    yield ("hosts sent to", len(overlay.reach._sent_to), SENT_TO_MAX)


def _of_table(context: Context) -> Iterator[Amount]:
    config, table = context.config, context.table
    yield ("buckets", len(table.buckets), ID_BITS)
    everywhere: dict[bytes, int] = {}
    for bucket in table.buckets.values():
        yield ("contacts in a bucket", len(bucket.entries), config.bucket_size)
        yield ("contacts in reserve", len(bucket.reserve), config.reserve_max)
        here: dict[bytes, int] = {}
        for entry in (*bucket.entries.values(), *bucket.reserve.values()):
            if entry.subnet is not None:
                here[entry.subnet] = here.get(entry.subnet, 0) + 1
                everywhere[entry.subnet] = everywhere.get(entry.subnet, 0) + 1
        for count in here.values():
            yield ("contacts of one subnet in a bucket", count, config.subnet_bucket_max)
    for count in everywhere.values():
        yield ("contacts of one subnet in the table", count, config.subnet_table_max)
    members = sum(len(bucket.entries) + len(bucket.reserve) for bucket in table.buckets.values())
    yield ("contacts behind boxes", len(table._boxed), members)


def _of_store(dht: Dht) -> Iterator[Amount]:
    config, store = dht._config, dht.store
    yield ("records", store.size, config.records_max)
    yield ("bytes of records", store.bytes, config.record_bytes_max)
    for owners in store._keys.values():
        # The owner of a node id always has room under its own key.
        yield ("records of one key", len(owners), config.records_per_key_max + 1)
    for count in store._owned.values():
        yield ("records of one owner", count, config.records_per_owner_max)
    for count in store._from_subnet.values():
        yield ("records from one subnet", count, config.records_per_subnet_max)
    yield ("copies", len(dht.copies), config.copies_max)
    yield ("records asked for in vain", dht.copies.asked_keys, config.copy_asked_keys_max)
    yield ("expiries of records", len(store._expiries), 2 * store.size + STORE_EXPIRIES_SPARE)


def _of_requests(dht: Dht) -> Iterator[Amount]:
    config = dht._config
    pending_max = config.lookups_max * config.lookup_requests_max + config.handovers_max + config.pings_max
    pending_max += config.repair_peers_max + config.value_replicas * config.repair_deaths_max
    pending_max += config.get_many_max + config.pushes_max + config.listenings_max * config.listen_holders_max
    for rpc in (context.rpc for context in dht.contexts):
        yield ("requests in flight", len(rpc), pending_max)
        yield ("requests to send", len(rpc.outgoing), pending_max)
        yield ("peers with timings", len(rpc.timing._peers), config.peers_max)
        yield ("peers left in peace", len(rpc.timing._avoided), config.peers_max)
    yield ("keys sought together", dht.reads.together, config.get_many_max)
    yield ("lookups under way", dht.turns.running, config.lookups_max)
    yield ("lookups that wait", dht.turns.waiting, config.lookups_waiting_max)
    of_key, of_peer, pushes = dht.listeners.amounts()
    yield ("listeners", dht.listeners.size, config.listeners_max)
    yield ("listeners of one key", of_key, config.listeners_per_key_max)
    yield ("registrations of one peer", of_peer, config.listeners_per_peer_max)
    yield ("pushes in flight", pushes, config.pushes_max)
    yield ("keys listened to", dht.listenings.size, config.listenings_max)
    for family in dht._families:
        yield ("deaths being mended", family.repair.size, config.repair_deaths_max)
        yield ("evicted contacts", len(family.evicted), config.evicted_max)
    yield ("crowded keys", len(dht.reads.crowded._until), config.crowded_keys_max)
    yield ("records known to be signed", len(dht._context.signatures), config.verified_max)
    yield ("peers with faults", len(dht._context.standings), config.blamed_max)
    ends = config.listenings_max * (config.listen_owners_max + 1) if dht.listenings.size else 0
    yield ("timers", len(dht._timers._heap), 2 * (len(dht.contexts) * pending_max + ends) + DEADLINES_SPARE)


def _of_line(line: Line) -> Iterator[Amount]:
    session = line.session
    config, queue = session._config, session._queue
    yield ("requests that wait in a session", len(queue._rpcs), config.rpcs_max)
    yield ("pings that wait in a session", len(queue._tokens), TOKENS_MAX)
    yield ("pings of a session", len(queue._pings), PINGS_MAX)
    ways = len(line.watch.paths) if line.watch is not None else 0
    yield ("ways of a line", ways, line.config.paths.paths_max)
    yield ("ranges of a session", len(session._received._ranges), RANGES_MAX)
    yield ("bytes to send of a session", session.queued_bytes, config.send_buffer_bytes_max)
