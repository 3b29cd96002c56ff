"""Sites as they run: hosts, the boxes in front of them, and their link to the internet."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from .box import RunningBox
from .internet import Internet
from .namespace import Namespace
from .topology import Box, Kind, Site, carrier_network, firewalled_network, home_network, site_address


class Host(Namespace):
    """A computer with one interface, `eth0`, behind the link of its site."""

    def __init__(self, prefix: str, name: str, address: str, link: int) -> None:
        super().__init__(prefix, name)
        self.address = address
        self.link = link

    @classmethod
    def public(cls, internet: Internet, prefix: str, name: str, addresses: Sequence[str]) -> Host:
        """Make a host that is on the internet itself."""
        host = cls(prefix, name, addresses[0], len(internet.costs))
        host.make()
        internet.attach(host, "eth0", addresses)
        return host

    def bytes(self) -> tuple[int, int]:
        """Count the bytes that it has received and sent."""
        return self.traffic("eth0")


class RunningSite:
    """Hosts behind the same link; `boxes` begins with the outermost."""

    def __init__(self, internet: Internet, number: int, site: Site) -> None:
        self.number = number
        self.site = site
        self.name = chr(ord("a") + number - 1)
        self.link = len(internet.costs)
        self.address = site_address(number)
        self.boxes: list[RunningBox] = []
        self.hosts: list[Host] = []
        self._internet = internet
        self._renewals = itertools.count(1)

    def reboot(self) -> None:
        """Let all boxes forget their mappings."""
        for box in self.boxes:
            box.reboot()

    def renumber(self) -> str:
        """Get another public address, and say which."""
        old, self.address = self.address, site_address(self.number, next(self._renewals))
        if self.boxes:
            self.boxes[0].renumber(self.address)
        else:
            self.hosts[0].ip(f"addr add {self.address}/32 dev eth0", f"addr del {old}/32 dev eth0")
            self.hosts[0].address = self.address
        self._internet.route({old: None, self.address: self.link})
        return self.address


class Sites:
    """Builds sites, each with networks of its own."""

    def __init__(self, internet: Internet, prefix: str) -> None:
        self._internet = internet
        self._prefix = prefix
        self._networks = itertools.count(1)

    def build(self, number: int, site: Site) -> RunningSite:
        """Build a site with all that is in it."""
        running = RunningSite(self._internet, number, site)
        *inner, outer = site.boxes
        if outer.kind is Kind.NONE:
            host = Host.public(self._internet, self._prefix, running.name, [running.address])
            running.hosts.append(host)
            return running
        box = self._box(running, outer, running.address, is_innermost=not inner)
        self._internet.attach(box, "wan", [running.address])
        self._fill(running, box, inner)
        return running

    def _fill(self, site: RunningSite, outer: RunningBox, inner: Sequence[Box]) -> None:
        """Put hosts behind a box, or the inner boxes with theirs."""
        for number in range(1, outer.box.hosts + 1):
            address = f"{outer.network}.{number}"
            if inner:
                box = self._box(site, inner[-1], address, is_innermost=len(inner) == 1)
                outer.plug(number, box, "wan")
                self._fill(site, box, inner[:-1])
            else:
                name = f"{site.name}{len(site.hosts) + 1}" if site.hosts else site.name
                host = Host(self._prefix, name, address, site.link)
                host.make()
                outer.plug(number, host, "eth0")
                site.hosts.append(host)
                if outer.box.kind is Kind.FW:
                    self._internet.route({address: site.link})

    def _box(self, site: RunningSite, box: Box, wan_address: str, is_innermost: bool) -> RunningBox:
        name = f"{site.name}-box{len(site.boxes) + 1}" if site.boxes else f"{site.name}-box"
        network = home_network(next(self._networks))
        if box.kind is Kind.FW:
            network = firewalled_network(site.number)
        elif not is_innermost:
            network = carrier_network(next(self._networks))
        running = RunningBox(self._prefix, name, box, wan_address, network)
        running.make()
        site.boxes.append(running)
        return running
