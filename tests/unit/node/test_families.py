"""Nodes of IPv4 only, of IPv6 only and of both, on real sockets: everybody reads what anybody wrote."""

from __future__ import annotations

import socket

import pytest
from node_world import Nodes, until, until_done

from mesh99.node import Node
from mesh99.node.addresses import own_address
from mesh99.wire.endpoint import IPV4, IPV6
from mesh99.wire.record import value_key

BOTH = IPV4 | IPV6
LISTEN = {IPV4: "127.0.0.1:0", IPV6: "[::1]:0", BOTH: "[::]:0"}

pytestmark = pytest.mark.skipif(not own_address(socket.AF_INET6), reason="this machine has no IPv6 address")


async def _network(nodes: Nodes, each: int) -> dict[int, list[Node]]:
    """Start so many nodes of each kind, in turn; those of both families are told of an IPv4 address only."""
    first = await nodes.start("first", listen=LISTEN[BOTH], peers=())
    met_at = {endpoint.host: str(endpoint) for endpoint in first.endpoints}
    kinds: dict[int, list[Node]] = {IPV4: [], IPV6: [], BOTH: [first]}
    for number in range(each):
        for families, listen in LISTEN.items():
            peer = met_at["::1" if families == IPV6 else "127.0.0.1"]
            kinds[families].append(await nodes.start(f"{families}-{number}", listen=listen, peers=(peer,)))
    return kinds


def _tables(node: Node) -> dict[int, set[int]]:
    """Return the families of the contacts in each of a node's tables."""
    contexts = node._require("a test").overlay.dht.contexts
    return {context.family: {entry.contact.family for entry in context.table} for context in contexts}


def _holds(node: Node, key: bytes) -> bool:
    running = node._require("a test")
    return bool(running.overlay.dht.store.get(key, running.host.now()))


async def test_everybody_reads_what_anybody_wrote(nodes: Nodes) -> None:
    kinds = await _network(nodes, 8)
    for writers, members in kinds.items():
        for number, writer in enumerate(members[-3:]):
            await writer.put(f"{writers}-{number}", f"by {writer.name}")
    for writers, members in kinds.items():
        for readers in kinds.values():
            for number, writer in enumerate(members[-3:]):
                found = await readers[number].get(f"{writers}-{number}")
                assert found.value == f"by {writer.name}"


async def test_what_both_families_write_lies_at_the_nearest_of_each(nodes: Nodes) -> None:
    kinds = await _network(nodes, 12)
    writer, key = kinds[BOTH][-1], value_key("colour")
    await writer.put("colour", "blue")
    for families in (IPV4, IPV6):
        reached = sorted(kinds[families] + kinds[BOTH], key=lambda node: node.node_id.distance(key))
        await until(lambda nearest=reached[:8]: all(_holds(node, key) for node in nearest), "eight replicas")


async def test_tables_hold_what_a_node_can_reach(nodes: Nodes) -> None:
    kinds = await _network(nodes, 3)
    assert all(_tables(node) == {IPV4: {IPV4}} for node in kinds[IPV4])
    assert all(_tables(node) == {IPV6: {IPV6}} for node in kinds[IPV6])
    assert all(_tables(node) == {IPV4: {IPV4}, IPV6: {IPV6}} for node in kinds[BOTH])


async def test_an_agent_of_both_families_is_called_where_the_caller_can(nodes: Nodes) -> None:
    kinds = await _network(nodes, 1)
    callee = kinds[BOTH][-1]
    for families in (IPV4, IPV6):
        answer = await until_done(
            lambda caller=kinds[families][0]: caller.call("echo", "x", to=callee.node_id)
        )
        assert answer.reply == "x"
