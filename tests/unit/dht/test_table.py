from random import Random

import pytest

from mesh99.dht import DhtConfig
from mesh99.dht.distance import SPACE, random_number_at
from mesh99.dht.table import RoutingTable
from mesh99.wire.identity import NodeId

OWN = NodeId(bytes(32))


@pytest.fixture
def table() -> RoutingTable:
    return RoutingTable(OWN, DhtConfig(bucket_size=4, reserve_max=2))


def test_only_new_members_are_reported(table: RoutingTable, make_contact) -> None:
    assert table.verified(make_contact(7), 1.0)
    assert not table.verified(make_contact(7), 2.0)
    assert not table.verified(make_contact(0), 3.0), "we are no contact of our own"
    assert len(table) == 1
    assert make_contact(7).node_id in table
    assert make_contact(8).node_id not in table


def test_hearing_a_stranger_adds_nobody(table: RoutingTable, make_contact) -> None:
    table.heard(make_contact(7).node_id, 1.0)
    assert len(table) == 0


def test_a_contact_that_moved_is_found_at_its_new_endpoint(table: RoutingTable, make_contact) -> None:
    table.verified(make_contact(7, port=1), 1.0)
    table.verified(make_contact(7, port=2), 2.0)
    assert [contact.endpoint.port for contact in table.nearest(7, 1)] == [2]


def test_nearest_is_exact_across_buckets(make_contact) -> None:
    random = Random(3)
    table = RoutingTable(OWN, DhtConfig(bucket_size=4))
    for prefix_bits in range(12):
        for _ in range(4):
            assert table.verified(make_contact(random_number_at(0, prefix_bits, random)), 1.0)
    numbers = [entry.number for entry in table]
    targets = [random_number_at(0, prefix_bits, random) for prefix_bits in range(14)] + [0, SPACE - 1]
    for target in targets:
        expected = sorted(numbers, key=lambda number: number ^ target)
        for count in (1, 3, 7, 20, 100):
            assert [c.node_id.number for c in table.nearest(target, count)] == expected[:count]


def test_the_one_who_asks_is_left_out_without_loss(table: RoutingTable, make_contact) -> None:
    for number in (1, 2, 3):
        table.verified(make_contact(number), 1.0)
    assert [c.node_id.number for c in table.nearest(1, 2, exclude=make_contact(1).node_id)] == [3, 2]


def test_contacts_with_failures_come_last_and_only_when_needed(table: RoutingTable, make_contact) -> None:
    for number in (1, 2, 3):
        table.verified(make_contact(number), 1.0)
    assert not table.failed(make_contact(1).node_id)
    assert [c.node_id.number for c in table.nearest(1, 2)] == [3, 2]
    assert [c.node_id.number for c in table.nearest(1, 3)] == [3, 2, 1]


def test_two_failures_evict_and_the_reserve_steps_in(table: RoutingTable, make_contact) -> None:
    far = [make_contact(SPACE // 2 + number) for number in range(6)]
    for contact in far:
        table.verified(contact, 1.0)
    assert len(table) == 4
    assert not table.failed(far[0].node_id)
    assert table.failed(far[0].node_id)
    assert far[0].node_id not in table
    assert far[5].node_id in table
    assert len(table) == 4
    for contact in (far[1], far[2]):
        table.failed(contact.node_id)
        table.failed(contact.node_id)
    assert len(table) == 3
    assert not table.failed(far[0].node_id), "strangers cannot fail"


def test_a_sign_of_life_forgives_failures(table: RoutingTable, make_contact) -> None:
    contact = make_contact(9)
    table.verified(contact, 1.0)
    table.failed(contact.node_id)
    table.heard(contact.node_id, 2.0)
    assert not table.failed(contact.node_id)


def test_one_public_subnet_gets_two_places_per_bucket(table: RoutingTable, make_contact) -> None:
    far = [make_contact(SPACE // 2 + number, f"8.8.8.{number + 1}") for number in range(4)]
    assert [table.verified(contact, 1.0) for contact in far] == [True, True, False, False]
    assert table.verified(make_contact(SPACE // 2 + 9, "8.8.9.1"), 1.0)
    table.failed(far[0].node_id)
    table.failed(far[0].node_id)
    assert table.verified(far[2], 2.0), "an eviction gives the place back"


def test_one_public_subnet_gets_ten_places_in_all(make_contact) -> None:
    table = RoutingTable(OWN, DhtConfig())
    contacts = [make_contact(1 << bit, f"8.8.8.{bit + 1}") for bit in range(15)]
    assert sum(table.verified(contact, 1.0) for contact in contacts) == 10


def test_a_contact_that_moves_takes_its_subnet_along(table: RoutingTable, make_contact) -> None:
    for number in (1, 2):
        table.verified(make_contact(SPACE // 2 + number, f"8.8.8.{number}"), 1.0)
    table.verified(make_contact(SPACE // 2 + 1, "9.9.9.9"), 2.0)
    assert table.verified(make_contact(SPACE // 2 + 3, "8.8.8.3"), 3.0)


def test_a_contact_that_moves_into_a_full_subnet_leaves(table: RoutingTable, make_contact) -> None:
    far = [make_contact(SPACE // 2 + number, f"8.8.{number}.1") for number in range(6)]
    for contact in far:
        table.verified(contact, 1.0)
    for number in (0, 1):
        table.verified(make_contact(SPACE // 2 + number, f"9.9.9.{number}"), 2.0)
    joined: list[int] = []
    table.on_member = lambda entry: joined.append(entry.number - SPACE // 2)
    assert not table.verified(make_contact(SPACE // 2 + 2, "9.9.9.2"), 3.0)
    assert far[2].node_id not in table
    assert joined == [5], "the reserve stepped in"
    assert len(table) == 4
    assert not table.verified(make_contact(SPACE // 2 + 1, "9.9.9.7"), 3.0)
    assert far[1].node_id in table, "within its subnet anybody may move"
    assert table.verified(make_contact(SPACE // 2 + 7, "8.8.2.1"), 4.0) is False
    assert table.verified(make_contact(1, "8.8.2.2"), 4.0), "its old subnet has the place back"


def test_far_prefixes_are_those_the_nearest_do_not_cover(make_contact) -> None:
    table = RoutingTable(OWN, DhtConfig(bucket_size=2))
    for bit in (255, 254, 253):
        table.verified(make_contact(1 << bit), 1.0)
        if bit == 255:
            assert list(table.far_prefixes(2)) == []
    assert list(table.far_prefixes(2)) == [0, 1]


def test_radius_is_everything_for_a_small_network(table: RoutingTable, make_contact) -> None:
    assert table.radius(8) == SPACE
    for bit in range(200, 204):
        table.verified(make_contact(1 << bit), 1.0)
    assert table.radius(8) < 1 << 207


def test_a_crowd_next_to_us_does_not_make_the_network_look_much_larger(make_contact) -> None:
    random = Random(5)
    for _ in range(20):
        honest, crowded = RoutingTable(OWN, DhtConfig()), RoutingTable(OWN, DhtConfig())
        for _ in range(500):
            number = random.getrandbits(256)
            honest.verified(make_contact(number), 1.0)
            crowded.verified(make_contact(number), 1.0)
        place = SPACE // 1000
        for number in range(20):
            crowded.verified(make_contact(place + number), 1.0)
        assert crowded.radius(1) > honest.radius(1) / 8, (
            "all its ten neighbours stand at half of the first distance"
        )
        assert crowded.radius(1) <= 2 * honest.radius(1)


def test_longest_known_come_first_and_failed_ones_not_at_all(table: RoutingTable, make_contact) -> None:
    for number in (5, 1, 3):
        table.verified(make_contact(number), float(number))
    table.heard(make_contact(1).node_id, 9.0)
    table.failed(make_contact(3).node_id)
    assert [c.node_id.number for c in table.longest_known(5)] == [1, 5]
    assert len(table.longest_known(1)) == 1
