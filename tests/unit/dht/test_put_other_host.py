"""Write tokens that were given to another address of the writer than the one it stores from."""

from __future__ import annotations

from mesh99.dht.messages import FindNode, encode_reply
from mesh99.dht.reading import decode
from mesh99.dht.server import Answers
from mesh99.wire.record import Record, value_key

KEY = value_key("colour")


class TokensOfAnotherHost:
    """A server whose answers to FIND_NODE went to an address of ours that we do not store from."""

    def __init__(self, honest: Answers) -> None:
        self._honest = honest

    def reply(self, request_id, request, sender, now, size_max):
        data = self._honest.reply(request_id, request, sender, now, size_max)
        if isinstance(request, FindNode):
            return encode_reply(request_id, decode(data)[1]._replace(token=bytes(8)))
        return data


def test_a_put_whose_tokens_were_for_another_host_gets_new_ones(virtual_network) -> None:
    network = virtual_network(seed=11)
    network.join(30)
    network.run(3.0)
    for node in network.nodes:
        node.dht.server = TokensOfAnotherHost(node.dht.server)
    network.join(1)
    writer = network.nodes[-1]
    result = network.put(writer, Record.create(writer.identity, KEY, b"blue", sequence=1, ttl_s=60))
    network.run(0.5)
    assert len(result.stored_on) >= 5
    nearest = sorted(network.nodes, key=lambda node: node.node_id.distance(KEY))
    assert all(node.dht.store.get(KEY, network.now) for node in nearest[:8])
