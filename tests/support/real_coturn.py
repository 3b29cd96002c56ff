"""A real coturn on loopback."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mesh99.wire.endpoint import Endpoint


def free_port() -> int:
    """Return a port that nobody uses at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def coturn(home: Path, *users: str, port: int = 0) -> AsyncIterator[Endpoint]:
    """Run a server whose users its own options name."""
    path = shutil.which("turnserver")
    if path is None:
        pytest.skip("turnserver is not installed (Debian: coturn)")
    server = Endpoint("udp", "127.0.0.1", port or free_port())
    process = await asyncio.create_subprocess_exec(
        path,
        *("-n", "--log-file", "stdout", "-L", server.host, "-p", str(server.port), "-r", "lab"),
        *("--allow-loopback-peers", "--no-tls", "--no-dtls", "--no-cli", "--pidfile", str(home / "pid")),
        *("--userdb", str(home / "db"), *users),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield server
    finally:
        process.terminate()
        await process.wait()
