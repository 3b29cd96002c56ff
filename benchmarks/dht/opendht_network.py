"""OpenDHT, in C++ with a thread per node, through Debian's Python binding (`python3-opendht`)."""

from __future__ import annotations

import asyncio
import importlib.machinery
import importlib.util
import re
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from ..system import DEBIAN_PACKAGES
from .systems import Network
from .ways import HOST, Way

KNOWN_NODES_MIN = 8  # its number of replicas: fewer contacts cannot hold a value
POLL_S = 0.05


def load_binding() -> ModuleType:
    """Load the binding by its path: an environment of its own does not see Debian's modules."""
    for suffix in importlib.machinery.EXTENSION_SUFFIXES:
        path = Path(DEBIAN_PACKAGES, f"opendht{suffix}")
        if path.exists():
            spec = importlib.util.spec_from_file_location("opendht", path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    raise ImportError("Debian's OpenDHT binding is for another Python version than this one")


class OpenDhtNetwork:
    """Runners with OpenDHT's own defaults."""

    def __init__(self, way: Way) -> None:
        self._binding: Any = load_binding()
        self._runners: list[Any] = []
        self._way = way
        self._outside: list[tuple[str, int]] = []
        self._loop = asyncio.get_running_loop()

    async def join(self, nodes: int) -> None:
        """Start them; a node is in when its table holds enough nodes: no call of OpenDHT waits for that."""
        new = [self._binding.DhtRunner() for _ in range(nodes - len(self._runners))]
        for runner in new:
            runner.run(ipv4=HOST, port=0)
        self._outside += self._way.outside([runner.getBound(socket.AF_INET).getPort() for runner in new])
        self._runners += new
        host, port = self._outside[0]
        for runner in new:
            if runner is not self._runners[0]:
                runner.bootstrap(host, str(port))
        waiting = list(self._runners)
        while waiting := [
            runner for runner in waiting if known_nodes(runner) < min(KNOWN_NODES_MIN, nodes - 1)
        ]:
            await asyncio.sleep(POLL_S)

    async def put(self, node: int, key: str, value: bytes) -> bool:
        """Put a value, and wait until OpenDHT says that it is done."""
        done: asyncio.Future[bool] = self._loop.create_future()
        hashed, wrapped = self._binding.InfoHash.get(key), self._binding.Value(value)
        self._runners[node].put(hashed, wrapped, lambda ok, _nodes: self._settle(done, bool(ok)))
        return await done

    async def get(self, node: int, key: str) -> bytes | None:
        """Get a key; the first value that comes ends the search."""
        found: asyncio.Future[bytes | None] = self._loop.create_future()

        def take(value: Any) -> bool:
            self._settle(found, bytes(value.data))
            return False

        hashed = self._binding.InfoHash.get(key)
        self._runners[node].get(hashed, take, lambda _ok, _nodes: self._settle(found, None))
        return await found

    def _settle(self, future: asyncio.Future[Any], result: object) -> None:
        """Finish an operation from OpenDHT's thread; the first result counts."""

        def finish() -> None:
            if not future.done():
                future.set_result(result)

        call_soon: Callable[..., object] = self._loop.call_soon_threadsafe
        call_soon(finish)

    async def kill(self, nodes: Sequence[int]) -> None:
        """Stop their threads and close their sockets; OpenDHT sends no goodbye."""
        for node in nodes:
            await self._loop.run_in_executor(None, self._runners[node].join)

    async def close(self) -> None:
        """Stop all."""
        await self.kill(range(len(self._runners)))


def known_nodes(runner: Any) -> int:
    """Count the nodes in a runner's routing table, which only its log shows."""
    return len(
        re.findall(r"^\s+Node [0-9a-f]{40} ", runner.getRoutingTablesLog(socket.AF_INET), re.MULTILINE)
    )


def make_network(way: Way) -> Network:
    """Make a network without nodes."""
    return OpenDhtNetwork(way)
