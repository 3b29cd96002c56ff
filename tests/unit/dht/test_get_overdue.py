"""Getting what its holders say is over."""

from __future__ import annotations

from mesh99.dht.messages import Values, encode_reply
from mesh99.dht.reading import decode
from mesh99.wire.record import Record, value_key

KEY = value_key("colour")


class Overdue:
    """A server that says of every record that its life is over."""

    def __init__(self, honest) -> None:
        self._honest = honest

    def reply(self, request_id, request, sender, now, size_max):
        data = self._honest.reply(request_id, request, sender, now, size_max)
        reply = decode(data)[1]
        if isinstance(reply, Values):
            return encode_reply(
                request_id, reply._replace(records=[(3600, each) for _, each in reply.records])
            )
        return data


def test_a_record_whose_life_is_over_by_its_holders_word_is_no_result(virtual_network) -> None:
    network = virtual_network(seed=11)
    network.join(30)
    network.run(3.0)
    author, reader = network.nodes[3], network.nodes[20]
    network.put(author, Record.create(author.identity, KEY, b"blue", sequence=1, ttl_s=3600))
    network.run(1.0)
    for node in network.nodes:
        node.dht.server = Overdue(node.dht.server)
    reader.dht.store.expire(float("inf"))
    assert network.get(reader, KEY).records == []
