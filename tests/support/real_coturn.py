"""A real coturn on loopback."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from free_port import free_port

from mesh99.wire.endpoint import Endpoint


@asynccontextmanager
async def coturn(home: Path, *users: str, port: int = 0) -> AsyncIterator[Endpoint]:
    """Run a server whose users its own options name."""
    path = shutil.which("turnserver")
    if path is None:
        pytest.skip("turnserver is not installed (Debian: coturn)")
    server = Endpoint("udp", "127.0.0.1", port or free_port())
    with (home / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            path,
            *("-n", "--log-file", "stdout", "-L", server.host, "-p", str(server.port), "-r", "lab"),
            *("--allow-loopback-peers", "--no-tls", "--no-dtls", "--no-cli", "--pidfile", str(home / "pid")),
            *("--userdb", str(home / "db"), *users),
            stdout=log,
            stderr=log,
        )
    try:
        yield server
    except BaseException:
        print((home / "log").read_text(errors="replace"))  # pytest shows it beside the failure
        raise
    finally:
        process.terminate()
        await process.wait()
