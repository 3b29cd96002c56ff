"""OpenDHT, in C++ with a thread per node, through Debian's Python binding (`python3-opendht`)."""

from __future__ import annotations

import asyncio
import importlib.machinery
import importlib.util
import re
import socket
from collections.abc import Callable, Sequence
from math import ceil
from pathlib import Path
from types import ModuleType
from typing import Any

from ..system import DEBIAN_PACKAGES
from .systems import Network
from .ways import HOST, Address, Way

KNOWN_NODES_MIN = 8  # its number of replicas: fewer contacts cannot hold a value
KNOWN_SHARE = 0.5  # of a smaller network: the last of ten nodes may be met after a minute
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
        self._runners: dict[int, Any] = {}
        self._way = way
        self._loop = asyncio.get_running_loop()

    async def join(self, numbers: Sequence[int], way_in: Address | None) -> Address:
        """Start them; a node is in when its table holds enough nodes: no call of OpenDHT waits for that."""
        new = {number: self._binding.DhtRunner() for number in numbers}
        for runner in new.values():
            runner.run(ipv4=HOST, port=0)
        ports = [runner.getBound(socket.AF_INET).getPort() for runner in new.values()]
        outside = self._way.outside(ports)
        self._runners |= new
        if way_in:
            await self._enter(
                list(new.values()), way_in, min(KNOWN_NODES_MIN, ceil(KNOWN_SHARE * max(numbers)))
            )
        return outside[0]

    async def _enter(self, waiting: list[Any], way_in: Address, known: int) -> None:
        host, port = way_in
        for runner in waiting:
            runner.bootstrap(host, str(port))
        while waiting := [runner for runner in waiting if known_nodes(runner) < known]:
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
            await self._loop.run_in_executor(None, self._runners.pop(node).join)

    async def close(self) -> None:
        """Stop all."""
        await self.kill(list(self._runners))


def known_nodes(runner: Any) -> int:
    """Count the nodes in a runner's routing table, which only its log shows."""
    return len(
        re.findall(r"^\s+Node [0-9a-f]{40} ", runner.getRoutingTablesLog(socket.AF_INET), re.MULTILINE)
    )


def make_network(way: Way) -> Network:
    """Make a network without nodes."""
    return OpenDhtNetwork(way)
