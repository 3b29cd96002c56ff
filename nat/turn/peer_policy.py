"""Which peers a relay may send to: hosts of the public internet, none that only the relay's own site can mean.

A relay speaks from inside its operator's network, so an address there is refused in every spelling: itself, or inside
an IPv6 address that a gateway would translate. The ranges are those of the IANA special-purpose registries (RFC 6890).
An operator's list of exceptions is for labs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

DENIED_RANGES = (
    "0.0.0.0/8",  # this network; 0.0.0.0 itself reaches the own machine
    "10.0.0.0/8",  # private
    "100.64.0.0/10",  # behind carriers' translators
    "127.0.0.0/8",  # loopback
    "169.254.0.0/16",  # link-local, where clouds keep their metadata
    "172.16.0.0/12",  # private
    "192.0.0.0/24",  # protocol assignments
    "192.0.2.0/24",  # documentation
    "192.88.99.0/24",  # 6to4 relays, given up
    "192.168.0.0/16",  # private
    "198.18.0.0/15",  # benchmarks
    "198.51.100.0/24",  # documentation
    "203.0.113.0/24",  # documentation
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, and broadcast
    "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
    "2001:db8::/32",  # documentation
    "3fff::/20",  # documentation
)

GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All that is assigned; loopback, mapped, unique-local, link-local, multicast and the rest lie outside."""

NAT64 = IPv6Network("64:ff9b::/96")
SIX_TO_FOUR = IPv6Network("2002::/16")

CACHED_MAX = 4096
"""Verdicts remembered, about 100 bytes each; one costs 10 to 20 us."""


class PeerPolicy:
    """Judge peers' addresses; `is_own` tells those of this machine, where services listen that trust it."""

    def __init__(
        self, allowed: Iterable[str] = (), is_own: Callable[[str], bool] = lambda host: False
    ) -> None:
        """Take networks in CIDR form; raises ValueError for one that is none."""
        self._allowed = tuple(ip_network(each) for each in allowed)
        self._denied = tuple(ip_network(each) for each in DENIED_RANGES)
        self._is_own = is_own
        self._verdicts: dict[str, bool] = {}

    def allows(self, host: str) -> bool:
        """Tell whether packets may go to a host, whatever listens there."""
        verdict = self._verdicts.get(host)
        if verdict is None:
            if len(self._verdicts) >= CACHED_MAX:
                self._verdicts.clear()
            address = ip_address(host)
            own = self._is_own(host) and not _is_in(address, self._allowed)
            verdict = self._verdicts[host] = not own and self._is_public(address)
        return verdict

    def is_public(self, host: str) -> bool:
        """Tell whether a host is none of a special range; it may still be this machine."""
        return self._is_public(ip_address(host))

    def _is_public(self, address: Address) -> bool:
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            return False  # TURN has a family for IPv4: this spelling is only good for passing rules
        if _is_in(address, self._allowed):
            return True
        inner = embedded(address)
        if inner is not None:
            return self.allows(str(inner))
        assigned = isinstance(address, IPv4Address) or address in GLOBAL_UNICAST
        return assigned and not _is_in(address, self._denied)


def embedded(address: Address) -> IPv4Address | None:
    """Return the IPv4 address that a gateway would make of an IPv6 one (NAT64, RFC 6052; 6to4, RFC 3056)."""
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address in SIX_TO_FOUR:
        return IPv4Address(int(address) >> 80 & 0xFFFFFFFF)
    return None


def _is_in(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)
