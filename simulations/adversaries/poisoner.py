"""Poisoner: a holder that gives out what it should not, and stores what nobody signed.

It takes part and holds records like everybody. Asked for a key, it goes through its lies in turn: a value it made up,
a broken signature, the first version instead of the latest, one whose life is over, one of another key, one over the
limit, and contacts that are none. From time to time it also tries to store a forged record on those who hold the key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ...dht.messages import FindNode, FindValue, Request, Store, StoreMany
from ...dht.server import Answers
from ...wire.codec import pack
from ...wire.contact import Contact
from ...wire.endpoint import Endpoint
from ...wire.errors import DecodeError
from ...wire.identity import PublicKey
from ...wire.record import RECORD_BYTES_MAX, Record
from ..host import Host
from .adversary import Adversary
from .hostile_server import TOKEN, HostileServer

KEYS_MAX = 256
"""Keys whose first and latest version it remembers."""

FORGED = b"forged"

STORE_EVERY_S = 10.0

NODES, VALUES = 18, 19
"""Kinds of the replies; written here as bytes, since an honest encoder refuses what is in them."""

NO_ENDPOINTS = (
    Endpoint("udp", "127.0.0.1", 22),
    Endpoint("udp", "224.0.0.1", 7400),
    Endpoint("udp", "0.0.0.0", 7400),
    Endpoint("udp", "45.0.0.1", 0),
    Endpoint("udp", "255.255.255.255", 7400),
)
"""This machine, a group, no address, no port, everybody: a node must knock at none of them."""

CONTACTS_TOO_MANY = 33

Lie = Callable[[Record, Record], list[tuple[int, bytes]]]
"""From the first and the latest version of a record: what to answer, with ages."""


def forged(first: Record, latest: Record) -> list[tuple[int, bytes]]:
    """Return a newer version that the owner never signed."""
    return [(0, replace(latest, value=FORGED, sequence=latest.sequence + 1).encode())]


def unsigned(first: Record, latest: Record) -> list[tuple[int, bytes]]:
    """Return a newer version with no signature."""
    return [(0, replace(latest, sequence=latest.sequence + 1, signature=bytes(64)).encode())]


def rolled_back(first: Record, latest: Record) -> list[tuple[int, bytes]]:
    """Return the first version as if it were new: it is signed, and may be long over."""
    return [(0, first.encode())]


def over(first: Record, latest: Record) -> list[tuple[int, bytes]]:
    """Return the latest version, older than its life."""
    return [(latest.ttl_s + 1, latest.encode())]


def misplaced(first: Record, latest: Record) -> list[tuple[int, bytes]]:
    """Return the record under a key that nobody asked for."""
    return [(0, replace(latest, key=bytes(32)).encode())]


def oversized(first: Record, latest: Record) -> list[tuple[int, bytes]]:
    """Return one over the limit."""
    return [(0, latest.encode().ljust(RECORD_BYTES_MAX + 1, b"\x00"))]


LIES: tuple[Lie, ...] = (forged, unsigned, rolled_back, over, misplaced, oversized)


class PoisonerServer(HostileServer):
    """Remember what is stored, and answer with something near it."""

    def __init__(self, honest: Answers) -> None:
        super().__init__(honest)
        self.versions: dict[tuple[bytes, PublicKey], tuple[Record, Record]] = {}

    def forge(
        self, request_id: int, request: Request, sender: Contact, now: float, size_max: int
    ) -> bytes | None:
        """Answer a FIND_VALUE with the lie whose turn it is, every other FIND_NODE with contacts that are none."""
        if isinstance(request, Store):
            self._remember(request.record)
        elif isinstance(request, StoreMany):
            for _, encoded in request.records:
                self._remember(encoded)
        elif isinstance(request, FindValue):
            return self._values(request_id, request)
        elif isinstance(request, FindNode) and self.asked % 2:
            return pack([NODES, request_id, TOKEN, self._no_contacts(sender)])
        return None

    def latest(self) -> Record | None:
        """Return some record that it could forge."""
        versions = list(self.versions.values())
        return versions[self.asked % len(versions)][1] if versions else None

    def _remember(self, encoded: bytes) -> None:
        try:
            record = Record.decode(encoded)
        except DecodeError:
            return
        place = (record.key, record.owner)
        if place in self.versions or len(self.versions) < KEYS_MAX:
            first, latest = self.versions.get(place, (record, record))
            self.versions[place] = (first, max(latest, record, key=lambda version: version.sequence))

    def _values(self, request_id: int, request: FindValue) -> bytes | None:
        held = [pair for (key, _), pair in self.versions.items() if key == request.key]
        if not held:
            return None
        lie = LIES[self.lies % len(LIES)]
        return pack([VALUES, request_id, TOKEN, 1, lie(*held[0]), []])

    def _no_contacts(self, sender: Contact) -> list[bytes]:
        kind = self.lies % (len(NO_ENDPOINTS) + 2)
        if kind < len(NO_ENDPOINTS):
            return [Contact(sender.public_key, NO_ENDPOINTS[kind]).pack()]
        if kind == len(NO_ENDPOINTS):
            return [b"?"] * CONTACTS_TOO_MANY
        return [sender.pack()[:-1]]


class Poisoner(Adversary):
    """Holders that lie about records."""

    def equip(self, host: Host) -> None:
        """Answer with lies, and try to store one from time to time."""
        host.overlay.dht.server = PoisonerServer(host.overlay.dht.server)
        self.every(STORE_EVERY_S, host, self._store)

    def _store(self, host: Host) -> None:
        server = host.overlay.dht.server
        latest = server.latest() if isinstance(server, PoisonerServer) else None
        if latest is not None:
            record = replace(latest, value=FORGED, sequence=latest.sequence + 1)
            host.overlay.dht.put(record, host.clock.now(), lambda result: None)
            host.pump.kick()
