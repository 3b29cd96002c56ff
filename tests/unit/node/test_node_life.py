"""How nodes begin and end: starting, joining, stopping, coming back; and what is left over."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from free_port import free_port
from node_world import DEADLINE_S, Nodes, udp_of, until, until_done

from mesh99.node import Message, Node, NodeConfig
from mesh99.node.overlay.config import OverlayConfig
from mesh99.wire.errors import (
    AlreadyStarted,
    ConfigError,
    HandshakeFailed,
    MeshError,
    NodeClosed,
)


class Ask(Message):
    text: str = ""


class Wait(Message):
    pass


def serve(node: Node) -> Node:
    """Answer `Ask` at once and `Wait` never."""

    @node.on(Ask)
    def ask(request: Ask) -> Ask:
        return Ask(text=f"{node.name}: {request.text}")

    @node.on(Wait)
    async def wait(request: Wait) -> None:
        await asyncio.Event().wait()

    return node


# starting


async def test_a_node_must_run_before_it_is_used(nodes: Nodes) -> None:
    node = nodes.make("idle")
    uses: list[Callable[[], Awaitable[object]]] = [
        lambda: node.request(Ask(), to="x"),
        lambda: node.call("echo", 1, to="x"),
        lambda: node.send(Ask(), to="x"),
        lambda: node.post("Ask", {}, to="x"),
        lambda: node.find("x"),
        lambda: node.resolve("x"),
        lambda: node.put("k", "v"),
        lambda: node.get("k"),
        lambda: node.get_many(["k"]),
        lambda: node.trace("k"),
        lambda: node.ping("x"),
    ]
    for use in uses:
        with pytest.raises(NodeClosed) as raised:
            await use()
        assert raised.value.hint
    for see in (node.peers, node.status, node.events):
        with pytest.raises(NodeClosed):
            see()
    assert (node.endpoints, node.uuid) == ((), None)
    await node.stop()


async def test_a_node_starts_once_and_may_stop_twice_and_start_again(nodes: Nodes) -> None:
    server = serve(await nodes.start("server"))
    node = await nodes.start("node")
    with pytest.raises(AlreadyStarted):
        await node.start()
    await node.stop()
    await node.stop()
    with pytest.raises(NodeClosed):
        await node.find("x")
    await node.start()
    assert await node.request(Ask(text="again"), to=server.node_id) == Ask(text="server: again")


async def test_stopping_ends_the_block_of_async_with() -> None:
    node = Node(registries=())

    async def fail() -> None:
        async with node:
            assert node.endpoints
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        await fail()
    assert node.endpoints == ()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_port_that_is_taken_is_named_and_nothing_stays_open(nodes: Nodes, transport: str) -> None:
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if transport == "tcp":
            taken.listen()
        node = nodes.make(listen=f"127.0.0.1:{taken.getsockname()[1]}")
        before = psutil.Process().num_fds()
        with pytest.raises(ConfigError) as raised:
            await node.start()
        assert raised.value.field == "listen"
        assert raised.value.hint
        assert psutil.Process().num_fds() == before
    await node.start()
    assert node.endpoints


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"listen": "nonsense"}, "endpoint"),
        ({"peers": ("127.0.0.1:99999",)}, "endpoint"),
        ({"registries": ("ftp://x",)}, "registry"),
        ({"capabilities": ("x" * 65,)}, "capabilities"),
        ({"name": "x" * 65}, "name"),
    ],
)
async def test_a_bad_option_is_refused_by_its_name(nodes: Nodes, options: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as raised:
        await nodes.start(**options)
    assert field in raised.value.field


async def test_twenty_nodes_join_at_once_and_find_each_other(nodes: Nodes) -> None:
    first = serve(await nodes.start("node0", capabilities=["number 0"]))
    rest = [serve(nodes.make(f"node{i}", capabilities=[f"number {i}"])) for i in range(1, 20)]
    await asyncio.gather(*(node.start() for node in rest))
    everybody = [first, *rest]
    for i, node in enumerate(everybody):
        other = (i + 7) % 20
        wanted = everybody[other].node_id
        [record] = await until_done(partial(node.find, f"number {other}"))
        assert record.node_id == wanted
        reply = await node.request(Ask(text="hi"), capability=f"number {other}", timeout_s=DEADLINE_S)
        assert reply == Ask(text=f"node{other}: hi")
        assert (await node.resolve(wanted.short)).name == f"node{other}"


# stopping


async def test_stopping_fails_what_is_under_way_at_once(nodes: Nodes) -> None:
    server = serve(await nodes.start("server"))
    asker = await nodes.start("asker")
    dead = nodes.make()
    under_way = [
        asyncio.create_task(asker.request(Wait(), to=server.node_id, timeout_s=600)),
        asyncio.create_task(asker.call("Wait", {}, to=server.node_id, timeout_s=600)),
    ]
    await until(lambda: asker.peers())
    await asyncio.sleep(0.05)
    looking = [
        asyncio.create_task(asker.resolve(dead.node_id.text, timeout_s=600)),
        asyncio.create_task(asker.ping(server.node_id.text, 1, timeout_s=600)),
        asyncio.create_task(asker.find("nobody", timeout_s=600)),
        asyncio.create_task(asker.put("k", "v", timeout_s=600)),
    ]
    await asyncio.sleep(0)
    await asker.stop()
    done, late = await asyncio.wait(under_way + looking, timeout=2.0)
    for task in late:
        task.cancel()
    assert not late
    for task in under_way:
        assert isinstance(task.exception(), NodeClosed)
    for task in looking:
        assert task.exception() is None or isinstance(task.exception(), MeshError)
    assert len(done) == 6


async def test_stopping_ends_a_search_among_the_dead(nodes: Nodes) -> None:
    server = await nodes.start("server")
    asker = await nodes.start("asker")
    await crash(server)
    searches = [
        asker.find("nobody", timeout_s=600),
        asker.ping(server.node_id.text, 1, timeout_s=600),
        asker.get("k", timeout_s=600),
        asker.trace("k", timeout_s=600),
    ]
    tasks = [asyncio.create_task(search) for search in searches]
    await asyncio.sleep(0.01)
    assert not any(task.done() for task in tasks)
    await asker.stop()
    for error in await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), DEADLINE_S):
        assert isinstance(error, NodeClosed)


async def test_stopping_a_node_that_starts_ends_its_start(nodes: Nodes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        node = nodes.make(peers=(f"127.0.0.1:{silent.getsockname()[1]}",))
        start = asyncio.create_task(node.start())
        await until(lambda: node.endpoints)
        await asyncio.sleep(0.05)
        await node.stop()
        done, _ = await asyncio.wait([start], timeout=DEADLINE_S)
    assert done
    assert isinstance(start.exception(), NodeClosed)


async def test_stopping_while_it_starts_is_clean(nodes: Nodes) -> None:
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with silent:
        silent.bind(("127.0.0.1", 0))
        impatient = NodeConfig(overlay=OverlayConfig(dial_timeout_s=0.5))
        node = nodes.make(peers=(f"127.0.0.1:{silent.getsockname()[1]}",), config=impatient)
        start = asyncio.create_task(node.start())
        await until(lambda: node.endpoints)
        await asyncio.sleep(0.05)
        start.cancel()
        with pytest.raises(asyncio.CancelledError):
            await start
    assert node.endpoints == ()
    await node.start()


async def test_stopping_leaves_nothing_open(nodes: Nodes, tmp_path: Path) -> None:
    process = psutil.Process()

    def left() -> tuple[int, set[str], int]:
        return process.num_fds(), {file.path for file in process.open_files()}, len(asyncio.all_tasks())

    before = left()
    home = tmp_path / "home"
    big = OverlayConfig(tcp_upgrade_bytes=1)
    server = serve(await nodes.start("server", config=NodeConfig(overlay=big)))
    async with Node(
        "asker", home=home, registries=(), peers=(udp_of(server),), listen="127.0.0.1:0"
    ) as asker:
        await asker.request(Ask(text="x" * 300_000), to=server.node_id)
        assert (home / "control.sock").exists()
        waiting = asyncio.create_task(asker.request(Wait(), to=server.node_id))
        await asyncio.sleep(0.02)
        assert left()[0] > before[0]
    with pytest.raises(MeshError):
        await waiting
    await server.stop()
    assert left() == before
    assert sorted(path.name for path in home.iterdir()) == ["contacts.json", "identity.key"]


async def test_a_stopped_node_is_forgotten_by_the_program(nodes: Nodes) -> None:
    """Nothing of a node's life holds it in memory: not a timer, not a callback."""
    gc.collect()
    before = count("Overlay")
    server = serve(await nodes.start("server"))
    asker = await nodes.start("asker")
    await asker.request(Ask(), to=server.node_id)
    assert count("Overlay") == before + 2
    await asker.stop()
    await server.stop()
    await until(lambda: gc.collect() >= 0 and count("Overlay") == before)


def count(name: str) -> int:
    return sum(type(thing).__name__ == name for thing in gc.get_objects())


# coming back


async def test_a_peer_that_restarts_is_reached_by_the_next_request(nodes: Nodes, tmp_path: Path) -> None:
    first = await nodes.start("first")
    server = serve(nodes.make("server", home=tmp_path / "server", peers=(udp_of(first),)))
    await server.start()
    asker = await nodes.start("asker")
    await asker.request(Ask(text="before"), to=server.node_id, timeout_s=DEADLINE_S)
    listen = udp_of(server).removeprefix("udp://")
    await crash(server)
    again = serve(nodes.make("server", home=tmp_path / "server", listen=listen, peers=()))
    await again.start()
    assert again.node_id == server.node_id
    began = time.monotonic()
    reply = await asker.request(Ask(text="after"), to=server.node_id, timeout_s=DEADLINE_S)
    assert reply == Ask(text="server: after")
    assert time.monotonic() - began < DEADLINE_S / 2


async def crash(node: Node) -> None:
    """Take a node away as `kill -9` does: no goodbye, nothing saved."""
    running = node._running
    assert running is not None
    running.pump.abandon()
    await node.stop()


async def test_a_node_joins_again_through_its_saved_contacts(nodes: Nodes, tmp_path: Path) -> None:
    first = serve(await nodes.start("first"))
    async with Node("node", home=tmp_path / "home", registries=(), peers=(udp_of(first),)):
        pass
    assert json.loads((tmp_path / "home" / "contacts.json").read_text())
    async with Node("node", home=tmp_path / "home", registries=()) as again:
        assert await again.request(Ask(text="x"), to=first.node_id) == Ask(text="first: x")
        record = await until_done(lambda: first.resolve("node"))
        assert record.node_id == again.node_id


async def test_damaged_contacts_are_a_config_error_that_names_the_file(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with Node(home=home, registries=()):
        pass
    (home / "contacts.json").write_text("{")
    with pytest.raises(ConfigError) as raised:
        await Node(home=home, registries=()).start()
    assert "contacts.json" in (raised.value.hint or "")


async def test_a_node_alone_joins_when_its_peer_comes(nodes: Nodes) -> None:
    port = free_port()
    impatient = NodeConfig(rejoin_s=0.1, overlay=OverlayConfig(dial_timeout_s=0.3))
    early = await nodes.start("early", peers=(f"127.0.0.1:{port}",), config=impatient)
    assert early.status().peers == 0
    late = serve(await nodes.start("late", listen=f"127.0.0.1:{port}", peers=()))
    reply = await until_done(lambda: early.request(Ask(text="x"), to=late.node_id))
    assert reply == Ask(text="late: x")


# wrong networks and keys


async def test_another_network_is_named_to_who_calls(nodes: Nodes, caplog: pytest.LogCaptureFixture) -> None:
    server = serve(await nodes.start("server"))
    stranger = NodeConfig(overlay=OverlayConfig(network="elsewhere"))
    with caplog.at_level(logging.WARNING):
        asker = await nodes.start("asker", config=stranger)
    assert "wrong network" in caplog.text
    with pytest.raises(HandshakeFailed) as raised:
        await connect(asker, server)
    assert raised.value.reason == "network"
    assert raised.value.hint
    assert server.status().dropped["handshake: rejected network"] >= 1


async def test_another_key_is_named_to_who_calls(nodes: Nodes) -> None:
    server = serve(await nodes.start("server"))
    gone = await nodes.start("gone")
    asker = await nodes.start("asker")
    await until_done(lambda: asker.resolve("gone"))
    listen = udp_of(gone).removeprefix("udp://")
    await crash(gone)
    await nodes.start("another", listen=listen)
    with pytest.raises(HandshakeFailed) as raised:
        await asker.request(Ask(), to="gone", timeout_s=DEADLINE_S)
    assert raised.value.reason == "key"
    assert raised.value.hint
    assert await asker.request(Ask(text="x"), to=server.node_id) == Ask(text="server: x")


async def connect(asker: Node, server: Node) -> object:
    """Call a peer whose record both know from elsewhere."""
    running = asker._running
    assert running is not None
    record = await server.resolve(server.node_id.text)
    return await running._line_of(record, DEADLINE_S)


# what it costs

LEAN = """
import asyncio, sys
from mesh99.node import Node

async def main():
    async with Node(registries=()):
        print("aiohttp" in sys.modules, "sqlite3" in sys.modules)

asyncio.run(main())
"""


def test_a_node_without_a_home_and_a_registry_loads_no_http() -> None:
    done = subprocess.run([sys.executable, "-P", "-c", LEAN], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("False False\n", "")
