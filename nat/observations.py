"""Where peers see this node, and what that says about the box in front of it.

One peer's word is worth little: it may lie, and it sees one mapping. An endpoint is believed when peers of two networks
and more than half of all networks heard agree on it; a lie of one network's peers never is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from itertools import pairwise
from typing import NamedTuple

from ..wire.endpoint import PUBLIC, Endpoint
from ..wire.identity import NodeId
from ..wire.memo import memo
from .behaviour import Mapping

NETWORKS_MIN = 2
"""Networks whose peers must agree."""

NETWORKS_CACHED = 1024
"""Networks of peers remembered, about 200 bytes each; a node talks to few, over and over."""

STEP_MAX = 8
"""Largest distance between two ports given one after the other that counts as a sequence."""

RUN = 3
"""Latest ports that tell a sequence: three so close together are chance once in ten million."""


class Observation(NamedTuple):
    """One peer's word: the network that it spoke from, what it saw, and when."""

    network: bytes
    seen: Endpoint
    at: float


class Observations:
    """Keep the words of the latest peers."""

    def __init__(self, observations_max: int) -> None:
        self._observations_max = observations_max
        self._said: dict[NodeId, Observation] = {}
        """The latest last."""

    def note(self, observer: NodeId, at: Endpoint, seen: Endpoint | None, now: float) -> None:
        """Take the word of a peer that is met `at`, unless it names nowhere or was not heard over UDP."""
        if seen is None or seen.transport != "udp" or not seen.is_usable or not at.is_usable:
            return
        said = self._said
        said.pop(observer, None)
        said[observer] = Observation(network_of(at), seen, now)
        if len(said) > self._observations_max:
            del said[next(iter(said))]

    def forget(self, observer: NodeId) -> None:
        """Take no notice any more of a peer that left."""
        self._said.pop(observer, None)

    def __len__(self) -> int:
        return len(self._said)

    @property
    def at_large(self) -> bool:
        """Tell whether a peer sees this node on the public internet; elsewhere boxes are of no concern."""
        return any(each.seen.scope == PUBLIC for each in self._said.values())

    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints that were named, the most agreed first."""
        return [seen for seen, _ in Counter(each.seen for each in self._said.values()).most_common()]

    def agreed(self) -> Endpoint | None:
        """Return where this node is seen, if enough peers agree."""
        votes: Counter[Endpoint] = Counter()
        for _, seen in dict.fromkeys((each.network, each.seen) for each in self._said.values()):
            votes[seen] += 1
        networks = len({each.network for each in self._said.values()})
        if not votes:
            return None
        seen, count = votes.most_common(1)[0]
        return seen if count >= NETWORKS_MIN and 2 * count > networks else None

    def mapping(self, own: Collection[Endpoint]) -> Mapping:
        """Return how the box maps, as far as peers tell; `own` are the node's own endpoints."""
        said = list(self._said.values())
        if len({each.network for each in said}) < NETWORKS_MIN:
            return Mapping.UNKNOWN
        agreed = self.agreed()
        if agreed is not None:
            return Mapping.NONE if agreed in own else Mapping.ENDPOINT_INDEPENDENT
        hosts = Counter(each.seen.host for each in said)
        host, count = hosts.most_common(1)[0]
        ports = {each.seen.port for each in said if each.seen.host == host}
        one_box = 2 * count > len(said) and 2 * len(ports) > count
        return Mapping.ADDRESS_AND_PORT_DEPENDENT if one_box else Mapping.UNKNOWN

    def step(self) -> int:
        """Return by how much the box counts its ports up, 0 if it does not: its next port can then be told ahead."""
        ports = sorted(each.seen.port for each in self._latest())
        steps = [higher - lower for lower, higher in pairwise(ports)]
        counts_up = len(ports) >= RUN and all(1 <= step <= STEP_MAX for step in steps)
        return min(steps) if counts_up else 0

    def next_port(self) -> int:
        """Return the port that a box that counts gives next, as far as was seen; 0 if there is no such box."""
        step = self.step()
        port = max(each.seen.port for each in self._latest()) + step if step else 0
        return port if port < 2**16 else 0

    def heard_at(self) -> float:
        """Return when a peer last said something."""
        return max((each.at for each in self._said.values()), default=float("-inf"))

    def _latest(self) -> list[Observation]:
        """Return the latest words; answers to questions of one moment come in any order, and so do their ports."""
        return sorted(self._said.values(), key=lambda each: each.at)[-RUN:]


@memo(NETWORKS_CACHED)
def network_of(endpoint: Endpoint) -> bytes:
    """Return the public /24 or /48 of an endpoint; of any other address, itself: there each is a machine of its own."""
    packed = endpoint.pack()
    if endpoint.scope != PUBLIC:
        return packed
    return packed[1:4] if len(packed) == 7 else packed[1:7]
