"""Nodes that belong together: they know each other, and can name those of them nearest to anything."""

from __future__ import annotations

from collections.abc import Iterator

from ...wire.contact import Contact
from ...wire.identity import NodeId
from ..population.nearest import NearestIndex


class Colluders:
    """The contacts of a group; to be asked for the nearest of them."""

    def __init__(self) -> None:
        self._index = NearestIndex()
        self._contacts: dict[NodeId, Contact] = {}

    def __len__(self) -> int:
        return len(self._contacts)

    def __iter__(self) -> Iterator[Contact]:
        return iter(self._contacts.values())

    def __contains__(self, node_id: bytes) -> bool:
        return node_id in self._contacts

    def add(self, contact: Contact) -> None:
        """Take one in."""
        self._contacts[contact.node_id] = contact
        self._index.add(contact.node_id)

    def nearest(self, target: bytes, count: int, exclude: NodeId | None = None) -> list[Contact]:
        """Return those nearest to a target, in order."""
        return [self._contacts[node_id] for node_id in self._index.nearest(target, count, exclude)]
