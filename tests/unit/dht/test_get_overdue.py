"""Getting what its holders say is over."""

from __future__ import annotations

from mesh99.dht.messages import Values, encode_reply
from mesh99.dht.reading import decode
from mesh99.wire.record import value_key

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


def test_a_record_whose_life_is_over_by_its_holders_word_is_no_result(reader) -> None:
    network, asker = reader(KEY)
    for node in network.nodes:
        node.dht.server = Overdue(node.dht.server)
    assert network.get(asker, KEY).records == []
