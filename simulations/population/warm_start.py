"""A network as after hours of being up, without the hours: every routing table is filled directly.

Into each table go the nearest of all, which a node that is up for long knows exactly, and in each farther bucket as
many at random as it takes. One Contact a host is shared by all tables, and so are the moments at which contacts were
last heard, so that a table costs little more than its entries. What is not there: sessions (they live for minutes),
round-trip times and stored records, all of which a node that was quiet for a while does not have either.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from random import Random

from ...dht.config import DhtConfig
from ...dht.distance import ID_BITS, number_of
from ...wire.contact import Contact
from ...wire.endpoint import IPV4, IPV6
from ..host import Host

MOMENTS = 64
"""How many different times of last hearing there are; the pings that follow from them are spread as evenly."""


def warm_start(
    hosts: list[Host], reachable: list[Host], config: DhtConfig, random: Random, now: float
) -> None:
    """Fill the tables of hosts that are up with those of them that anybody can call."""
    for family in (IPV4, IPV6):
        contacts = [contact for host in reachable if (contact := host.contact_for(family))]
        speaking = [host for host in hosts if host.families & family]
        if contacts:
            _fill(speaking, Directory(contacts), config, random, now)


def _fill(hosts: list[Host], directory: Directory, config: DhtConfig, random: Random, now: float) -> None:
    moments = _moments(config, now)
    for host in hosts:
        known = directory.known_to(host.contact, config.bucket_size, random)
        random.shuffle(known)
        times = [moments[place * MOMENTS // len(known)] for place in range(len(known))]
        host.overlay.dht.remember([(contact, *time) for contact, time in zip(known, times, strict=True)], now)


def _moments(config: DhtConfig, now: float) -> list[tuple[float, float]]:
    """Return pairs of when a contact came up and when it was last heard, the longest silent first.

    All are old enough to be trusted for the longest silence there is, and their silences are spread evenly over it.
    """
    old_s = config.silent_s_max / config.silent_share
    silences = [config.silent_s_max * (MOMENTS - moment) / MOMENTS for moment in range(MOMENTS)]
    return [(now - silence_s - old_s, now - silence_s) for silence_s in silences]


class Directory:
    """All contacts, sorted by id: those that share a prefix, which are those of a bucket, stand together."""

    def __init__(self, contacts: list[Contact]) -> None:
        self._contacts = sorted(contacts, key=lambda contact: contact.node_id)
        self._numbers = [number_of(contact.node_id) for contact in self._contacts]

    def known_to(self, contact: Contact, bucket_size: int, random: Random) -> list[Contact]:
        """Return what the table of a node holds that has been up for long."""
        buckets = list(self._buckets(number_of(contact.node_id)))
        near = self._near(number_of(contact.node_id), buckets, bucket_size)
        known: list[int] = []
        for inside in buckets:
            chosen = dict.fromkeys(place for place in near if place in inside)
            more = random.sample(inside, min(len(inside), bucket_size))
            known += list(chosen | dict.fromkeys(more))[:bucket_size]
        return [self._contacts[place] for place in known]

    def _buckets(self, own: int) -> Iterator[range]:
        """Yield the places of those that belong into each bucket of a node, the farthest bucket first."""
        numbers = self._numbers
        first, end = 0, len(numbers)
        for below in range(ID_BITS - 1, -1, -1):
            if end - first <= 1:
                return
            upper_half = bisect_left(numbers, (own >> below | 1) << below, first, end)
            if own >> below & 1:
                yield range(first, upper_half)
                first = upper_half
            else:
                yield range(upper_half, end)
                end = upper_half

    def _near(self, own: int, buckets: list[range], count: int) -> list[int]:
        """Return the places of the nearest: of two buckets, all in the deeper one are nearer."""
        near: list[int] = []
        for inside in reversed(buckets):
            near += sorted(inside, key=lambda place: self._numbers[place] ^ own)[: count - len(near)]
            if len(near) >= count:
                break
        return near
