"""Whom this node names in its answers: contacts of the address families that whoever asks can use.

A request says which families it wants contacts of; one that says nothing gets those of the family it came over
(`want` of BEP 32). So nobody hears of contacts out of his reach, and who asks for both finds the way from one family
into the other: there a dual-stack node names itself at its address of the other family, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest

from ..wire.contact import Contact, known_contact
from ..wire.endpoint import Endpoint
from ..wire.identity import PublicKey
from .table import RoutingTable


def _nowhere() -> Sequence[Endpoint]:
    return ()


class Naming:
    """Choose contacts of one table or of all; `tables` is by family, and by 0 where a node knows of one only."""

    __slots__ = ("_own_key", "_size", "_tables", "here")

    def __init__(self, own_key: PublicKey, tables: Mapping[int, RoutingTable], size: int) -> None:
        self._own_key = own_key
        self._tables = tables
        self._size = size
        self.here: Callable[[], Sequence[Endpoint]] = _nowhere
        """Tells where this node is reached."""

    def nearest(self, target: int, sender: Contact, want: int = 0, families: int = 0) -> list[Contact]:
        """Return up to `want` contacts of each of the families, a bucket of them when it is 0, nearest first.

        Those of two families take turns, so that neither is left out where not all fit.
        """
        want = min(want, self._size) or self._size
        if len(self._tables) == 1:
            ((family, table),) = self._tables.items()
            wanted = not family or not families or family & families
            return table.nearest(target, want, exclude=sender.node_id) if wanted else []
        named = [
            self._of_family(family, target, sender, want)
            for family in self._tables
            if family & (families or sender.family)
        ]
        turns = (contact for turn in zip_longest(*named) for contact in turn)
        return [contact for contact in turns if contact is not None]

    def _of_family(self, family: int, target: int, sender: Contact, want: int) -> list[Contact]:
        nearest = self._tables[family].nearest(target, want, exclude=sender.node_id)
        ourselves = [] if family == sender.family else list(self._ourselves(family, sender))[:1]
        return ourselves + nearest

    def _ourselves(self, family: int, sender: Contact) -> Iterator[Contact]:
        """Yield this node at its addresses of a family that the sender can believe in, the narrowest scope first."""
        for endpoint in sorted(self.here(), key=lambda endpoint: endpoint.scope):
            if endpoint.transport == "udp" and endpoint.family == family and endpoint.scope >= sender.scope:
                yield known_contact(self._own_key, endpoint)
