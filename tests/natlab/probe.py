"""Find out from a host what its boxes do, by the tests of RFC 4787 and RFC 5780: what was built is what is there.

The sockets of both ends are in this process, so nothing has to be agreed about. What has not arrived when a round
trip that began later is over does not arrive, so nothing waits for time to pass.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise

from .site import Host

Address = tuple[str, int]
PORTS = (3478, 3479)
LOCAL_PORT = 40000
WAIT_S = 1.0  # for what has to arrive; also the time after which UDP counts as blocked


@dataclass(frozen=True)
class Behaviour:
    """What a host's boxes do; None where it cannot be seen."""

    mapping: str  # EIM, ADM, APDM or blocked
    filtering: str | None = None  # EIF, ADF or APDF
    ports: str | None = None  # preserved, fixed, sequential or random
    hairpin: bool | None = None


class Probe:
    """Sockets at two servers with two ports each, and as many at the host as are wanted."""

    def __init__(self, host: Host, servers: Sequence[Host]) -> None:
        self._host = host
        self._local_port = LOCAL_PORT
        self._open = ExitStack()
        self._servers = [
            self._keep(server.socket(server.address, port)) for server in servers[:2] for port in PORTS
        ]

    def close(self) -> None:
        """Close all sockets."""
        self._open.close()

    def behaviour(self) -> Behaviour:
        """Run all tests but that for time-outs."""
        mapping, mapped = self._mapping()
        if mapping == "blocked":
            return Behaviour(mapping)
        return Behaviour(mapping, self._filtering(), self._ports(mapping, mapped), self._hairpin())

    def survives(self, silence_s: float) -> bool:
        """Tell whether a mapping still lets its server in after that much silence."""
        sock = self._socket()
        mapped = self._ask(sock, self._servers[0])
        assert mapped is not None
        time.sleep(silence_s)
        self._servers[0].sendto(b"late", mapped)
        return self._arrivals(sock) == [b"late"]

    def _mapping(self) -> tuple[str, list[Address]]:
        sock = self._socket()
        seen: list[Address] = []
        for server in self._servers:
            mapped = self._ask(sock, server)
            if mapped is None:
                return "blocked", []
            seen.append(mapped)
        if len(set(seen)) == 1:
            return "EIM", seen
        by_server = [set(seen[:2]), set(seen[2:])]
        return ("ADM" if all(len(addresses) == 1 for addresses in by_server) else "APDM"), seen

    def _filtering(self) -> str:
        sock = self._socket()
        asked, same_address, stranger = self._servers[:3]
        mapped = self._ask(sock, asked)
        assert mapped is not None
        stranger.sendto(b"stranger", mapped)
        same_address.sendto(b"same address", mapped)
        came = self._arrivals(sock)
        return "EIF" if b"stranger" in came else "ADF" if b"same address" in came else "APDF"

    def _ports(self, mapping: str, mapped: list[Address]) -> str:
        if mapping == "EIM":
            return "preserved" if mapped[0][1] == LOCAL_PORT else "fixed"
        ports = [port for _, port in mapped]
        steps = {after - before for before, after in pairwise(ports)}
        return "sequential" if steps == {1} else "random"

    def _hairpin(self) -> bool | None:
        inner, outer = self._socket(), self._socket()
        mapped = self._ask(inner, self._servers[0])
        assert mapped is not None
        if mapped == inner.getsockname():
            return None
        outer.sendto(b"hairpin", mapped)
        return self._arrivals(inner) == [b"hairpin"]

    def _ask(self, sock: socket.socket, server: socket.socket) -> Address | None:
        """Learn as what a server sees a socket, and let it answer; None when nothing passes."""
        sock.sendto(b"ask", server.getsockname())
        try:
            mapped: Address = server.recvfrom(99)[1]
            server.sendto(b"answer", mapped)
            sock.recv(99)
        except TimeoutError:
            return None
        return mapped

    def _arrivals(self, sock: socket.socket) -> list[bytes]:
        """List what arrives of all that has been sent to a socket: no way takes longer than a round trip.

        Another socket makes it, since a packet of the first would renew the mapping.
        """
        for server in self._servers:
            self._ask(self._socket(), server)
        sock.setblocking(False)
        came = []
        with suppress(BlockingIOError):
            while True:
                came.append(sock.recv(99))
        return came

    def _socket(self) -> socket.socket:
        self._local_port += 1
        return self._keep(self._host.socket(self._host.address, self._local_port - 1))

    def _keep(self, sock: socket.socket) -> socket.socket:
        sock.settimeout(WAIT_S)
        return self._open.enter_context(sock)


@contextmanager
def probing(host: Host, servers: Sequence[Host]) -> Iterator[Probe]:
    """Probe from a host for as long as the block lasts."""
    probe = Probe(host, servers)
    try:
        yield probe
    finally:
        probe.close()
