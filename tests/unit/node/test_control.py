"""The control server: one node per home, JSON for everything, bounds."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mesh99.node.control import ControlConfig, ControlServer
from mesh99.node.control_protocol import SOCKET_NAME, exit_code_of, failure
from mesh99.node.results import Found
from mesh99.wire.errors import ConfigError, LookupFailed, NodeClosed

HOLD = "hold"


class Node:
    """One slow question, and the errors that a node has."""

    def __init__(self) -> None:
        self.held = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def get(self, key: str) -> Found:
        if key == "nothing":
            raise LookupFailed("key nothing", "put it first")
        if key == "bug":
            raise ZeroDivisionError("secret detail")
        if key == HOLD:
            self.held.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled.set()
        return Found(value=key.upper(), owner="a" * 52, hops=1, elapsed_s=0.001)

    def status(self) -> object:
        raise NodeClosed("tell its status")


@asynccontextmanager
async def serving(home: Path, config: ControlConfig | None = None) -> AsyncIterator[Node]:
    node = Node()
    server = ControlServer(node, home, config)  # type: ignore[arg-type]
    await server.start()
    try:
        yield node
    finally:
        await server.stop()


async def exchange(home: Path, data: bytes) -> bytes:
    """Send bytes and read until the other side closes."""
    # As deep as it may lie: a path relative to here is short enough.
    reader, writer = await asyncio.open_unix_connection(os.path.relpath(home / SOCKET_NAME))
    try:
        writer.write(data)
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


def http(path: str, body: bytes = b"", method: str = "POST") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def call(home: Path, path: str, body: bytes = b"", method: str = "POST") -> tuple[int, Any]:
    head, _, answer = (await exchange(home, http(path, body, method))).partition(b"\r\n\r\n")
    assert b"application/json" in head
    return int(head.split()[1]), json.loads(answer)


async def test_a_call_is_answered_with_its_result(tmp_path: Path) -> None:
    async with serving(tmp_path / "home"):
        status, reply = await call(tmp_path / "home", "/call/get", b'{"key": "word"}')
    found = {"key": "word", "value": "WORD", "from": "a" * 52, "hops": 1, "ms": 1.0}
    assert (status, reply) == (200, {"result": found})


@pytest.mark.parametrize(
    ("path", "body", "method", "status", "told"),
    [
        ("/call/get", b'{"key": "nothing"}', "POST", 404, ("key nothing was not found", "LookupFailed", 1)),
        ("/call/get", b'{"key": "bug"}', "POST", 500, ("internal error", "ZeroDivisionError", 70)),
        ("/call/status", b"", "POST", 409, ("the node is not running", "NodeClosed", 3)),
        ("/call/get", b"", "POST", 400, ("missing required field `key`", "ConfigError", 2)),
        ("/call/get", b'{"key": 7}', "POST", 400, ("`$.key`", "ConfigError", 2)),
        ("/call/get", b'{"key": "a", "b": 1}', "POST", 400, ("unknown field `b`", "ConfigError", 2)),
        ("/call/get", b"[1]", "POST", 400, ("Expected `object`", "ConfigError", 2)),
        ("/call/get", b'{"key": "\xff"}', "POST", 400, ("arguments of get", "ConfigError", 2)),
        ("/call/get", b"[" * 100_000, "POST", 400, ("arguments of get", "ConfigError", 2)),
        ("/call/nosuch", b"", "POST", 404, ("no such command", "ConfigError", 2)),
        ("/call/get/", b"", "POST", 404, ("no such command", "ConfigError", 2)),
        ("/", b"", "POST", 404, ("no such command", "ConfigError", 2)),
        ("/call/status", b"", "GET", 405, ("Method Not Allowed", "ConfigError", 2)),
        ("/call/get", b"x" * 2000, "POST", 413, ("not a control call", "ConfigError", 2)),
    ],
)
async def test_every_error_is_json_with_a_kind_and_an_exit_code(
    tmp_path: Path, path: str, body: bytes, method: str, status: int, told: tuple[str, str, int]
) -> None:
    limit = 1000 if status == 413 else 1_000_000
    async with serving(tmp_path / "home", ControlConfig(body_bytes_max=limit)):
        got, reply = await call(tmp_path / "home", path, body, method)
    assert got == status
    assert set(reply) == {"error", "hint", "kind", "exit_code"}
    assert told[0] in reply["error"]
    assert (reply["kind"], reply["exit_code"]) == told[1:]


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /call/get HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST /call/get HTTP/1.1\r\nA: " + b"b" * 100_000 + b"\r\n\r\n",
        b"POST /call/get HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        b"POST /call/get HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    ],
)
async def test_bytes_that_are_no_call_are_answered_400_in_json(tmp_path: Path, data: bytes) -> None:
    async with serving(tmp_path / "home"):
        head, _, body = (await exchange(tmp_path / "home", data)).partition(b"\r\n\r\n")
        assert head.split()[1] == b"400"
        assert set(json.loads(body)) == {"error", "hint", "kind", "exit_code"}
        assert b"Traceback" not in body
        assert (await call(tmp_path / "home", "/call/get", b'{"key": "a"}'))[0] == 200


async def test_only_the_owner_can_reach_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with serving(home):
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        assert stat.S_IMODE((home / SOCKET_NAME).stat().st_mode) == 0o600
    assert not (home / SOCKET_NAME).exists()


async def test_a_home_that_is_open_to_others_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pytest.raises(ConfigError, match="open to other users"):
        await ControlServer(Node(), tmp_path).start()  # type: ignore[arg-type]


async def test_a_home_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for home in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ConfigError, match="cannot use"):
            await ControlServer(Node(), home).start()  # type: ignore[arg-type]


async def test_a_second_node_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    async with serving(tmp_path / "home"):
        with pytest.raises(ConfigError, match="a node is already running there") as caught:
            await ControlServer(Node(), tmp_path / "home").start()  # type: ignore[arg-type]
        assert exit_code_of(caught.value) == 1
        assert (await call(tmp_path / "home", "/call/get", b'{"key": "a"}'))[0] == 200


async def test_any_live_listener_is_respected(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / SOCKET_NAME))
        other.listen()
        with pytest.raises(ConfigError, match="already running"):
            await ControlServer(Node(), tmp_path).start()  # type: ignore[arg-type]
    assert (tmp_path / SOCKET_NAME).exists()


async def test_the_socket_of_a_dead_node_is_replaced(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / SOCKET_NAME))
        dead.listen()
    async with serving(tmp_path):
        assert (await call(tmp_path, "/call/get", b'{"key": "a"}'))[0] == 200


async def test_what_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / SOCKET_NAME).write_text("precious")
    with pytest.raises(ConfigError, match="is not a socket"):
        await ControlServer(Node(), tmp_path).start()  # type: ignore[arg-type]
    assert (tmp_path / SOCKET_NAME).read_text() == "precious"
    (tmp_path / SOCKET_NAME).unlink()
    async with serving(tmp_path):  # the lock of the failed start is gone
        pass


async def test_it_can_start_again_and_stop_twice(tmp_path: Path) -> None:
    server = ControlServer(Node(), tmp_path / "home")  # type: ignore[arg-type]
    await server.stop()
    for _ in range(2):
        await server.start()
        assert (await call(tmp_path / "home", "/call/get", b'{"key": "a"}'))[0] == 200
        await server.stop()
        await server.stop()


async def test_a_home_of_any_depth_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / ("d" * 100) / ("e" * 100)
    home.mkdir(parents=True, mode=0o700)
    monkeypatch.chdir(home)
    files = open_files()
    async with serving(home):
        assert (await call(home, "/call/get", b'{"key": "a"}'))[0] == 200
        assert stat.S_IMODE((home / SOCKET_NAME).stat().st_mode) == 0o600
    await until(lambda: open_files() == files)


async def test_a_home_where_no_socket_can_be_bound_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "mesh99.node.control_socket.SOCKET_PATH_BYTES_MAX", 10_000
    )  # as if there were no short way
    with pytest.raises(ConfigError, match=r"cannot listen in .*too long"):
        await ControlServer(Node(), tmp_path / ("d" * 100)).start()  # type: ignore[arg-type]


async def test_connections_are_bounded(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with serving(home, ControlConfig(connections_max=3)):
        idle = [await asyncio.open_unix_connection(str(home / SOCKET_NAME)) for _ in range(3)]
        assert await exchange(home, b"") == b""
        for _, writer in idle:
            writer.close()
            await writer.wait_closed()
        async with asyncio.timeout(10):
            while not await is_answered(home):
                await asyncio.sleep(0.01)


async def test_a_silent_connection_is_closed(tmp_path: Path) -> None:
    async with serving(tmp_path / "home", ControlConfig(silence_s=0.05)):
        assert await exchange(tmp_path / "home", b"POST /call/get HTTP/1.1\r\nContent-Le") == b""
        assert await exchange(tmp_path / "home", http("/call/get", b"0123456789")[:-5]) == b""


async def test_a_slow_call_is_not_silence(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with serving(home, ControlConfig(silence_s=0.05)) as node:
        asking = asyncio.create_task(exchange(home, http("/call/get", b'{"key": "hold"}')))
        await node.held.wait()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(asking), 0.2)
        assert not node.cancelled.is_set()
    assert await asking == b""


async def test_a_caller_that_leaves_cancels_its_call(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with serving(home) as node:
        _, writer = await asyncio.open_unix_connection(str(home / SOCKET_NAME))
        writer.write(http("/call/get", b'{"key": "hold"}'))
        await node.held.wait()
        writer.close()
        await asyncio.wait_for(node.cancelled.wait(), 10)


async def is_answered(home: Path) -> bool:
    return b"200 OK" in await exchange(home, http("/call/get", b'{"key": "a"}'))


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


def test_an_unknown_error_does_not_pose_as_a_known_one() -> None:
    told = failure(KeyError("x"))
    assert (told["kind"], told["exit_code"]) == ("KeyError", 70)


def test_exit_codes_tell_a_wrong_word_from_a_busy_system() -> None:
    assert exit_code_of(ConfigError("listen", "no port")) == 2
    with pytest.raises(ConfigError) as caught:
        fail_to_listen()
    assert exit_code_of(caught.value) == 1


def fail_to_listen() -> None:
    try:
        raise OSError("in use")
    except OSError:
        raise ConfigError("listen", "in use") from None
