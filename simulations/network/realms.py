"""Who can reach whom: the public network, and the insides of NAT boxes, which may lie in each other.

Every machine and every box stands in one realm: the public one (None), or the inside of a box. A packet goes out
through boxes until its destination is in the realm it has come to, then in through boxes down to a machine. It goes out
when it is sent, and in when it arrives: so two packets that cross on their way open the filters for each other, as in a
hole punched by both sides.

Private addresses are unique in the whole world here, so one can never be taken for another of the same number.
"""

from __future__ import annotations

from typing import NamedTuple

from ...wire.endpoint import Endpoint
from ...wire.errors import ConfigError
from .attachment import NOBODY, Attachment
from .nat_box import NatBox


class Way(NamedTuple):
    """A packet's endpoints as seen where it has come to, and the box that it has to enter there, if any."""

    source: Endpoint
    destination: Endpoint
    realm: NatBox | None
    enters: NatBox | None


class Realms:
    """Know where machines and boxes are, and lead packets through the boxes."""

    def __init__(self) -> None:
        self._behind: dict[int, NatBox] = {}
        self._home: dict[str, NatBox] = {}
        """By address: the box that this machine is behind."""
        self._boxes: dict[str, NatBox] = {}
        self._sites: dict[str, int] = {}
        """By address of a box that is not behind another: the node that stands for where it is."""

    @property
    def has_boxes(self) -> bool:
        """Tell whether anybody is behind one."""
        return bool(self._boxes)

    def place(self, index: int, box: NatBox | None) -> None:
        """Put a machine behind a box, or into the public network; call it before its endpoints are used."""
        if box is None:
            self._behind.pop(index, None)
            return
        self._behind[index] = box
        while box is not None:
            known = self._boxes.setdefault(box.address, box)
            if known is not box:
                raise ConfigError("nat", f"two boxes have the address {box.address}")
            self._sites.setdefault(box.address, index)
            box = box.behind

    def readdress(self, box: NatBox, address: str) -> None:
        """Give a box another outer address; its mappings are lost."""
        if address in self._boxes:
            raise ConfigError("nat", f"two boxes have the address {address}")
        del self._boxes[box.address]
        self._sites[address] = self._sites.pop(box.address)
        box.reboot(address)
        self._boxes[address] = box

    def know(self, index: int, host: str) -> None:
        """Note the address of a machine."""
        box = self._behind.get(index)
        if box is None:
            self._home.pop(host, None)
        else:
            self._home[host] = box

    def box_of(self, index: int) -> NatBox | None:
        """Return the box that a machine is behind."""
        return self._behind.get(index)

    def site(self, index: int) -> int:
        """Return the node that stands for where a machine is: all behind the same outermost box are at one place."""
        box = self._behind.get(index)
        return index if box is None else self._site_of_box(box)

    def site_at_end(self, way: Way, to: Attachment | None) -> int:
        """Return the node that stands for where a packet goes, also to a box where nobody may wait for it."""
        if way.enters is not None:
            return self._site_of_box(way.enters)
        return NOBODY if to is None else self.site(to.index)

    def _site_of_box(self, box: NatBox) -> int:
        while box.behind is not None:
            box = box.behind
        return self._sites[box.address]

    def leave(self, index: int, source: Endpoint, destination: Endpoint, now_ns: int) -> Way | None:
        """Lead a packet of a machine to the realm of its destination; None when a box drops it."""
        realm = self._behind.get(index)
        box = self._boxes.get(destination.host)
        home = self._home.get(destination.host)
        while True:
            if box is not None and box.behind is realm:
                return Way(source, destination, realm, box)
            if realm is None or (box is None and home is realm):
                return Way(source, destination, realm, None)
            if box is realm and not realm.config.hairpin:
                return None
            outer = realm.outbound(source, destination, now_ns)
            if outer is None:
                return None
            source = outer
            if box is realm:
                return Way(source, destination, realm.behind, realm)
            realm = realm.behind

    def enter(self, way: Way, now_ns: int) -> Endpoint | None:
        """Lead a packet in; return the endpoint of the machine it comes to, or None when a box drops it."""
        destination, realm, box = way.destination, way.realm, way.enters
        while box is not None:
            inner = box.inbound(destination, way.source, now_ns)
            if inner is None:
                return None
            destination, realm = inner, box
            box = self._boxes.get(destination.host)
        return destination if self._home.get(destination.host) is realm else None

    def holder(self, way: Way, now_ns: int) -> Endpoint | None:
        """Return the endpoint that has the outer one now, whether or not a filter will let the packet in."""
        destination, realm, box = way.destination, way.realm, way.enters
        while box is not None:
            inner = box.holder(destination, now_ns)
            if inner is None:
                return None
            destination, realm = inner, box
            box = self._boxes.get(destination.host)
        return destination if self._home.get(destination.host) is realm else None
