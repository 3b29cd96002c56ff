"""A NAT box: what it makes of a packet's endpoints, on the way out and on the way in (RFC 4787).

    mapping                          one outer port ...
      ENDPOINT_INDEPENDENT           per inner endpoint
      ADDRESS_DEPENDENT              per inner endpoint and outer address
      ADDRESS_AND_PORT_DEPENDENT     per inner endpoint and outer endpoint
    filtering                        on the way in passes what comes from ...
      ENDPOINT_INDEPENDENT           anybody
      ADDRESS_DEPENDENT              an address that was sent to by this mapping
      ADDRESS_AND_PORT_DEPENDENT     an endpoint that was sent to by this mapping
    ports                            the outer port is ...
      PRESERVING                     the inner one, or the next that is free
      SEQUENTIAL                     the next one
      RANDOM                         any that is free

Mappings and the permissions of the filter are forgotten when nothing went out for the time-out: each permission by
itself, as on Linux, where the mapping lives with any flow but the filter is per destination. The box moves no packets
and knows no clock: it is a function of the two endpoints, of the time, and of what passed before. TCP has mappings of
its own, which live longer; that a connection was closed is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from random import Random

from ...wire.endpoint import Endpoint

SWEEP_INTERVAL_NS = 1_000_000_000
"""A full table is searched for what has expired no more often: a flood of new mappings must not cost a search each."""


class Behaviour(IntEnum):
    """How much of the outer endpoint mapping or filtering looks at."""

    ENDPOINT_INDEPENDENT = 0
    ADDRESS_DEPENDENT = 1
    ADDRESS_AND_PORT_DEPENDENT = 2


class PortPolicy(IntEnum):
    """Which outer port a new mapping gets."""

    PRESERVING = 0
    SEQUENTIAL = 1
    RANDOM = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class NatBoxConfig:
    """Say what kind of box it is."""

    mapping: Behaviour = Behaviour.ENDPOINT_INDEPENDENT
    filtering: Behaviour = Behaviour.ADDRESS_AND_PORT_DEPENDENT
    ports: PortPolicy = PortPolicy.PRESERVING
    timeout_s: float = 120.0
    """How long a UDP mapping lives without a packet; RFC 4787 asks for 2 minutes, many boxes have 30 s."""
    tcp_timeout_s: float = 7440.0
    """The same for TCP: 2 hours and 4 minutes (RFC 5382)."""
    inbound_refresh: bool = False
    """Packets from outside keep a mapping alive too (RFC 4787 leaves it open)."""
    hairpin: bool = False
    """Packets from inside to an outer endpoint of the box come back in."""
    udp_blocked: bool = False
    """Nothing but TCP passes."""
    port_min: int = 1024
    port_max: int = 65535
    mappings_max: int = 4096
    """Mappings at once; new ones are refused beyond it. Small routers have 1,024 to 16,384."""
    permissions_max: int = 1024
    """Outer endpoints that one mapping lets in; the one that was silent longest goes first."""


class Mapping:
    """An outer port, and whom it lets in."""

    __slots__ = ("allowed_ns", "inner", "key", "outer_port", "used_ns")

    def __init__(self, key: tuple[object, ...], inner: Endpoint, outer_port: int, now_ns: int) -> None:
        self.key = key
        self.inner = inner
        self.outer_port = outer_port
        self.used_ns = now_ns
        self.allowed_ns: dict[tuple[object, ...], int] = {}
        """By what the filter looks at: when something was last sent there."""


class NatBox:
    """Translate endpoints between the inside and the outside."""

    def __init__(
        self, config: NatBoxConfig, address: str, random: Random, behind: NatBox | None = None
    ) -> None:
        self.config = config
        self.address = address
        """Its outer address; public, unless it is behind another box."""
        self.behind = behind
        """The carrier's box, on whose inside this one's outside is."""
        self.refused = 0
        self._random = random
        self._by_key: dict[tuple[object, ...], Mapping] = {}
        self._by_port: dict[tuple[str, int], Mapping] = {}
        self._swept_ns = -SWEEP_INTERVAL_NS
        self._next_port = config.port_min + random.randrange(config.port_max - config.port_min + 1)

    @property
    def mappings(self) -> int:
        """Return how many there are, also such that have expired since they were last looked at."""
        return len(self._by_key)

    @property
    def is_open(self) -> bool:
        """Tell whether it gives one outer endpoint for all destinations and lets everybody in there."""
        config = self.config
        independent = config.mapping is config.filtering is Behaviour.ENDPOINT_INDEPENDENT
        return independent and not config.udp_blocked

    def outbound(self, inner: Endpoint, destination: Endpoint, now_ns: int) -> Endpoint | None:
        """Let a packet out; return the endpoint it seems to come from, or None when it is dropped."""
        if self.config.udp_blocked and inner.transport == "udp":
            return None
        key = (inner, *_seen(destination, self.config.mapping))
        mapping = self._live(self._by_key.get(key), now_ns)
        if mapping is None:
            mapping = self._new_mapping(key, inner, now_ns)
            if mapping is None:
                self.refused += 1
                return None
        mapping.used_ns = now_ns
        self._allow(mapping, destination, now_ns)
        return Endpoint(inner.transport, self.address, mapping.outer_port)

    def inbound(self, outer: Endpoint, source: Endpoint, now_ns: int) -> Endpoint | None:
        """Let a packet in; return the inner endpoint that it is for, or None when it is dropped."""
        mapping = self._live(self._by_port.get((outer.transport, outer.port)), now_ns)
        if mapping is None or outer.host != self.address:
            return None
        seen = _seen(source, self.config.filtering)
        sent_ns = mapping.allowed_ns.get(seen)
        if sent_ns is None or now_ns - sent_ns > self._timeout_ns(mapping):
            return None
        if self.config.inbound_refresh:
            mapping.used_ns = mapping.allowed_ns[seen] = now_ns
        return mapping.inner

    def holder(self, outer: Endpoint, now_ns: int) -> Endpoint | None:
        """Return who has an outer endpoint now, whoever may send to it."""
        mapping = self._live(self._by_port.get((outer.transport, outer.port)), now_ns)
        return None if mapping is None or outer.host != self.address else mapping.inner

    def reboot(self, address: str | None = None) -> None:
        """Forget every mapping; with an address, come back under that (tell the network: `Network.readdress`)."""
        self._by_key.clear()
        self._by_port.clear()
        self.address = address or self.address

    def _allow(self, mapping: Mapping, destination: Endpoint, now_ns: int) -> None:
        allowed = mapping.allowed_ns
        seen = _seen(destination, self.config.filtering)
        # Taken out and put in again, the dict stays in the order of last use.
        if allowed.pop(seen, None) is None and len(allowed) >= self.config.permissions_max:
            del allowed[next(iter(allowed))]
        allowed[seen] = now_ns

    def _timeout_ns(self, mapping: Mapping) -> int:
        config = self.config
        return int((config.timeout_s if mapping.inner.transport == "udp" else config.tcp_timeout_s) * 1e9)

    def _live(self, mapping: Mapping | None, now_ns: int) -> Mapping | None:
        if mapping is None:
            return None
        if now_ns - mapping.used_ns <= self._timeout_ns(mapping):
            return mapping
        self._forget(mapping)
        return None

    def _forget(self, mapping: Mapping) -> None:
        del self._by_key[mapping.key]
        del self._by_port[mapping.inner.transport, mapping.outer_port]

    def _new_mapping(self, key: tuple[object, ...], inner: Endpoint, now_ns: int) -> Mapping | None:
        if len(self._by_key) >= self.config.mappings_max and now_ns - self._swept_ns >= SWEEP_INTERVAL_NS:
            self._swept_ns = now_ns
            for mapping in list(self._by_key.values()):
                self._live(mapping, now_ns)
        if len(self._by_key) >= self.config.mappings_max:
            return None
        port = self._free_port(inner, now_ns)
        if port is None:
            return None
        mapping = Mapping(key, inner, port, now_ns)
        self._by_key[key] = self._by_port[inner.transport, port] = mapping
        return mapping

    def _free_port(self, inner: Endpoint, now_ns: int) -> int | None:
        for port in self._candidates(inner):
            if self._live(self._by_port.get((inner.transport, port)), now_ns) is None:
                if self.config.ports is PortPolicy.SEQUENTIAL:
                    self._next_port = port + 1
                return port
        return None

    def _candidates(self, inner: Endpoint) -> Iterator[int]:
        """Yield the ports to try, each once."""
        low, count = self.config.port_min, self.config.port_max - self.config.port_min + 1
        if self.config.ports is PortPolicy.RANDOM:
            first = low + self._random.randrange(count)
        else:
            first = inner.port if self.config.ports is PortPolicy.PRESERVING else self._next_port
        return (low + (first - low + step) % count for step in range(count))


def _seen(outer: Endpoint, behaviour: Behaviour) -> tuple[object, ...]:
    """Return what of an outer endpoint a behaviour looks at."""
    if behaviour is Behaviour.ENDPOINT_INDEPENDENT:
        return ()
    if behaviour is Behaviour.ADDRESS_DEPENDENT:
        return (outer.host,)
    return outer.host, outer.port
