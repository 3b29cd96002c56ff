"""TurnService: a STUN and TURN server on real sockets, UDP and TCP on each of its endpoints."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from ipaddress import ip_address, ip_network
from random import SystemRandom

from ..nat.turn.config import TurnConfig
from ..nat.turn.credentials import Credentials
from ..nat.turn.forwarding import Packet
from ..nat.turn.server import SWEEP_S, TurnServer
from ..wire.endpoint import IPV4, IPV6, Endpoint
from ..wire.errors import AlreadyStarted, ConfigError
from .addresses import ANY_V6, bind_pair, is_wildcard, own_address
from .datagram_socket import DatagramSocket
from .turn_ports import SOCKET_FAMILIES, TurnPorts, ignore_end_of_batch
from .turn_streams import TurnStream, TurnStreams

DEFAULT_LISTEN = "0.0.0.0:3478"
"""The port of STUN and TURN (RFC 8656, section 4)."""

DEFAULT_PORTS = range(49_152, 65_536)
"""The dynamic ports, as RFC 8656, section 7.2, recommends."""

ADDRESS_HINT = "give the address that clients reach this machine at, such as 203.0.113.7"
LISTEN_HINT = "listen at [::]:3478 for IPv4 and IPv6"
NETWORK_HINT = "write it in CIDR form, such as 10.0.0.0/8"

OFFLINE = {IPV4: "127.0.0.1"}
"""Relayed transports of a machine that has no way to the world."""


class TurnService:
    """Serve until stopped: `async with TurnService(...) as service: service.endpoints`."""

    def __init__(
        self,
        listen: Sequence[str],
        credentials: Credentials,
        config: TurnConfig | None = None,
        *,
        ports: range = DEFAULT_PORTS,
        allowed_peers: Iterable[str] = (),
        public_addresses: Iterable[str] = (),
    ) -> None:
        """Take where to listen, who may relay and from which ports; raise ConfigError.

        Two addresses of one family with the same port make an RFC 5780 server, which takes the next port as well.
        """
        self._listen = [Endpoint.parse(each) for each in listen]
        self._others = _others(self._listen)
        self._credentials = credentials
        self._config = config or TurnConfig()
        self._range = ports
        self._allowed_peers = _networks(allowed_peers)
        self._public_hosts = _by_family(public_addresses)
        self._udp: dict[Endpoint, DatagramSocket] = {}
        self._tcp: list[asyncio.Server] = []
        self._started = False

    async def __aenter__(self) -> TurnService:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def endpoints(self) -> list[Endpoint]:
        """Where it listens over UDP, once started; over TCP it is the same."""
        return list(self._udp)

    @property
    def tests_filtering(self) -> bool:
        """Tell whether clients can ask it for answers from elsewhere (RFC 5780)."""
        return self._others is not None

    async def start(self) -> None:
        """Open the sockets; raise ConfigError when one cannot be used."""
        if self._started:
            raise AlreadyStarted
        bound = self._bind()
        hosts = _relay_hosts(bound)
        self._check_public(hosts, bound)
        self._started = True
        self._streams = TurnStreams(self._config, self._client_message, self._stream_closed)
        random = SystemRandom()
        self._ports = TurnPorts(hosts, self._range, random, self._peer_packet)
        self.server = TurnServer(
            self._config,
            self._credentials,
            self._ports,
            hosts | self._public_hosts,
            allowed_peers=self._allowed_peers,
            others=self._others,
            unix_now=time.time,
            entropy=os.urandom,
            random=random,
            now=time.monotonic(),
        )
        await self._open(bound)
        self._ticker = asyncio.get_running_loop().call_later(SWEEP_S, self._tick)

    async def stop(self) -> None:
        """Close every socket; what was allocated ends."""
        if not self._started:
            return
        self._started = False
        self._ticker.cancel()
        for listener in self._tcp:
            listener.close()
        self._streams.close()
        self.server.close()
        for datagrams in self._udp.values():
            datagrams.close()
        await asyncio.gather(*(listener.wait_closed() for listener in self._tcp))
        self._udp, self._tcp = {}, []

    def _bind(self) -> list[tuple[socket.socket, socket.socket]]:
        """Bind UDP and TCP at each endpoint; raises ConfigError."""
        bound: list[tuple[socket.socket, socket.socket]] = []
        for wanted in self._others or self._listen:
            try:
                bound.append(bind_pair(wanted))
            except OSError as error:
                _close(bound)
                hint = "is a server running there already? choose another with --listen HOST:PORT"
                raise ConfigError("listen", f"cannot use {wanted}: {error.strerror}", hint) from None
        return bound

    def _check_public(self, hosts: dict[int, str], bound: list[tuple[socket.socket, socket.socket]]) -> None:
        """Refuse a public address of a family that no relayed transport will have."""
        for host in (host for family, host in self._public_hosts.items() if family not in hosts):
            _close(bound)
            raise ConfigError("public address", f"nothing listens at an address like {host}", LISTEN_HINT)

    async def _open(self, bound: list[tuple[socket.socket, socket.socket]]) -> None:
        loop = asyncio.get_running_loop()
        for udp, tcp in bound:
            host, port = udp.getsockname()[:2]
            endpoint = Endpoint("udp", host, port)
            self._udp[endpoint] = DatagramSocket(udp, self._receiver(endpoint), ignore_end_of_batch)
            make = partial(TurnStream, self._streams, endpoint._replace(transport="tcp"))
            self._tcp.append(await loop.create_server(make, sock=tcp))

    def _receiver(self, server: Endpoint) -> Callable[[bytes, Endpoint], None]:
        return lambda data, client: self._client_message(data, client, server)

    def _client_message(self, data: bytes, client: Endpoint, server: Endpoint) -> None:
        self._send(self.server.receive(data, client, server, time.monotonic()))

    def _peer_packet(self, data: bytes, relayed: Endpoint, peer: Endpoint) -> None:
        self._send(self.server.relayed_received(data, relayed, peer, time.monotonic()))

    def _send(self, packets: list[Packet]) -> None:
        for data, source, destination in packets:
            if self._ports.send(data, source, destination):
                continue
            datagrams = self._udp.get(source)
            if datagrams is not None:
                datagrams.send(data, destination)
            else:
                self._streams.send(data, source, destination)

    def _stream_closed(self, client: Endpoint, server: Endpoint) -> None:
        self.server.client_gone(client, server, time.monotonic())

    def _tick(self) -> None:
        now = time.monotonic()
        self.server.handle_timeout(now)
        self._streams.close_idle(lambda client, server: self.server.has_allocation(client, server, now), now)
        self._ticker = asyncio.get_running_loop().call_later(SWEEP_S, self._tick)


def _close(bound: list[tuple[socket.socket, socket.socket]]) -> None:
    for each in (each for pair in bound for each in pair):
        each.close()


def _others(listen: list[Endpoint]) -> tuple[Endpoint, Endpoint, Endpoint, Endpoint] | None:
    """Return the four endpoints of an RFC 5780 server when two addresses are given that can be told apart."""
    if len(listen) != 2:
        return None
    one, two = listen
    alike = one.family == two.family and one.port == two.port and one.host != two.host
    if not alike or not one.port or is_wildcard(one.host) or is_wildcard(two.host):
        return None
    next_port = one.port + 1
    return one, one._replace(port=next_port), two, two._replace(port=next_port)


def _relay_hosts(bound: list[tuple[socket.socket, socket.socket]]) -> dict[int, str]:
    """Return the address of each family that relayed transports are bound to: the first one that is listened at."""
    hosts: dict[int, str] = {}
    for udp, _ in bound:
        host = udp.getsockname()[0]
        if is_wildcard(host):
            families = (IPV4, IPV6) if host == ANY_V6 else (IPV4,)
            found = {family: own_address(SOCKET_FAMILIES[family]) for family in families}
        else:
            found = _by_family([host])
        hosts = {family: host for family, host in found.items() if host} | hosts
    return hosts or OFFLINE


def _networks(texts: Iterable[str]) -> tuple[str, ...]:
    """Return networks that can be read; raises ConfigError."""
    networks = tuple(texts)
    for text in networks:
        try:
            ip_network(text)
        except ValueError as error:
            raise ConfigError("allowed peers", str(error), NETWORK_HINT) from None
    return networks


def _by_family(hosts: Iterable[str]) -> dict[int, str]:
    """Return addresses by family; raises ConfigError."""
    found: dict[int, str] = {}
    for host in hosts:
        try:
            address = ip_address(host)
        except ValueError:
            raise ConfigError("public address", f"{host!r} is not an ip address", ADDRESS_HINT) from None
        found[IPV4 if address.version == 4 else IPV6] = str(address)
    return found
