"""Tables of nodes that have been up for long, made directly."""

from __future__ import annotations

from random import Random

import pytest

from mesh99.dht.distance import number_of, shared_prefix_bits
from mesh99.simulations.population.warm_start import Directory
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.identity import PublicKey

BUCKET = 20


def _contacts(count: int) -> list[Contact]:
    random = Random(1)
    endpoint = Endpoint("udp", "10.0.0.1", 7400)
    return [Contact(PublicKey(random.randbytes(32)), endpoint) for _ in range(count)]


@pytest.mark.parametrize("count", [2, 15, 40, 700])
def test_a_node_knows_its_nearest_and_a_full_bucket_of_each_distance(count: int) -> None:
    contacts = _contacts(count)
    directory = Directory(contacts)
    for contact in contacts[:: max(1, count // 70)]:
        known = directory.known_to(contact, BUCKET, Random(2))
        own = number_of(contact.node_id)
        others = [other for other in contacts if other is not contact]
        others.sort(key=lambda other: number_of(other.node_id) ^ own)
        assert len(dict.fromkeys(known)) == len(known)
        assert contact not in known
        assert all(near in known for near in others[:BUCKET])
        assert _buckets(known, own) == {
            bits: min(BUCKET, size) for bits, size in _buckets(others, own).items()
        }


def test_far_contacts_are_drawn() -> None:
    contacts = _contacts(500)
    directory = Directory(contacts)
    one, other = (directory.known_to(contacts[0], BUCKET, Random(seed)) for seed in (1, 2))
    assert one != other
    assert directory.known_to(contacts[0], BUCKET, Random(1)) == one


def test_contacts_are_shared_not_copied() -> None:
    contacts = _contacts(30)
    known = Directory(contacts).known_to(contacts[0], BUCKET, Random(1))
    assert all(any(each is contact for contact in contacts) for each in known)


def _buckets(contacts: list[Contact], own: int) -> dict[int, int]:
    sizes: dict[int, int] = {}
    for contact in contacts:
        bits = shared_prefix_bits(number_of(contact.node_id), own)
        sizes[bits] = sizes.get(bits, 0) + 1
    return sizes
