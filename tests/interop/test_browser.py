"""A browser's WebRTC against our TURN server: two ends in a page of Chromium that may meet over the relay only."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import web

from mesh99.nat.turn.credentials import Credentials
from mesh99.node.turn_server import TurnService

PAGE = Path(__file__).with_name("data_channel.html")
HOST = "127.0.0.1"
DEADLINE_S = 40.0
ALONE = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-loopback-in-peer-connection",
)
"""No screen, and no word to anybody but the page."""


def chromium() -> str:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed (Debian: chromium)")
    return path


@asynccontextmanager
async def page_server(told: asyncio.Future[dict[str, Any]]) -> AsyncIterator[str]:
    """Serve the page, and take what it tells."""

    async def show(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE)

    async def hear(request: web.Request) -> web.Response:
        told.set_result(await request.json())
        return web.Response()

    app = web.Application()
    app.add_routes([web.get("/", show), web.post("/told", hear)])
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, 0)
        await site.start()
        yield f"http://{HOST}:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def browsing(url: str, home: Path) -> AsyncIterator[None]:
    """Look at a page in a browser of its own."""
    quiet = {"stdout": asyncio.subprocess.DEVNULL, "stderr": asyncio.subprocess.DEVNULL}
    command = (chromium(), *ALONE, f"--user-data-dir={home}", url)
    process = await asyncio.create_subprocess_exec(*command, **quiet, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # its helpers, too
        await process.wait()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_two_ends_in_a_browser_talk_through_our_turn_server(transport: str, tmp_path: Path) -> None:
    told: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    users = Credentials({"ann": "secret"})
    async with TurnService((f"{HOST}:0",), users, allowed_peers=("127.0.0.0/8",)) as service:
        server = f"turn:{HOST}:{service.endpoints[0].port}?transport={transport}"
        query = urlencode({"url": server, "username": "ann", "credential": "secret"})
        async with page_server(told) as page, browsing(f"{page}?{query}", tmp_path):
            heard = await asyncio.wait_for(told, DEADLINE_S)
    assert heard == {"kinds": ["relay", "relay"], "errors": [], "answer": "heard 100000", "path": "relay"}


async def test_a_browser_with_a_wrong_password_is_refused(tmp_path: Path) -> None:
    told: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    async with TurnService((f"{HOST}:0",), Credentials({"ann": "secret"})) as service:
        server = f"turn:{HOST}:{service.endpoints[0].port}"
        query = urlencode({"url": server, "username": "ann", "credential": "guess"})
        async with page_server(told) as page, browsing(f"{page}?{query}", tmp_path):
            heard = await asyncio.wait_for(told, DEADLINE_S)
    assert heard["kinds"] == []
    assert any(error.startswith("401") for error in heard["errors"]), heard
