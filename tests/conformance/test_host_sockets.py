"""What only real sockets have: limits on TCP connections, and descriptors that must not stay open."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import psutil
import pytest
from host_worlds import LoopbackWorld, pair

from mesh99.node.asyncio_host import HostConfig
from mesh99.node.overlay.config import OverlayConfig
from mesh99.wire.endpoint import Endpoint


def test_a_stranger_s_stream_is_closed(loopback: LoopbackWorld) -> None:
    site = loopback.add(host_config=HostConfig(stranger_s=0.1))

    async def knock() -> bytes:
        reader, writer = await asyncio.open_connection(site.endpoint.host, site.endpoint.port)
        data = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        await writer.wait_closed()
        return data

    assert loopback.loop.run_until_complete(knock()) == b""


def test_streams_over_the_limit_are_refused(loopback: LoopbackWorld) -> None:
    site = loopback.add(host_config=HostConfig(streams_max=2, stranger_s=60.0))

    async def knock() -> int:
        ends = [await asyncio.open_connection(site.endpoint.host, site.endpoint.port) for _ in range(5)]
        reads = [asyncio.create_task(reader.read()) for reader, _ in ends]
        closed = 0
        for read in asyncio.as_completed(reads, timeout=10):
            closed += await read == b""
            if closed == 3:
                break
        still_open = sum(not read.done() for read in reads)
        for _, writer in ends:
            writer.close()
            await writer.wait_closed()
        await asyncio.gather(*reads)
        return still_open

    assert loopback.loop.run_until_complete(knock()) == 2


def test_a_system_without_room_for_connections_is_asked_seldom(
    loopback: LoopbackWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mesh99.node.stream_socket.ACCEPT_PAUSE_S", 0.1)
    site = loopback.add()
    streams = vars(site.network)["_streams"]
    full = FullListener(streams._listener)
    streams._listener = full
    with socket.create_connection((site.endpoint.host, site.endpoint.port)) as caller:
        loopback.rest(0.35)
        assert 1 <= full.asked <= 4
        streams._listener = full.listener
        caller.sendall(b"\xff" * 8)  # no length of ours: closed as soon as it is read
        loopback.until(lambda: has_ended(caller))


def test_who_does_not_read_is_left_before_much_waits_for_it(
    loopback: LoopbackWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mesh99.node.stream_socket.QUEUE_BYTES_MAX", 1 << 20)
    site = loopback.add(host_config=HostConfig(stranger_s=60.0))
    streams = vars(site.network)["_streams"]._streams
    with socket.create_connection((site.endpoint.host, site.endpoint.port)) as caller:
        remote = Endpoint("tcp", *caller.getsockname())
        loopback.until(lambda: remote in streams)
        stream = streams[remote]
        most_bytes = 0
        for _ in range(1000):
            site.network.send(bytes(1 << 16), remote)
            site.network.flush()
            most_bytes = max(most_bytes, stream._queued_bytes)
    assert remote not in streams
    assert most_bytes <= (1 << 20) + (1 << 17)


class FullListener:
    """A listening socket on a system that has no descriptor left."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.asked = 0

    def accept(self) -> None:
        """Fail as the system does."""
        self.asked += 1
        raise OSError(errno.EMFILE, "Too many open files")

    def fileno(self) -> int:
        """Return the descriptor of the real one."""
        return self.listener.fileno()


def has_ended(caller: socket.socket) -> bool:
    caller.setblocking(False)
    try:
        return caller.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


@pytest.fixture
def unanswered() -> Iterator[Endpoint]:
    """Give an endpoint where a connection neither opens nor fails: its queue of new connections is full."""
    with socket.socket() as listener, ExitStack() as callers:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
        yield Endpoint("tcp", *listener.getsockname())


def test_closing_leaves_no_socket_no_task_no_file(loopback: LoopbackWorld, unanswered: Endpoint) -> None:
    process = psutil.Process()
    loopback.rest(0.01)

    def left_open() -> tuple[int, set[str], int, int]:
        sockets = process.net_connections(kind="inet")
        files = {file.path for file in process.open_files()}
        return process.num_fds(), files, len(sockets), len(asyncio.all_tasks(loopback.loop))

    before = left_open()
    a, b, call = pair(loopback, OverlayConfig(tcp_upgrade_bytes=1))
    c = loopback.add()
    a.send(call.line, bytes(3_000_000))
    c.connect(a.contact)
    c.connect(unanswered)
    loopback.until(lambda: call.line.session.path.transport == "tcp" and c.came)
    assert left_open()[0] > before[0]
    for site in (a, b, c):
        loopback.close(site)
    assert left_open() == before
