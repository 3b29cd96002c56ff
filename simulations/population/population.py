"""Who is there: every host that ever was, those that are up, and who is nearest to what among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from ...node.overlay.config import OverlayConfig
from ...wire.contact import Contact
from ...wire.crypto import Crypto
from ...wire.endpoint import IPV4, IPV6, Endpoint
from ...wire.errors import ConfigError
from ...wire.identity import Identity, NodeId
from ..host import Host
from ..network.network import Network
from ..world import World
from .host_mix import HostMix
from .nearest import NearestIndex

HOSTS_MAX = 0xFFFFFF
"""Simulated addresses are 10.x.x.x."""

Introduce = Callable[[Host, Sequence[Contact]], Sequence[Contact]]
"""Given a newcomer and contacts of hosts that are up: those that it is told of."""

Configure = Callable[[OverlayConfig], OverlayConfig]

LIVE, HONEST = range(2)
"""Positions in `Host.place`."""


class Population:
    """The hosts of one world."""

    def __init__(
        self,
        world: World,
        network: Network,
        config: OverlayConfig,
        crypto: Crypto,
        public_first: int = 0,
        mix: HostMix | None = None,
    ) -> None:
        self.hosts: dict[int, Host] = {}
        """All that ever were, by index."""
        self.live: list[Host] = []
        """Those that are up; the order is arbitrary but the same in every run."""
        self.honest_live: list[Host] = []
        self.by_node_id: dict[NodeId, Host] = {}
        self.by_endpoint: dict[Endpoint, Host] = {}
        self.on_up: list[Callable[[Host], None]] = []
        self.on_down: list[Callable[[Host], None]] = []
        self.on_joined: list[Callable[[Host], None]] = []
        self.introduce: Introduce = _as_they_are
        """Decides whom a newcomer is told of; an evil registry takes its place."""
        self.arrivals = 0
        """Starts so far, of new hosts and of those that come back."""
        self.departures = 0
        self._world = world
        self._network = network
        self._config = config
        self._crypto = crypto
        self._public_first = public_first
        """The first so many hosts are public whatever the mix of NATs: newcomers must find somebody whom they reach."""
        self._index = NearestIndex()
        self._mix = mix
        mixed = mix is not None and mix.is_mixed
        self._reached_from = {family: NearestIndex() for family in (IPV4, IPV6)} if mixed else {}
        """In a mixed network: those whom nodes of one family can reach."""

    def create(
        self,
        *,
        endpoint: Endpoint | None = None,
        honest: bool = True,
        identity: Identity | None = None,
        configure: Configure | None = None,
    ) -> Host:
        """Return a new machine that is switched off; address and key are its own if none are given.

        Its configuration is that of all, and what `configure` makes of it.
        """
        index = len(self.hosts) + 1
        if index > HOSTS_MAX:
            raise ConfigError("nodes", f"more than {HOSTS_MAX} hosts do not have addresses")
        if index <= self._public_first or not honest:
            # Adversaries choose where they are, and rent machines that everybody reaches.
            self._network.place_behind(index, None)
        config, others = self._config if configure is None else configure(self._config), list[Endpoint]()
        if self._mix is not None and honest:
            config = self._mix.config_of(index, config)
        if self._mix is not None and endpoint is None:
            endpoint, *others = self._mix.endpoints_of(index)
        host = Host(
            self._world,
            self._network,
            index,
            config,
            crypto=self._crypto,
            identity=identity,
            endpoint=endpoint,
            others=tuple(others),
            honest=honest,
            watcher=self,
        )
        self.hosts[index] = host
        self.by_node_id[host.identity.node_id] = host
        self.by_endpoint.update(dict.fromkeys(host.endpoints, host))
        return host

    def start_new(self, *, endpoint: Endpoint | None = None, honest: bool = True) -> Host:
        """Start a new host, which joins through those that are there."""
        host = self.create(endpoint=endpoint, honest=honest)
        host.start()
        return host

    def nearest(
        self, target: bytes, count: int = 1, exclude: NodeId | None = None, families: int = IPV4 | IPV6
    ) -> list[NodeId]:
        """Return the nodes nearest to a target, in order, among the honest ones that are up, joined, and open.

        Only those count that somebody reaches who speaks these address families.
        """
        return self._reached_from.get(families, self._index).nearest(target, count, exclude)

    def is_findable(self, node_id: NodeId) -> bool:
        """Tell whether a node is an honest one that anybody can call."""
        host = self.by_node_id.get(node_id)
        return host is not None and host.honest and self._network.is_open(host.index)

    def is_honest(self, node_id: NodeId) -> bool:
        """Tell whether a node is, or was, an honest one of this population."""
        host = self.by_node_id.get(node_id)
        return host is not None and host.honest

    def joined(self, host: Host) -> None:
        """Note that a host found its network."""
        host.note_joined()
        if host.honest and self._network.is_open(host.index):
            for index in self._indexes_of(host):
                index.add(host.identity.node_id)
        for listener in self.on_joined:
            listener(host)

    def any_of(self, hosts: list[Host], random: Random) -> Host | None:
        """Return one of a list at random; None when it is empty."""
        return hosts[int(random.random() * len(hosts))] if hosts else None

    def reachable(self, hosts: list[Host]) -> list[Host]:
        """Return those of a list that a stranger can call under their own endpoints: those behind no box."""
        if not self._network.has_boxes:
            return hosts
        return [host for host in hosts if self._network.box_of(host.index) is None]

    # what hosts tell of themselves

    def came_up(self, host: Host) -> None:
        """Note that a host has started."""
        self.arrivals += 1
        host.place = [len(self.live), len(self.honest_live)]
        self.live.append(host)
        if host.honest:
            self.honest_live.append(host)
        for listener in self.on_up:
            listener(host)

    def went_down(self, host: Host) -> None:
        """Note that a host is gone."""
        self.departures += 1
        _leave(self.live, host, LIVE)
        if host.honest:
            _leave(self.honest_live, host, HONEST)
            for index in self._indexes_of(host):
                index.discard(host.identity.node_id)
        for listener in self.on_down:
            listener(host)

    def _indexes_of(self, host: Host) -> list[NearestIndex]:
        return [self._index, *(self._reached_from[f] for f in self._reached_from if f & host.families)]


def _as_they_are(host: Host, contacts: Sequence[Contact]) -> Sequence[Contact]:
    return contacts


def _leave(hosts: list[Host], host: Host, place: int) -> None:
    """Take a host out of a list in one step: the last one takes its place."""
    last = hosts.pop()
    if last is not host:
        hosts[host.place[place]] = last
        last.place[place] = host.place[place]
