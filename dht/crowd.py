"""Searches that a crowd next to their key cannot hold off.

Whoever makes enough identities has some that are nearer to a key than all honest nodes. They take what is stored there,
hide it, and name nobody but each other. What they cannot do is stand everywhere: so the records of a key belong not
only to the nodes nearest to it but to its whole region, the distance within which the size of the network, estimated
from around our own id, puts a number of nodes (Sridhar et al., NDSS 2024; arXiv 2505.01139: always, because a detector
is got around by standing a little less dense).

    in the region stand     a put stores on              a get asks, while it has found nothing
    fewer than a crowd      all of them, and at least    the nearest `bucket_size`, as ever
                            as many as there are replicas
    a crowd                 those nearest, and all that  these and all that are found around the crowd
                            are found around the crowd

Around a crowd means: at random places in the shells of ever larger distance from the key. There the nearest are others
than those of the crowd, and nobody can be near to a place that is drawn when it is sought. A put and a get draw
different places and find the same nodes, because there are few in a shell.
"""

from __future__ import annotations

from ..wire.contact import Contact
from ..wire.identity import NodeId
from .distance import ID_BITS, SPACE, random_number_at
from .messages import Request
from .search import Context, LookupResult, NodeSearch, Search

REGION_NODES = 6
"""Nodes expected in a region: with none there by chance (0.2 %), sybils hide a key whatever is done. Raising it costs
stores where no attack is, as often as more than `value_replicas` stand in a region."""

CROWD_NODES = 16
"""Nodes in a region that are a crowd. Lowering it makes searches go around crowds that are none: 0.8 % of them at 16,
where the size of the network is estimated from ten neighbours, 5.9 % at 12. Raising it makes longer answers."""

AROUND_NODES = 16
"""Nodes expected within the inner edge of the largest shell, at most. Raising it costs stores under attack."""

SHELL_COUNTS = (8, 8, 4, 2)
"""Nodes sought in each shell, the largest first: each is half as wide as the one before. Raising it costs a request
each to find them and one to store."""

WIDENINGS_MAX = 4
"""Times that the shells are made four times as wide, because hardly anybody was found in them: a node that lives in a
crowd itself takes the network for larger than it is."""


class KeySearch(Search):
    """A search for those who hold the records of a key, or shall hold them."""

    __slots__ = (
        "_around",
        "_around_left",
        "_edge_bit",
        "_region",
        "_region_of",
        "_widenings_left",
        "found_around",
    )

    def __init__(self, context: Context, target: bytes, request: Request, count: int) -> None:
        super().__init__(context, target, request, count)
        self._around: list[NodeSearch] = []
        self._around_left = 0
        self.found_around: set[NodeId] = set()
        self._edge_bit = min(context.table.radius(AROUND_NODES), SPACE - 1).bit_length() - 1
        self._widenings_left = WIDENINGS_MAX
        self._region: list[Contact] = []
        self._region_of = 0
        """Of how many candidates."""

    def advance(self, now: float) -> None:
        """Ask on; go around a crowd, once."""
        if not (self.ended or self._around) and self.minds_crowds() and self.is_crowded():
            self._go_around(now)
        super().advance(now)

    def end(self, now: float) -> None:
        """End, also on the way around."""
        super().end(now)
        for search in self._around:
            search.end(now)

    def minds_crowds(self) -> bool:
        """Tell whether it is time to look for a crowd."""
        return True

    @property
    def goes_around(self) -> bool:
        """Whether nodes around a crowd are being looked for."""
        return self._around_left > 0

    def region(self) -> list[Contact]:
        """Return the nearest candidates that stand in the region of the key, as many as make a crowd."""
        candidates = self.lookup.candidates
        if len(candidates) != self._region_of:
            self._region_of = len(candidates)
            radius = self.context.table.radius(REGION_NODES)
            nearest = candidates[:CROWD_NODES]
            self._region = [candidate.contact for candidate in nearest if candidate.distance <= radius]
        return self._region

    def is_crowded(self) -> bool:
        """Tell whether more nodes stand next to the key than the size of the network says."""
        return len(self.region()) >= CROWD_NODES

    def _go_around(self, now: float) -> None:
        """Look for the nodes at a random place in each shell."""
        places = [self._place_in_shell(self._edge_bit - inwards) for inwards in range(len(SHELL_COUNTS))]
        self._around = [
            NodeSearch(self.context, place, count, self._note_around, patient=True)
            for place, count in zip(places, SHELL_COUNTS, strict=True)
        ]
        self._around_left = len(self._around)
        for search in self._around:
            search.start(now, self._around_ended)

    def _place_in_shell(self, bit: int) -> bytes:
        """Draw a place whose distance from the key has this highest bit."""
        place = random_number_at(self.target, ID_BITS - 1 - bit, self.context.random)
        return place.to_bytes(ID_BITS // 8, "big")

    def _note_around(self, result: LookupResult, now: float) -> None:
        """Have those asked who are within the largest shell."""
        if self.ended:
            return
        found = [each for each in result.contacts if (each.number ^ self.target) >> self._edge_bit <= 1]
        crowd = self.region()
        self.found_around.update(each.node_id for each in found if each not in crowd)
        self.lookup.enlist(found)

    def _around_ended(self, now: float) -> None:
        self._around_left -= 1
        if self.ended:
            return
        found_few = len(self.found_around) < self.context.config.store_quorum
        if not self._around_left and found_few and self._widenings_left and self._edge_bit < ID_BITS - 2:
            self._widenings_left -= 1
            self._edge_bit = min(self._edge_bit + 2, ID_BITS - 1)
            self._go_around(now)
        self.advance(now)
