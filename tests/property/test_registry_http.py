"""The registry under any input: it refuses in JSON, never fails, and goes on answering."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh99.node.registry import ClientConfig, RegistryClient, RegistryConfig
from mesh99.node.registry.packet import parse_packet
from mesh99.node.registry.refusal import Refusal
from mesh99.node.registry.server import RegistryServer
from mesh99.wire.errors import RegistryUnavailable, RemoteRejected
from mesh99.wire.identity import Identity
from mesh99.wire.record import Record

IDENTITY = Identity.generate(lambda size: b"\x05" * size)
CONFIG = RegistryConfig(requests_burst=1e9, agents_max=50, lasting_agents_max=30, page_rows=7)

text = st.text(max_size=40)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | text
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)
p2p = st.fixed_dictionaries(
    {},
    optional={
        "record": values | st.binary(max_size=300).map(lambda data: base64.b64encode(data).decode()),
        "node_id": values | st.just(IDENTITY.node_id.text),
        "endpoints": values,
    },
)
packets = st.fixed_dictionaries(
    {"capabilities": st.lists(text, max_size=5) | values},
    optional={
        "name": text | values,
        "ttl": st.floats(0, 100) | values,
        "p2p": p2p | values,
        "uuid": values,
        "other": values,
    },
)


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    """Run a registry in a thread of its own; give where it listens."""
    ready, stop = threading.Event(), asyncio.Event()
    found: list[str] = []
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with RegistryServer("127.0.0.1:0", config=CONFIG) as server:
            found.append(server.url)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    url = urlsplit(found[0])
    assert url.hostname
    assert url.port
    yield url.hostname, url.port
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    loop.close()
    assert not thread.is_alive()


def raw(address: tuple[str, int], data: bytes) -> bytes:
    """Send bytes, end, and read to the end."""
    with socket.create_connection(address, timeout=10) as connection:
        answer = b""
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                answer += part
        except (ConnectionResetError, BrokenPipeError):
            pass
        return answer


def ask(
    address: tuple[str, int], method: bytes, target: bytes, body: bytes | None = None
) -> tuple[int, object]:
    """Send one request as it is, and give status and parsed JSON."""
    length = b"" if body is None else b"Content-Length: %d\r\n" % len(body)
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(
            method + b" " + target + b" HTTP/1.1\r\nHost: x\r\n" + length + b"\r\n" + (body or b"")
        )
        response = http.client.HTTPResponse(connection, method=method.decode())
        response.begin()
        content = response.read()
        response.close()
    if response.status == 204 or method == b"HEAD":
        assert content == b""
        return response.status, None
    assert response.headers["Content-Type"] == "application/json"
    return response.status, json.loads(content)


def assert_sound(address: tuple[str, int], status: int, answer: object) -> None:
    assert status < 500
    if status >= 400 and answer is not None:
        assert isinstance(answer, dict)
        assert answer["error"]
        assert answer.keys() <= {"error", "field"}
        assert "Traceback" not in json.dumps(answer)
    assert ask(address, b"GET", b"/healthcheck")[0] == 200


@given(body=st.binary(max_size=300))
def test_any_body(address, body):
    assert_sound(address, *ask(address, b"POST", b"/register", body))


@given(packet=packets)
def test_any_packet_is_refused_or_listed_as_it_was(address, packet):
    status, answer = ask(address, b"POST", b"/register", json.dumps(packet).encode("utf-8", "surrogatepass"))
    assert_sound(address, status, answer)
    if status == 201:
        _, rows = ask(address, b"GET", b"/")
        (row,) = [row for row in rows if row["uuid"] == answer["uuid"]]
        packet["capabilities"] = [capability.lower() for capability in packet["capabilities"]]
        assert row == {**packet, "uuid": answer["uuid"]}
        for capability in packet["capabilities"]:
            query = (
                b"/discover?capability=" + "".join(f"%{byte:02x}" for byte in capability.encode()).encode()
            )
            assert row in ask(address, b"GET", query)[1]
        assert ask(address, b"DELETE", b"/withdraw/" + answer["uuid"].encode()) == (204, None)


@given(
    value=st.binary(max_size=200) | values.map(lambda value: msgpack.packb(_encodable(value))),
    ttl_s=st.integers(0, 2**32 - 1),
)
def test_any_signed_value(address, value, ttl_s):
    record = Record.create(IDENTITY, IDENTITY.node_id, value, sequence=2**64 - 1, ttl_s=ttl_s)
    packet = {"capabilities": [], "p2p": {"record": base64.b64encode(record.encode()).decode()}}
    assert_sound(address, *ask(address, b"POST", b"/register", json.dumps(packet).encode()))


def _encodable(value: object) -> object:
    """Keep what MessagePack holds: integers of 64 bits, text without lone surrogates."""
    return json.loads(json.dumps(value), parse_int=lambda digits: int(digits) % 2**63)


segments = st.sampled_from(
    [b"register", b"discover", b"withdraw", b"heartbeat", b"p2p", b"nodes", b"healthcheck", b""]
) | st.binary(max_size=12).map(
    lambda data: bytes(byte for byte in data if byte > 0x20 and byte not in b"#?\x7f")
)
targets = st.lists(segments, max_size=5).map(lambda parts: b"/" + b"/".join(parts))
queries = st.binary(max_size=40).map(
    lambda data: bytes(byte for byte in data if byte > 0x20 and byte not in b"#\x7f")
)
methods = st.sampled_from([b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS"])


@given(method=methods, target=targets, query=queries, named=st.sampled_from([b"", b"capability=", b"limit="]))
def test_any_path_and_query(address, method, target, query, named):
    assert_sound(address, *ask(address, method, target + b"?" + named + query, b""))


@given(
    data=st.binary(max_size=300),
    head=st.sampled_from([b"", b"GET / HTTP/1.1\r\n", b"POST /register HTTP/1.1\r\n"]),
)
def test_any_bytes_on_the_port(address, data, head):
    answer = raw(address, head + data + b"\r\n\r\n")
    for line in answer.split(b"\r\n"):
        assert not line.startswith((b"HTTP/1.1 5", b"HTTP/1.0 5"))
    assert b"Traceback" not in answer
    assert ask(address, b"GET", b"/healthcheck")[0] == 200


@given(
    body=st.binary(max_size=400)
    | packets.map(lambda packet: json.dumps(packet).encode("utf-8", "surrogatepass"))
)
@settings(max_examples=300)
def test_parsing_a_packet_raises_only_refusals(body):
    try:
        packet = parse_packet(body, CONFIG)
    except Refusal as caught:
        refusal = caught
    else:
        json.loads(packet.encode("uuid"))
        return
    assert 400 <= refusal.status < 500


answers = st.binary(max_size=300) | st.builds(
    lambda status, body: b"HTTP/1.1 %d x\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body,
    st.integers(100, 599),
    st.binary(max_size=50)
    | values.map(lambda value: json.dumps(value).encode())
    | packets.map(lambda row: json.dumps([row]).encode()),
)


@given(answer=answers)
async def test_a_client_survives_any_answer(answer):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, RegistryClient(url, ClientConfig(timeout_s=5.0)) as client:
        for call in (
            client.healthcheck(),
            client.register({}),
            client.heartbeat("u"),
            client.withdraw("u"),
            client.discover("x"),
            client.list(),
            client.nodes(),
            client.node("x"),
        ):
            problems = []
            try:
                await call
            except (RegistryUnavailable, RemoteRejected) as error:
                problems.append(str(error))
            assert all(problem.isprintable() for problem in problems)
