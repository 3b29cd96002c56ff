"""Where peers see this node: the word of the latest few of them.

One of them may lie, so what is asked for is what most agree on.
"""

from __future__ import annotations

from collections import Counter, OrderedDict

from ...wire.endpoint import Endpoint
from ...wire.identity import NodeId


class Observers:
    """Remember what each of a bounded number of peers says."""

    __slots__ = ("_said", "_size_max")

    def __init__(self, size_max: int) -> None:
        self._size_max = size_max
        self._said: OrderedDict[NodeId, Endpoint] = OrderedDict()

    def note(self, observer: NodeId, endpoint: Endpoint | None) -> None:
        """Take the word of a peer, unless it names nowhere."""
        if endpoint is None or not endpoint.is_usable:
            return
        self._said[observer] = endpoint
        self._said.move_to_end(observer)
        while len(self._said) > self._size_max:
            self._said.popitem(last=False)

    def forget(self, observer: NodeId) -> None:
        """Take no notice any more of a peer that left."""
        self._said.pop(observer, None)

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints that were named, the most agreed first."""
        return [endpoint for endpoint, _ in Counter(self._said.values()).most_common()]
