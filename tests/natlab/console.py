"""Words for a lab that stands: let a box lose its mappings, give a site another address, cut a path, slow links down.

reboot a              the boxes of site a forget all mappings
renumber a            site a gets another public address
cut a b               nothing passes between two places any more; `cut a` is a and all others
heal a b              it does again
delay 50              every crossing of a link takes 50 ms
loss 0.1              every crossing loses a tenth
show                  list hosts and boxes with their addresses
help                  this
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .lab import Lab
from .namespace import Namespace
from .site import Host, RunningSite

PLACE = "{name:<9} {address:<16} {public:<12} {what:<20} ip netns exec {namespace} ..."


class Console:
    """Obey words about a lab."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._words: dict[str, Callable[..., str]] = {
            "reboot": self._reboot,
            "renumber": self._renumber,
            "cut": self._cut,
            "heal": self._heal,
            "delay": self._delay,
            "loss": self._loss,
            "show": self._show,
            "help": lambda: str(__doc__),
        }

    def obey(self, line: str) -> str:
        """Do what a line says, and return what to answer; what it does not understand changes nothing."""
        word, *arguments = line.split() or [""]
        if word not in self._words:
            return f"no such word: {word!r}; `help` lists them" if word else ""
        try:
            return self._words[word](*arguments)
        except (TypeError, ValueError) as error:
            return f"not understood: {error}"

    def serve(self, lines: Iterable[str]) -> None:
        """Obey line by line."""
        for line in lines:
            answer = self.obey(line)
            if answer:
                print(answer, flush=True)

    def _reboot(self, site: str) -> str:
        self._site(site).reboot()
        return f"{site} has lost its mappings"

    def _renumber(self, site: str) -> str:
        return f"{site} is {self._site(site).renumber()} now"

    def _cut(self, one: str, other: str = "") -> str:
        self._lab.cut(self._place(one), self._place(other or one))
        return f"nothing passes between {one} and {other or 'all others'}"

    def _heal(self, one: str, other: str = "") -> str:
        self._lab.cut(self._place(one), self._place(other or one), is_cut=False)
        return f"{one} and {other or 'all others'} have each other again"

    def _delay(self, milliseconds: str) -> str:
        self._lab.set_cost(delay_s=float(milliseconds) / 1e3)
        return f"a round trip takes {4 * float(milliseconds):.0f} ms"

    def _loss(self, share: str) -> str:
        self._lab.set_cost(loss=float(share))
        return f"a round trip loses {1 - (1 - float(share)) ** 4:.1%}"

    def _show(self) -> str:
        return table(self._lab)

    def _site(self, name: str) -> RunningSite:
        for site in self._lab.sites:
            if site.name == name:
                return site
        raise ValueError(f"no such site: {name!r}")

    def _place(self, name: str) -> Host | RunningSite:
        for server in self._lab.servers:
            if server.name == name:
                return server
        return self._site(name)


def places(lab: Lab) -> list[dict[str, str]]:
    """List all hosts and boxes: name, namespace, own address, public address."""
    found: list[tuple[Namespace, str, str, str]] = [
        (server, server.address, "", server.address) for server in lab.servers
    ]
    for site, text in zip(lab.sites, lab.sites_as_written, strict=True):
        found += [(box, box.gateway, f"box of {site.name}", box.wan_address) for box in site.boxes]
        found += [(host, host.address, text, site.address) for host in site.hosts]
    return [
        {"name": place.name, "namespace": place.full_name, "address": address, "what": what, "public": public}
        for place, address, what, public in found
    ]


def table(lab: Lab) -> str:
    """Write the places for people."""
    title = PLACE.format(name="name", address="address", public="outside", what="what", namespace="NAMESPACE")
    return "\n".join([title, *(PLACE.format(**place) for place in places(lab))])
