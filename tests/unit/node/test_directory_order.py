"""In which order the endpoints of a record are called."""

from __future__ import annotations

from mesh99.node.directory import contacts_of
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.identity import Identity
from mesh99.wire.node_record import NodeRecord

HOME = Endpoint("udp", "192.168.1.2", 7400)
CONTAINERS = Endpoint("udp", "172.17.0.1", 7400)
MAPPED = Endpoint("udp", "20.1.0.1", 7400)
SEEN = Endpoint("udp", "20.1.0.1", 12_000)
LOOPBACK = Endpoint("udp", "127.0.0.1", 7400)


def order(*endpoints: Endpoint, own: tuple[str, ...] = ()) -> list[Endpoint]:
    identity = Identity(b"\x01" * 32)
    record = NodeRecord(
        public_key=identity.public_key,
        endpoints=endpoints,
        name="",
        capabilities=(),
        nat="easy",
        relays=(),
        sequence=1,
        ttl_s=60,
    )
    return [contact.endpoint for contact in contacts_of(record, frozenset(own))]


def test_a_public_address_and_a_private_one_come_first() -> None:
    assert order(HOME, CONTAINERS, MAPPED, SEEN) == [MAPPED, HOME, SEEN, CONTAINERS]


def test_where_one_kind_is_missing_the_others_keep_their_order() -> None:
    assert order(HOME, CONTAINERS) == [HOME, CONTAINERS]
    assert order(SEEN, MAPPED) == [SEEN, MAPPED]


def test_an_agent_of_this_machine_is_called_over_loopback_first() -> None:
    assert order(LOOPBACK, HOME, SEEN) == [SEEN, HOME]
    assert order(LOOPBACK, HOME, SEEN, own=(HOME.host,)) == [LOOPBACK, SEEN, HOME]
