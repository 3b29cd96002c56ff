import pytest

from mesh99.dht.scope import THROUGH_RELAYS, believable, storing_subnet_of, subnet_of
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import LOOPBACK, NOWHERE, PRIVATE, PUBLIC, Endpoint
from mesh99.wire.identity import PublicKey


@pytest.mark.parametrize(
    ("host", "scope"),
    [
        ("127.0.0.1", LOOPBACK),
        ("::1", LOOPBACK),
        ("192.168.1.5", PRIVATE),
        ("10.0.0.1", PRIVATE),
        ("fd00::1", PRIVATE),
        ("8.8.8.8", PUBLIC),
        ("2a00:1450::1", PUBLIC),
        ("224.0.0.1", -1),
        ("0.0.0.0", -1),
    ],
)
def test_scope(host: str, scope: int) -> None:
    assert Endpoint("udp", host, 1).scope == scope


def test_port_zero_is_nowhere() -> None:
    assert Endpoint("udp", "8.8.8.8", 0).scope == NOWHERE


def at(host: str) -> Contact:
    return Contact(PublicKey(32), Endpoint("udp", host, 1))


def test_subnets_are_24_and_48_bits_of_public_addresses() -> None:
    assert subnet_of(at("8.8.4.4")) == bytes([8, 8, 4])
    assert subnet_of(at("2a00:1450:1::1")) == bytes.fromhex("2a0014500001")
    assert subnet_of(at("127.0.0.1")) is None
    assert subnet_of(at("192.168.0.1")) is None


def test_what_is_stored_through_relays_counts_as_from_one_subnet() -> None:
    through = [Contact(PublicKey(32), Endpoint.of_circuit(number)) for number in (1, 2)]
    assert [storing_subnet_of(each) for each in through] == [THROUGH_RELAYS] * 2
    assert storing_subnet_of(at("8.8.4.4")) == subnet_of(at("8.8.4.4"))
    assert storing_subnet_of(at("10.0.0.1")) is None


def test_a_teller_may_only_name_addresses_that_make_sense_where_it_stands(make_contact) -> None:
    here = make_contact(1, "127.0.0.1")
    site = make_contact(2, "10.0.0.2")
    world = make_contact(3, "8.8.8.8")
    nowhere = make_contact(4, "224.0.0.1")
    everybody = [here, site, world, nowhere]
    assert believable(everybody, here) == [here, site, world]
    assert believable(everybody, site) == [site, world]
    assert believable(everybody, world) == [world]
