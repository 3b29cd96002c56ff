from __future__ import annotations

import asyncio
import gzip
import json
from contextlib import asynccontextmanager

import msgspec
import pytest

from mesh99.node.registry import ClientConfig, RegistryClient
from mesh99.node.registry.server import RegistryServer
from mesh99.wire.errors import ConfigError, RegistryUnavailable, RemoteRejected
from mesh99.wire.identity import Identity

GREETER = {"name": "max", "type": "server", "capabilities": ["Greet"], "note": {"kept": [1, 2]}}
SINATRA_404 = (404, "text/html", b"<h1>Sinatra doesn't know this ditty</h1>")


def owner(number):
    return Identity.generate(lambda size: bytes([number]) * size)


@asynccontextmanager
async def registry():
    async with RegistryServer("127.0.0.1:0") as server, RegistryClient(server.url) as client:
        yield client


@asynccontextmanager
async def liar(answer, prefix="", **limits):
    """Serve whatever `answer(method, path)` gives: (status, content type, body), or raw bytes; None hangs."""
    asked = []

    async def serve(reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                method, path, _ = head.split(b"\r\n")[0].decode().split(" ", 2)
                size = next(
                    (int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")), 0
                )
                await reader.readexactly(size)
                asked.append(f"{method} {path}")
                said = answer(method, path)
                if said is None:
                    await reader.read()
                elif isinstance(said, bytes):
                    writer.write(said)
                    writer.close()
                    return
                else:
                    status, content_type, body = said
                    top = f"HTTP/1.1 {status} x\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
                    writer.write(top.encode() + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{prefix}"
    async with server, RegistryClient(url, ClientConfig(**limits)) as client:
        yield client, asked


def say(value, status=200):
    return lambda method, path: (status, "application/json", json.dumps(value).encode())


def ruby(rows):
    """Answer as Agent99's own registry does: it has no /p2p and no heartbeat."""

    def answer(method, path):
        if (method, path) == ("GET", "/"):
            return 200, "application/json", msgspec.json.encode(rows)
        return SINATRA_404

    return answer


async def test_every_call_against_our_registry(signed_packet, identity):
    async with registry() as client:
        uuid = await client.register(GREETER)
        node = await client.register(signed_packet(3))
        assert await client.healthcheck() == 2
        listed = {**GREETER, "capabilities": ["greet"], "uuid": uuid}
        assert await client.discover("GREET") == [listed]
        assert (await client.list())[0] == listed
        assert [record.node_id for record in await client.nodes()] == [identity.node_id]
        for name in (node, identity.node_id.text):
            found = await client.node(name)
            assert found is not None
            assert (found.node_id, found.sequence, found.name) == (identity.node_id, 3, "writer")
        assert await client.node("nobody") is None
        assert await client.heartbeat(node)
        assert await client.withdraw(node)
        assert not await client.withdraw(node)
        assert not await client.heartbeat(node)
        assert await client.nodes() == []


async def test_a_refusal_names_code_text_and_field():
    async with registry() as client:
        with pytest.raises(RemoteRejected) as caught:
            await client.register({"capabilities": [7]})
        assert (caught.value.code, caught.value.field) == ("400", "capabilities[0]")
        assert "string" in caught.value.text


async def test_discover_encodes_what_it_asks_for():
    async with registry() as client:
        await client.register({"name": "a", "capabilities": ["say & more+ é?#/%"]})
        assert len(await client.discover("Say & More+ É?#/%")) == 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:4567",
        "127.0.0.1",
        "ftp://127.0.0.1",
        "http://",
        "http://:4567",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:port",
        "http://[::1",
        "http://host/?query=1",
        "http://host/#fragment",
        "/path",
    ],
)
def test_a_bad_url_is_a_config_error_at_once(url):
    with pytest.raises(ConfigError) as caught:
        RegistryClient(url)
    assert caught.value.field == "registry"
    assert "http://127.0.0.1:4567" in (caught.value.hint or "")


def test_a_password_in_the_url_is_not_shown():
    client = RegistryClient("https://user:secret@host:8443/agents/")
    assert client.url == "https://host:8443/agents/"


@pytest.mark.parametrize("prefix", ["/agents", "/agents/", "/a%20b/c"])
async def test_a_path_prefix_is_kept(prefix):
    async with liar(say([]), prefix) as (client, asked):
        await client.list()
        await client.discover("x")
        base = prefix.rstrip("/")
        assert asked == [f"GET {base}/", f"GET {base}/discover?capability=x"]


async def test_a_login_in_the_url_is_used():
    heads = []

    async def serve(reader, writer):
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{"agent_count":4}')
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, RegistryClient(f"http://max:smart@127.0.0.1:{port}/agents") as client:
        assert await client.healthcheck() == 4
    assert heads[0].startswith(b"GET /agents/healthcheck HTTP/1.1\r\n")
    assert b"Authorization: Basic bWF4OnNtYXJ0\r\n" in heads[0]


async def test_nothing_listens():
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    async with RegistryClient(f"http://127.0.0.1:{port}") as client:
        with pytest.raises(RegistryUnavailable) as caught:
            await client.healthcheck()
    assert caught.value.url == client.url
    assert "refused" in caught.value.reason.lower()
    assert caught.value.hint


async def test_a_name_that_does_not_resolve():
    async with RegistryClient("http://registry.invalid:4567") as client:
        with pytest.raises(RegistryUnavailable, match="resolve"):
            await client.healthcheck()


async def test_https_to_a_registry_that_speaks_none():
    async with registry() as plain, RegistryClient(plain.url.replace("http:", "https:")) as client:
        with pytest.raises(RegistryUnavailable, match="TLS"):
            await client.healthcheck()


async def test_a_registry_that_hangs_costs_the_time_limit():
    async with liar(lambda method, path: None, timeout_s=0.1) as (client, _):
        with pytest.raises(RegistryUnavailable, match=r"no answer within 0\.1 s"):
            await client.healthcheck()


def flood(method, path):
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[" + b'"x",' * 50_000


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (flood, "more than 10000 bytes"),
        (lambda method, path: (200, "application/json", b" " * 10_001), "more than 10000 bytes"),
        (lambda method, path: b"", "closed the connection"),
        (lambda method, path: b"hello\r\n\r\n", "does not speak HTTP"),
        (lambda method, path: b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[", "does not speak HTTP"),
        (lambda method, path: b"HTTP/1.1 200 OK\r\nX: " + b"y" * 99_000 + b"\r\n\r\n", "does not speak HTTP"),
        (lambda method, path: b"HTTP/1.1 302 x\r\nLocation: http://10.0.0.1/\r\n\r\n", "redirects"),
        (
            lambda method, path: (
                b"HTTP/1.1 200 x\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b" " * 10_000_000)
            ),
            "compresses",
        ),
        (lambda method, path: SINATRA_404, "404"),
        (lambda method, path: (500, "text/plain", b"NoMethodError"), "500"),
        (say({"error": "busy"}, 503), "503: busy"),
        (say({"error": "slow down"}, 429), "429: slow down"),
        (say({"error": "bad\x1b[2J\n" + "x" * 9_000}, 500), r"500: bad \[2J x+$"),
        (say({"not": "a list"}), "list of agents"),
        (lambda method, path: (200, "text/html", b"<html>"), "list of agents"),
        (lambda method, path: (200, "application/json", b"[" * 9_000), "list of agents"),
        (lambda method, path: (200, "application/json", b"\xff"), "list of agents"),
    ],
)
async def test_a_lying_registry_is_unavailable_with_the_reason(answer, reason):
    async with liar(answer, answer_bytes_max=10_000, timeout_s=2.0) as (client, _):
        with pytest.raises(RegistryUnavailable, match=reason) as caught:
            await client.list()
        assert len(caught.value.reason) < 300


@pytest.mark.parametrize(
    "value", [{}, [], {"uuid": 7}, {"uuid": ""}, {"uuid": "../../x"}, {"uuid": "x" * 65}]
)
async def test_a_registration_without_a_proper_uuid_is_no_registration(value):
    async with liar(say(value, 201)) as (client, _):
        with pytest.raises(RegistryUnavailable, match="without a uuid"):
            await client.register(GREETER)


async def test_healthcheck_of_something_else():
    for value in ({}, [], {"agent_count": "many"}):
        async with liar(say(value)) as (client, _):
            with pytest.raises(RegistryUnavailable):
                await client.healthcheck()


async def test_rows_that_are_no_packets_are_left_out():
    async with liar(say([7, None, "x", {"name": "a"}, [], {"name": "b"}, {"name": "c"}]), rows_max=6) as (
        client,
        _,
    ):
        assert await client.list() == [{"name": "a"}, {"name": "b"}]


async def test_forged_nodes_are_left_out(signed_packet, identity):
    good = signed_packet(1)
    forged = signed_packet(9)
    forged["p2p"] = {**forged["p2p"], "node_id": owner(1).node_id.text}
    rows = [{"p2p": 7}, forged, {"p2p": {"record": "AAAA"}}, {}, good]
    async with liar(say(rows)) as (client, _):
        assert [record.sequence for record in await client.nodes()] == [1]


async def test_a_flood_of_nodes_costs_a_bounded_number_of_checks(signed_packet):
    rows = [signed_packet(1, owner=owner(number)) for number in range(30)]
    async with liar(say(rows), nodes_max=5) as (client, asked):
        assert len(await client.nodes(1000)) == 5
        assert asked == ["GET /p2p/nodes?limit=5"]


async def test_nodes_come_from_the_list_of_a_registry_without_bootstrap(signed_packet, identity):
    rows = [GREETER, signed_packet(2), signed_packet(1), signed_packet(1, owner=owner(1)), {"p2p": None}]
    async with liar(ruby(rows)) as (client, asked):
        found = await client.nodes()
        assert [(record.node_id, record.sequence) for record in found] == [
            (owner(1).node_id, 1),
            (identity.node_id, 2),
        ]
        assert asked == ["GET /p2p/nodes?limit=20", "GET /"]


async def test_a_node_comes_from_the_list_of_a_registry_without_lookup(signed_packet, identity):
    rows = [{**signed_packet(2), "uuid": "u2"}, {**signed_packet(1), "uuid": "u1"}, {**GREETER, "uuid": "u3"}]
    async with liar(ruby(rows)) as (client, _):
        for name, sequence in (("u2", 2), ("u1", 1), (identity.node_id.text, 2)):
            found = await client.node(name)
            assert found is not None
            assert found.sequence == sequence
        assert await client.node("u3") is None
        assert await client.node("nobody") is None


async def test_nobody_else_is_given_for_a_node_id(signed_packet, identity):
    wanted = owner(1).node_id.text
    substitute = {**signed_packet(1), "uuid": wanted}
    async with liar(say(substitute)) as (client, _):
        assert await client.node(wanted) is None
        assert await client.node(identity.node_id.text) is not None
    async with liar(ruby([substitute])) as (client, _):
        assert await client.node(wanted) is None


async def test_heartbeat_to_a_registry_without_heartbeats_looks_at_its_list():
    async with liar(ruby([{**GREETER, "uuid": "u1"}])) as (client, asked):
        assert await client.heartbeat("u1")
        assert not await client.heartbeat("u2")
        assert asked == ["POST /heartbeat/u1", "GET /", "POST /heartbeat/u2", "GET /"]


async def test_calls_work_after_close():
    async with registry() as client:
        assert await client.healthcheck() == 0
        await client.close()
        assert await client.healthcheck() == 0
