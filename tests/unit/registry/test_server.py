from __future__ import annotations

import asyncio
import json
import logging
import re
import socket
import sqlite3

import aiohttp
import pytest

from mesh99.node.registry import RegistryConfig
from mesh99.node.registry.server import RegistryServer
from mesh99.wire.errors import AlreadyStarted, ConfigError

LISTEN = "127.0.0.1:0"
GREETER = {"name": "max", "type": "server", "capabilities": ["Greet"], "request_schema": {"type": "object"}}
UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def call(server, method, path, body=None, **options):
    """Give status, content type and body text."""
    data = json.dumps(body) if isinstance(body, dict) else body
    async with (
        aiohttp.ClientSession(server.url) as session,
        session.request(method, path, data=data, **options) as response,
    ):
        return response.status, response.headers.get("Content-Type"), await response.text()


async def register(server, packet):
    status, _, text = await call(server, "POST", "/register", packet)
    assert status == 201
    return json.loads(text)["uuid"]


async def exchange(server, data):
    """Send raw bytes and give all that comes back until the server closes."""
    host, port = server.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(data)
        async with asyncio.timeout(5):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_answers_agent99s_calls_byte_for_byte():
    async with RegistryServer(LISTEN) as server:
        json_type = "application/json"
        assert await call(server, "GET", "/healthcheck") == (200, json_type, '{"agent_count":0}')
        assert await call(server, "GET", "/") == (200, json_type, "[]")
        assert await call(server, "GET", "/discover?capability=x") == (200, json_type, "[]")
        status, content_type, text = await call(server, "POST", "/register", GREETER)
        assert (status, content_type) == (201, json_type)
        uuid = json.loads(text)["uuid"]
        assert UUID4.fullmatch(uuid)
        assert text == f'{{"uuid":"{uuid}"}}'
        row = (
            '[{"name":"max","type":"server","capabilities":["greet"],'
            f'"request_schema":{{"type":"object"}},"uuid":"{uuid}"}}]'
        )
        assert await call(server, "GET", "/") == (200, json_type, row)
        assert await call(server, "GET", "/discover?capability=GREET") == (200, json_type, row)
        assert await call(server, "GET", "/healthcheck") == (200, json_type, '{"agent_count":1}')
        status, _, text = await call(server, "DELETE", f"/withdraw/{uuid}")
        assert (status, text) == (204, "")
        gone = f'{{"error":"Agent with UUID {uuid} not found."}}'
        assert await call(server, "DELETE", f"/withdraw/{uuid}") == (404, json_type, gone)


async def test_discovers_form_encoded_capabilities():
    async with RegistryServer(LISTEN) as server:
        await register(server, {"name": "a", "capabilities": ["Say Grüezi & more+"]})
        for query in (
            "say+gr%C3%BCezi+%26+more%2B",
            "SAY%20GR%C3%9CEZI%20%26%20MORE%2b",
            "x&capability=say+gr%C3%BCezi+%26+more%2B",
        ):
            _, _, text = await call(
                server, "GET", aiohttp.client.URL(f"/discover?capability={query}", encoded=True)
            )
            assert [row["name"] for row in json.loads(text)] == ["a"], query


async def test_signed_nodes_bootstrap_each_other(signed_packet, identity):
    async with RegistryServer(LISTEN) as server:
        await register(server, GREETER)
        packet = signed_packet(1)
        uuid = await register(server, packet)
        row = {"uuid": uuid, "name": "writer", "p2p": packet["p2p"]}
        _, _, text = await call(server, "GET", "/p2p/nodes?limit=5")
        assert json.loads(text) == [row]
        for name in (uuid, identity.node_id.text):
            status, _, text = await call(server, "GET", f"/p2p/nodes/{name}")
            assert (status, json.loads(text)) == (200, row)
        status, _, text = await call(server, "GET", "/p2p/nodes/nobody")
        assert (status, json.loads(text)) == (404, {"error": "Node nobody not found."})


async def test_a_node_lives_by_heartbeats(signed_packet):
    clock = Clock()
    config = RegistryConfig(sweep_interval_s=0.01)
    async with RegistryServer(LISTEN, config=config, clock=clock) as server:
        uuid = await register(server, signed_packet(1))
        plain = await register(server, GREETER)
        clock.now = 80.0
        assert (await call(server, "POST", f"/heartbeat/{uuid}"))[0] == 204
        assert (await call(server, "POST", f"/heartbeat/{plain}"))[0] == 204
        clock.now = 169.0
        assert (await call(server, "GET", "/healthcheck"))[2] == '{"agent_count":2}'
        clock.now = 170.0
        assert (await call(server, "GET", "/healthcheck"))[2] == '{"agent_count":1}'
        status, _, text = await call(server, "POST", f"/heartbeat/{uuid}")
        assert (status, json.loads(text)) == (404, {"error": f"Agent with UUID {uuid} not found."})


async def test_lists_longer_than_a_page_arrive_whole():
    async with RegistryServer(LISTEN, config=RegistryConfig(page_rows=3)) as server:
        for count in range(1, 10):
            await register(server, {"name": f"a{count}", "capabilities": ["Greet"]})
            for path in ("/", "/discover?capability=greet"):
                _, _, text = await call(server, "GET", path)
                assert [row["name"] for row in json.loads(text)] == [
                    f"a{number}" for number in range(1, count + 1)
                ]
        status, _, text = await call(server, "HEAD", "/")
        assert (status, text) == (200, "")
        answer = await exchange(server, b"GET / HTTP/1.0\r\n\r\n")
        assert len(json.loads(answer.partition(b"\r\n\r\n")[2])) == 9


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("POST", "/register", b"{", 400, None),
        ("POST", "/register", b"", 400, None),
        ("POST", "/register", b"{}", 400, "capabilities"),
        ("POST", "/register", b'{"capabilities":[7]}', 400, "capabilities[0]"),
        ("POST", "/register", b'{"capabilities":[],"p2p":7}', 400, "p2p"),
        ("POST", "/register", b"x" * 40_000, 413, None),
        ("GET", "/discover", None, 400, "capability"),
        ("GET", "/discover?" + "a=b&" * 17, None, 400, None),
        ("GET", "/p2p/nodes?limit=0", None, 400, "limit"),
        ("GET", "/p2p/nodes?limit=-1", None, 400, "limit"),
        ("GET", "/p2p/nodes?limit=many", None, 400, "limit"),
        ("GET", "/p2p/nodes?limit=", None, 400, "limit"),
        ("GET", "/p2p/nodes?limit=" + "9" * 99, None, 400, "limit"),
        ("GET", "/nothing", None, 404, None),
        ("GET", "/healthcheck/", None, 404, None),
        ("GET", "/x//", None, 404, None),
        ("DELETE", "/withdraw/", None, 404, None),
        ("DELETE", "/withdraw/a/b", None, 404, None),
        ("DELETE", "/withdraw/%ff%00%0a", None, 404, None),
        ("POST", "/heartbeat/nobody", None, 404, None),
        ("GET", "/p2p/nodes/%2e%2e", None, 404, None),
        ("POST", "/", None, 405, None),
        ("PUT", "/register", None, 405, None),
        ("GET", "/withdraw/x", None, 405, None),
        ("PATCH", "/healthcheck", None, 405, None),
    ],
)
async def test_everything_bad_is_a_json_refusal(method, path, body, status, field):
    async with RegistryServer(LISTEN) as server:
        url = aiohttp.client.URL(path, encoded=True)
        got, content_type, text = await call(server, method, url, body)
        assert (got, content_type) == (status, "application/json")
        refusal = json.loads(text)
        assert refusal["error"]
        assert refusal.get("field") == field
        assert "Traceback" not in text
        assert (await call(server, "GET", "/healthcheck"))[0] == 200


async def test_a_wrong_method_names_the_right_one():
    async with (
        RegistryServer(LISTEN) as server,
        aiohttp.ClientSession(server.url) as session,
        session.post("/discover") as response,
    ):
        assert response.headers["Allow"] == "GET"


@pytest.mark.parametrize(
    "head",
    [
        b"POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n",
        b"POST /register HTTP/1.1\r\nConnection: close\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b",
        b"POST /register HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nBroken header\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\xff" * 300 + b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
)
async def test_malformed_http_is_refused_in_json_without_a_trace(head, caplog):
    async with RegistryServer(LISTEN) as server:
        with caplog.at_level(logging.INFO):
            answer = await exchange(server, head)
        top, _, body = answer.partition(b"\r\n\r\n")
        assert top[:10] == b"HTTP/1.1 4" or top[:10] == b"HTTP/1.0 4"
        assert json.loads(body)["error"]
        assert "Traceback" not in caplog.text
        assert (await call(server, "GET", "/healthcheck"))[0] == 200


async def test_a_client_that_expects_to_be_asked_for_its_body_is():
    async with RegistryServer(LISTEN) as server:
        body = b'{"capabilities":[]}'
        head = b"POST /register HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n"
        answer = await exchange(server, head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n")


async def test_a_body_that_never_ends_is_given_up():
    async with RegistryServer(LISTEN, config=RegistryConfig(body_timeout_s=0.1)) as server:
        head = b"POST /register HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
        answer = await exchange(server, head)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert (await call(server, "GET", "/healthcheck"))[0] == 200


async def test_a_request_that_never_ends_is_cut_off():
    async with RegistryServer(LISTEN, config=RegistryConfig(idle_timeout_s=0.1)) as server:
        assert await exchange(server, b"GET / HTTP/1.1\r\nHost:") == b""


async def test_a_reader_that_never_reads_is_cut_off():
    config = RegistryConfig(answer_timeout_s=0.3)
    async with RegistryServer(LISTEN, config=config) as server:
        for number in range(300):
            await register(server, {"name": f"a{number}", "capabilities": [], "filler": "x" * 30_000})
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as lazy:
            lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            lazy.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await until(lambda: len(server._http.connections) == 1)
            await until(lambda: len(server._http.connections) == 0)
        assert (await call(server, "GET", "/healthcheck"))[2] == '{"agent_count":300}'


async def until(condition, timeout_s=5.0):
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)


async def test_connections_are_limited():
    async with RegistryServer(LISTEN, config=RegistryConfig(connections_max=2)) as server:
        host, port = server.url.removeprefix("http://").split(":")
        held = [await asyncio.open_connection(host, int(port)) for _ in range(2)]
        await until(lambda: len(server._http.connections) == 2)
        assert await exchange(server, b"GET /healthcheck HTTP/1.1\r\nHost: x\r\n\r\n") == b""
        for _, writer in held:
            writer.close()
        await until(lambda: len(server._http.connections) == 0)
        assert (await call(server, "GET", "/healthcheck"))[0] == 200


async def test_requests_are_limited_by_address():
    clock = Clock()
    config = RegistryConfig(requests_burst=2.0, requests_per_s=1.0)
    async with RegistryServer(LISTEN, config=config, clock=clock) as server:
        statuses = [(await call(server, "GET", "/healthcheck"))[0] for _ in range(3)]
        assert statuses == [200, 200, 429]
        clock.now = 1.0
        assert (await call(server, "GET", "/healthcheck"))[0] == 200


async def test_a_broken_store_is_503_and_logged_in_one_line(monkeypatch, caplog):
    async with RegistryServer(LISTEN) as server:

        def fail(*_):
            raise sqlite3.OperationalError("disk I/O error")

        monkeypatch.setattr(server._store, "count", fail)
        status, content_type, text = await call(server, "GET", "/healthcheck")
        assert (status, content_type) == (503, "application/json")
        assert json.loads(text) == {"error": "the registry cannot use its store"}
        assert "disk I/O error" in caplog.text
        assert "Traceback" not in caplog.text


async def test_a_store_that_breaks_in_the_middle_of_a_list_breaks_the_answer(monkeypatch, caplog):
    async with RegistryServer(LISTEN, config=RegistryConfig(page_rows=2)) as server:
        for number in range(5):
            await register(server, {"name": f"a{number}", "capabilities": []})
        page = server._store.page

        def fail_later(after, limit, now):
            if after:
                raise sqlite3.OperationalError("disk I/O error")
            return page(after, limit, now)

        monkeypatch.setattr(server._store, "page", fail_later)
        answer = await exchange(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.count(b"HTTP/1.1") == 1
        assert not answer.endswith(b"0\r\n\r\n")
        assert "Traceback" not in caplog.text


async def test_agents_survive_a_restart(tmp_path, signed_packet):
    data = str(tmp_path / "registry.db")
    async with RegistryServer(LISTEN, data) as server:
        uuid = await register(server, GREETER)
        node = await register(server, signed_packet(1))
    async with RegistryServer(LISTEN, data) as server:
        _, _, text = await call(server, "GET", "/")
        assert [row["uuid"] for row in json.loads(text)] == [uuid, node]
        assert await register(server, signed_packet(2)) == node


async def test_says_why_it_cannot_start(tmp_path):
    async with RegistryServer(LISTEN, str(tmp_path / "registry.db")) as server:
        with pytest.raises(ConfigError, match="cannot listen on") as caught:
            await RegistryServer(server.url.removeprefix("http://")).start()
        assert caught.value.field == "listen"
        assert "--listen" in (caught.value.hint or "")
        with pytest.raises(ConfigError, match="in use"):
            await RegistryServer(LISTEN, str(tmp_path / "registry.db")).start()
        with pytest.raises(AlreadyStarted):
            await server.start()
    with pytest.raises(ConfigError):
        RegistryServer("nonsense")


async def test_stops_twice_and_without_start():
    server = RegistryServer(LISTEN)
    await server.stop()
    await server.start()
    await server.stop()
    await server.stop()


async def test_listens_on_ipv6():
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    async with RegistryServer("[::1]:0") as server:
        assert server.url.startswith("http://[::1]:")
        assert (await call(server, "GET", "/healthcheck"))[0] == 200
