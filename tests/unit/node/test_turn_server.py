"""TurnService on real sockets: its TCP side, its bounds, its end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from random import Random

import pytest

from mesh99.nat.stun.attributes import mapped_address
from mesh99.nat.stun.message import MessageClass, Method, StunMessage, decode, encode
from mesh99.nat.turn.client import TurnClient
from mesh99.nat.turn.client_credentials import ClientCredentials
from mesh99.nat.turn.config import TurnConfig
from mesh99.nat.turn.credentials import Credentials
from mesh99.nat.turn.stream import StreamSplitter
from mesh99.node.turn_server import TurnService
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import AlreadyStarted, ConfigError

USERS = Credentials({"ann": "secret"})
BINDING = encode(StunMessage(Method.BINDING, MessageClass.REQUEST, bytes(12)))


def service(config: TurnConfig | None = None, listen: str = "127.0.0.1:0") -> TurnService:
    return TurnService([listen], USERS, config, allowed_peers=["127.0.0.0/8"])


async def connect(running: TurnService) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    endpoint = running.endpoints[0]
    return await asyncio.open_connection(endpoint.host, endpoint.port)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def allocate(
    running: TurnService, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: Endpoint
) -> TurnClient:
    """Allocate over a connection and bind a channel to a peer."""
    server = running.endpoints[0]._replace(transport="tcp")
    client = TurnClient(server, ClientCredentials("ann", "secret"), Random(1), lambda *_: None)
    splitter, told = StreamSplitter(), []

    async def settle() -> None:
        while not told:
            for packet in client.take_packets():
                writer.write(packet)
            for message in splitter.receive(await reader.read(4096)):
                client.receive(message, server, 0.0)
        assert told.pop()

    client.allocate(0.0, lambda stands, now: told.append(stands))
    await asyncio.wait_for(settle(), 20)
    client.bind(peer, 0.0, lambda stands, now: told.append(stands))
    await asyncio.wait_for(settle(), 20)
    return client


async def test_binding_over_tcp() -> None:
    async with service() as running:
        reader, writer = await connect(running)
        writer.write(BINDING[:7])
        await asyncio.sleep(0)
        writer.write(BINDING[7:] + BINDING)
        for _ in range(2):
            head = await asyncio.wait_for(reader.readexactly(20), 20)
            answer = decode(head + await reader.readexactly(int.from_bytes(head[2:4], "big")))
            assert mapped_address(answer).port == writer.get_extra_info("sockname")[1]
        writer.close()
        await writer.wait_closed()


async def test_what_is_no_stun_closes_the_connection() -> None:
    async with service() as running:
        reader, writer = await connect(running)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 20)
        writer.close()


async def test_connections_have_their_number() -> None:
    async with service(TurnConfig(streams_per_host_max=1)) as running:
        first = await connect(running)
        second = await connect(running)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(second[0].readexactly(1), 20)
        assert running._streams.refused == 1
        first[1].close()
        await until(lambda: len(running._streams) == 0)
        third = await connect(running)
        await until(lambda: len(running._streams) == 1)
        for _, writer in (second, third):
            writer.close()


async def test_a_connection_that_nothing_comes_of_is_closed() -> None:
    async with service(TurnConfig(stranger_s=0.0)) as running:
        reader, writer = await connect(running)
        writer.write(BINDING)
        await asyncio.wait_for(reader.readexactly(20), 20)
        await until(lambda: len(running._streams) == 0)
        writer.close()


async def test_a_slow_reader_loses_packets_and_costs_no_memory() -> None:
    async with service(TurnConfig(bytes_per_s=0, stream_queue_bytes_max=10_000)) as running:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind(("127.0.0.1", 0))
            reader, writer = await connect(running)
            client = await allocate(running, reader, writer, Endpoint("udp", *peer.getsockname()))
            writer.transport.pause_reading()
            assert client.relayed is not None
            relayed = (client.relayed.host, client.relayed.port)
            async with asyncio.timeout(40):
                while not running._streams.lost:
                    for _ in range(50):
                        peer.sendto(bytes(1400), relayed)
                    await asyncio.sleep(0)
            (stream,) = running._streams._streams.values()
            assert stream.queued_bytes <= 10_000 + 1404
            writer.transport.abort()
            await until(lambda: running.server.allocations == 0)


async def test_an_allocation_ends_with_its_connection() -> None:
    async with service() as running:
        reader, writer = await connect(running)
        await allocate(running, reader, writer, Endpoint("udp", "127.0.0.1", 9))
        assert running.server.allocations == 1
        writer.close()
        await until(lambda: running.server.allocations == 0)


async def test_stopping_closes_every_socket() -> None:
    running = service()
    await running.start()
    with pytest.raises(AlreadyStarted):
        await running.start()
    reader, writer = await connect(running)
    await allocate(running, reader, writer, Endpoint("udp", "127.0.0.1", 9))
    endpoint = running.endpoints[0]
    await running.stop()
    await running.stop()
    writer.close()
    async with service(listen=f"{endpoint.host}:{endpoint.port}"):
        pass


async def test_a_port_that_is_taken() -> None:
    async with service() as running:
        endpoint = running.endpoints[0]
        with pytest.raises(ConfigError, match="cannot use"):
            await service(listen=f"{endpoint.host}:{endpoint.port}").start()


async def test_a_public_address_of_a_family_without_relays() -> None:
    running = TurnService(["127.0.0.1:0"], USERS, public_addresses=["2001:db8::1"])
    with pytest.raises(ConfigError, match="nothing listens"):
        await running.start()


@pytest.mark.parametrize(
    ("listen", "tests"),
    [
        (["192.0.2.1:1", "192.0.2.2:1"], True),
        (["192.0.2.1:1", "192.0.2.1:2"], False),
        (["192.0.2.1:1", "192.0.2.2:2"], False),
        (["192.0.2.1:0", "192.0.2.2:0"], False),
        (["192.0.2.1:1", "[2001:db8::1]:1"], False),
        (["0.0.0.0:1", "192.0.2.1:1"], False),
        (["192.0.2.1:1"], False),
    ],
)
def test_filtering_is_tested_from_two_addresses_of_a_kind(listen: list[str], tests: bool) -> None:
    assert TurnService(listen, USERS).tests_filtering is tests
