"""What a lab consists of, as data: sites, each a chain of boxes, and the addresses of all that.

A site is written `BOX` or `BOX+BOX` (inner, then outer: a home behind a carrier), a box `KIND[:MODIFIER...]`:

    port                  one host behind a port-restricted box
    sym:timeout=5         UDP mappings end after 5 s
    port:hosts=2:isolated two hosts behind one box, which cannot see each other in the LAN
    port+sym:hosts=2      two homes, one host each, behind one carrier-grade symmetric NAT

Kinds: none, fw (filters only), full, addr, port (mapping independent of the endpoint, filtering by nothing, address,
address and port), sym, symseq (a mapping for each endpoint, at random or counted up), udpblock; cgnat is port+port,
cgnatsym port+sym. Modifiers: hairpin, preserve (ports), timeout=SECONDS, hosts=NUMBER, isolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a box does to UDP, in the terms of RFC 4787 (EIM: endpoint-independent mapping, and so on)."""

    NONE = "none"  # no box: the host has a public address
    FW = "fw"  # a stateful firewall, no translation
    FULL = "full"  # EIM, endpoint-independent filtering
    ADDR = "addr"  # EIM, address-dependent filtering
    PORT = "port"  # EIM, address-and-port-dependent filtering
    SYM = "sym"  # address-and-port-dependent mapping and filtering, random ports
    SYMSEQ = "symseq"  # the same, each port one more than the last
    UDPBLOCK = "udpblock"  # no UDP at all, TCP passes


# A carrier's NAT in front of the subscriber's own router.
CARRIERS = {"cgnat": "port+port", "cgnatsym": "port+sym"}


@dataclass(frozen=True)
class Box:
    """One box; `hosts` counts what is behind it: hosts, or for an outer box, whole inner boxes."""

    kind: Kind
    hairpin: bool = False
    preserve: bool = False
    timeout_s: int | None = None
    hosts: int = 1
    isolated: bool = False

    @classmethod
    def parse(cls, text: str) -> Box:
        """Read `KIND[:MODIFIER...]`; ValueError says what is wrong."""
        kind, *modifiers = text.split(":")
        values: dict[str, bool | int] = {}
        for modifier in modifiers:
            name, _, value = modifier.partition("=")
            if name in ("hairpin", "preserve", "isolated") and not value:
                values[name] = True
            elif name in ("timeout", "hosts") and value.isdecimal() and int(value):
                values["timeout_s" if name == "timeout" else name] = int(value)
            else:
                raise ValueError(f"{text!r}: no such modifier: {modifier!r}")
        return cls(Kind(kind), **values)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Site:
    """Boxes from the hosts outwards; the last one has the public address."""

    boxes: tuple[Box, ...]

    @classmethod
    def parse(cls, text: str) -> Site:
        """Read `BOX[+BOX...]`; the modifiers of `cgnat` and `cgnatsym` are those of the carrier's box."""
        name, colon, modifiers = text.partition(":")
        text = CARRIERS.get(name, name) + colon + modifiers
        boxes = tuple(Box.parse(part) for part in text.split("+"))
        if len(boxes) > 1 and any(box.kind in (Kind.NONE, Kind.FW) for box in boxes):
            raise ValueError(
                f"{text!r}: `none` and `fw` stand alone, since their hosts have public addresses"
            )
        if boxes[0].kind is Kind.NONE and boxes[0] != Box(Kind.NONE):
            raise ValueError(f"{text!r}: without a box there is nothing to modify")
        return cls(boxes)


# Addresses that look global to every program, although none of them leaves the lab. A /16 for each server and
# each site, since programs that count addresses count whole networks.
SERVERS_MAX = 9
SITES_MAX = 26


def server_address(server: int, which: int = 1) -> str:
    """Name an address of a public server, counted from 1; each has two (RFC 5780 asks for them)."""
    return f"20.{server}.0.{which}"


def site_address(site: int, renewals: int = 0) -> str:
    """Name the public address of a site, counted from 1, after that many changes of it."""
    return f"20.{SERVERS_MAX + site}.{renewals}.1"


def firewalled_network(site: int) -> str:
    """Name the first three bytes of the public network behind a site's firewall."""
    return f"20.{SERVERS_MAX + site}.255"


def carrier_network(network: int) -> str:
    """Name the first three bytes of a network between a carrier and its subscribers (RFC 6598)."""
    return f"100.64.{network}"


def home_network(network: int) -> str:
    """Name the first three bytes of a LAN."""
    return f"192.168.{network}"
