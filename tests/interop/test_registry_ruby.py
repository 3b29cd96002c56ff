"""Ruby on the other side: the HTTP of an Agent99 agent against our registry, and our client against a Sinatra one."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from free_port import free_port

from mesh99.node.registry import Presence, PresenceConfig, RegistryClient, packet_for
from mesh99.node.registry.server import RegistryServer
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import RegistryUnavailable
from mesh99.wire.identity import Identity
from mesh99.wire.node_record import NodeRecord

HERE = Path(__file__).parent
IDENTITY = Identity.generate(lambda size: b"\x0b" * size)
JSON_TYPE = "application/json"
GREETER = {
    "name": "max",
    "type": "server",
    "capabilities": ["Greet", "B ü&+"],
    "request_schema": {"required": ["name"]},
}


@pytest.fixture(scope="module")
def ruby() -> str:
    path = shutil.which("ruby")
    if path is None:
        pytest.skip("ruby is not installed")
    return path


@pytest.fixture(scope="module")
def sinatra(ruby: str) -> str:
    loaded = subprocess.run([ruby, "-e", 'require "sinatra/base"; require "webrick"'], capture_output=True)
    if loaded.returncode:
        pytest.skip("ruby-sinatra and ruby-webrick are not installed")
    return ruby


async def replay(ruby: str, url: str, calls: list[list[object]]) -> list[list[object]]:
    """Make calls as an Agent99 agent does; give [status, content type, body, what the agent makes of it] each."""
    process = await asyncio.create_subprocess_exec(
        ruby, str(HERE / "agent99_client.rb"), url, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(process.communicate(json.dumps(calls).encode()), 20)
    assert process.returncode == 0
    return [json.loads(line) for line in output.splitlines()]


@asynccontextmanager
async def sinatra_registry(ruby: str) -> AsyncIterator[RegistryClient]:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        ruby,
        str(HERE / "agent99_registry.rb"),
        str(port),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        async with RegistryClient(f"http://127.0.0.1:{port}") as client:
            await until_up(client)
            yield client
    finally:
        process.kill()
        await process.wait()


async def until_up(client: RegistryClient) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                await client.healthcheck()
                return
            except RegistryUnavailable:
                await asyncio.sleep(0.05)


def signed_packet(sequence: int) -> dict[str, object]:
    record = NodeRecord(
        public_key=IDENTITY.public_key,
        endpoints=(Endpoint("udp", "127.0.0.1", 7400), Endpoint("tcp", "127.0.0.1", 7400)),
        name="writer",
        capabilities=("summarize",),
        nat="unknown",
        relays=(),
        protocol_version=1,
        sequence=sequence,
        ttl_s=3600,
    )
    return packet_for(record, {"note": {"kept": [1, None, "é"]}}, IDENTITY)


async def test_an_agent99_agent_lives_on_our_registry(ruby):
    async with RegistryServer("127.0.0.1:0") as server:
        answers = await replay(
            ruby,
            server.url,
            [
                ["get", "/healthcheck", None],
                ["post", "/register", GREETER],
                ["get", "/discover?capability={GREET}", None],
                ["get", "/discover?capability={b Ü&+}", None],
                ["get", "/discover?capability={nothing}", None],
                ["get", "/", None],
                ["delete", "/withdraw/UUID", None],
                ["delete", "/withdraw/UUID", None],
                ["post", "/register", {"name": "nothing"}],
                ["get", "/nowhere", None],
            ],
        )
    uuid = answers[1][3]
    row = {**GREETER, "capabilities": ["greet", "b ü&+"], "uuid": uuid}
    gone = f"Agent with UUID {uuid} not found."
    assert answers == [
        [200, JSON_TYPE, '{"agent_count":0}', {"agent_count": 0}],
        [201, JSON_TYPE, json.dumps({"uuid": uuid}, separators=(",", ":")), uuid],
        [200, JSON_TYPE, answers[2][2], [row]],
        [200, JSON_TYPE, answers[2][2], [row]],
        [200, JSON_TYPE, "[]", []],
        [200, JSON_TYPE, answers[2][2], [row]],
        [204, None, None, None],
        [404, JSON_TYPE, json.dumps({"error": gone}, separators=(",", ":")), gone],
        [400, JSON_TYPE, answers[8][2], "capabilities must be an array of strings"],
        [404, JSON_TYPE, answers[9][2], "there is no such call"],
    ]


async def test_both_registries_answer_an_agent_alike(sinatra):
    calls = [
        ["get", "/healthcheck", None],
        ["get", "/", None],
        ["post", "/register", {**GREETER, "uuid": "mine"}],
        ["get", "/discover?capability={GREET}", None],
        ["get", "/discover?capability={x}", None],
        ["get", "/", None],
        ["delete", "/withdraw/UUID", None],
        ["delete", "/withdraw/UUID", None],
    ]
    async with RegistryServer("127.0.0.1:0") as server, sinatra_registry(sinatra) as theirs:
        ours, expected = [await replay(sinatra, url, calls) for url in (server.url, theirs.url)]
    assert without(ours, ours[2][3]) == without(expected, expected[2][3])


def without(answers: list[list[object]], uuid: object) -> str:
    return json.dumps(answers).replace(str(uuid), "UUID")


async def test_a_signed_record_survives_a_ruby_registry(sinatra):
    async with sinatra_registry(sinatra) as client:
        packet = signed_packet(3)
        uuid = await client.register(packet)
        assert await client.discover("Summarize") == await client.list() == [{**packet, "uuid": uuid}]
        (node,) = await client.nodes()
        assert (node.node_id, node.sequence, node.name) == (IDENTITY.node_id, 3, "writer")
        assert [str(endpoint) for endpoint in node.endpoints] == [
            "udp://127.0.0.1:7400",
            "tcp://127.0.0.1:7400",
        ]
        for name in (uuid, IDENTITY.node_id.text):
            assert await client.node(name) == node
        assert await client.node("nobody") is None
        assert await client.withdraw(uuid)
        assert not await client.withdraw(uuid)


async def test_a_ruby_registry_that_fails_is_unavailable(sinatra):
    async with sinatra_registry(sinatra) as client:
        with pytest.raises(RegistryUnavailable, match="500"):
            await client.register({"name": "no capabilities"})


async def test_a_presence_keeps_one_row_in_a_ruby_registry(sinatra):
    async with sinatra_registry(sinatra) as client:
        packet = signed_packet(1)
        presence = Presence(client, lambda: packet, Random(7), PresenceConfig(ttl_s=0.3))
        await presence.start()
        async with asyncio.timeout(20):
            while presence.uuid is None:
                await asyncio.sleep(0.01)
            first = presence.uuid
            assert await client.heartbeat(first)
            packet = signed_packet(2)
            presence.changed()
            while presence.uuid == first or await client.healthcheck() != 1:
                await asyncio.sleep(0.01)
        assert [row["uuid"] for row in await client.list()] == [presence.uuid]
        await presence.stop()
        assert await client.healthcheck() == 0


async def test_ruby_and_python_agents_find_each_other_on_our_registry(ruby):
    async with RegistryServer("127.0.0.1:0") as server, RegistryClient(server.url) as client:
        uuid = await client.register(signed_packet(1))
        answers = await replay(
            ruby,
            server.url,
            [["post", "/register", GREETER], ["get", "/discover?capability={Summarize}", None]],
        )
        assert answers[1][3] == [{**signed_packet(1), "uuid": uuid}]
        assert [row["name"] for row in await client.discover("greet")] == ["max"]
        assert [node.node_id for node in await client.nodes()] == [IDENTITY.node_id]
