"""What a TURN server holds for its clients: allocations with their permissions and channels, and reserved ports."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from ...wire.endpoint import Endpoint
from ..bucket import TokenBucket
from .authentication import Proof
from .config import TurnConfig


class RelayPorts(Protocol):
    """Open the sockets of relayed transports; an endpoint of the host's is the name of its socket."""

    def open(self, family: int, count: int, *, even: bool) -> tuple[Endpoint, ...]:
        """Bind one port or two that follow each other (the first even when asked); nothing when none is free."""

    def close(self, relayed: Endpoint) -> None:
        """Close a socket."""

    def is_own(self, host: str) -> bool:
        """Tell whether an address is one of this machine."""


class FiveTuple(NamedTuple):
    """Whom an allocation belongs to: where the client is seen, and where it talks to; both name the transport."""

    client: Endpoint
    server: Endpoint


@dataclass(slots=True)
class Channel:
    """A number that stands for a peer, four bytes instead of thirty-six around each packet."""

    number: int
    peer: Endpoint
    ends_at: float


@dataclass(slots=True)
class Allocation:
    """One client's relayed transports and whom they may hear."""

    five_tuple: FiveTuple
    transaction_id: bytes
    proof: Proof
    account: str
    relayed: dict[int, Endpoint]
    """The socket of each address family."""
    ends_at: float
    bucket: TokenBucket | None
    response: bytes = b""
    """What was answered, for a request that comes again."""
    permissions: dict[str, float] = field(default_factory=dict)
    """When the permission of each host ends."""
    channels: dict[int, Channel] = field(default_factory=dict)
    channel_of: dict[Endpoint, Channel] = field(default_factory=dict)

    def permits(self, host: str, now: float) -> bool:
        """Tell whether a host may be spoken with."""
        return self.permissions.get(host, now) > now

    def forget_past(self, now: float) -> None:
        """Drop what has ended."""
        for host in [host for host, ends_at in self.permissions.items() if ends_at <= now]:
            del self.permissions[host]
        for channel in [each for each in self.channels.values() if each.ends_at <= now]:
            del self.channels[channel.number], self.channel_of[channel.peer]


class _Reservation(NamedTuple):
    relayed: Endpoint
    account: str
    ends_at: float


class Allocations:
    """Find allocations from either side, count them, and let them end."""

    def __init__(self, config: TurnConfig, ports: RelayPorts, relay_hosts: Mapping[int, str]) -> None:
        """Take the address of each family that relayed transports are reached at from outside."""
        self._config = config
        self._ports = ports
        self.relay_hosts = dict(relay_hosts)
        self._allocations: dict[FiveTuple, Allocation] = {}
        self._by_relayed: dict[Endpoint, Allocation] = {}
        self._by_public: dict[Endpoint, Allocation] = {}
        self._by_account: Counter[str] = Counter()
        self._reservations: dict[bytes, _Reservation] = {}

    def __len__(self) -> int:
        return len(self._allocations)

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is held, so that nothing can end."""
        return not self._allocations and not self._reservations

    def find(self, five_tuple: FiveTuple, now: float) -> Allocation | None:
        """Return the allocation of a client that has not ended."""
        found = self._allocations.get(five_tuple)
        return found if found is not None and found.ends_at > now else None

    def at(self, relayed: Endpoint) -> Allocation | None:
        """Return the allocation that the socket of a relayed transport belongs to."""
        return self._by_relayed.get(relayed)

    def reached_at(self, public: Endpoint) -> Allocation | None:
        """Return the allocation whose relayed transport has this address for others."""
        return self._by_public.get(public)

    def public(self, relayed: Endpoint) -> Endpoint:
        """Return the address that others reach a relayed transport at; a box may translate it one to one."""
        return relayed._replace(host=self.relay_hosts[relayed.family])

    def of_account(self, account: str) -> int:
        """Return how many allocations an account has."""
        return self._by_account[account]

    def open(self, family: int, count: int = 1, *, even: bool = False) -> tuple[Endpoint, ...]:
        """Open ports for an allocation that is being made; nothing when none is free."""
        return self._ports.open(family, count, even=even)

    def add(self, allocation: Allocation) -> None:
        """Hold an allocation until it ends, in the place of one that has ended."""
        ended = self._allocations.get(allocation.five_tuple)
        if ended is not None:
            self.remove(ended)
        self._allocations[allocation.five_tuple] = allocation
        for each in allocation.relayed.values():
            self._by_relayed[each] = self._by_public[self.public(each)] = allocation
        self._by_account[allocation.account] += 1

    def remove(self, allocation: Allocation) -> None:
        """Forget an allocation and close its ports."""
        del self._allocations[allocation.five_tuple]
        for family in list(allocation.relayed):
            self.remove_family(allocation, family)
        self._by_account[allocation.account] -= 1
        if not self._by_account[allocation.account]:
            del self._by_account[allocation.account]

    def remove_family(self, allocation: Allocation, family: int) -> None:
        """Close one of an allocation's ports."""
        relayed = allocation.relayed.pop(family)
        del self._by_relayed[relayed], self._by_public[self.public(relayed)]
        self._ports.close(relayed)

    @property
    def reserves_no_more(self) -> bool:
        """Tell whether all places for reserved ports are taken."""
        return len(self._reservations) >= self._config.reservations_max

    def reserve(self, token: bytes, relayed: Endpoint, account: str, now: float) -> None:
        """Keep an open port for the next allocation of the same account."""
        self._reservations[token] = _Reservation(relayed, account, now + self._config.reservation_s)

    def redeem(self, token: bytes, account: str, now: float) -> Endpoint | None:
        """Return the port that was reserved; None when it was not, or not for this account."""
        found = self._reservations.get(token)
        if found is None or found.account != account or found.ends_at <= now:
            return None
        del self._reservations[token]
        return found.relayed

    def close(self) -> None:
        """Let everything end."""
        self.expire(math.inf)

    def expire(self, now: float) -> None:
        """Let end what has come to its end."""
        for allocation in [each for each in self._allocations.values() if each.ends_at <= now]:
            self.remove(allocation)
        for allocation in self._allocations.values():
            allocation.forget_past(now)
        for token in [token for token, each in self._reservations.items() if each.ends_at <= now]:
            self._ports.close(self._reservations.pop(token).relayed)
