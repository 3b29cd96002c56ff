"""Stock clients against our TURN and STUN server: coturn's tools, aioice, aiostun."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aioice.turn
import aiostun
import pytest
from aioice.stun import TransactionFailed

from mesh99.nat.turn.config import TurnConfig
from mesh99.nat.turn.credentials import Credentials, time_limited_password
from mesh99.node.turn_server import TurnService

SECRET = "north"
LAB = ("127.0.0.0/8", "::1/128")


@asynccontextmanager
async def serving(
    *listen: str, allowed: tuple[str, ...] = LAB, config: TurnConfig | None = None, ports: range | None = None
) -> AsyncIterator[TurnService]:
    service = TurnService(
        listen or ("127.0.0.1:0",),
        Credentials({"ann": "secret"}, SECRET),
        config,
        allowed_peers=allowed,
        ports=ports or range(49_152, 65_536),
    )
    async with service:
        yield service


def tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed (Debian: coturn)")
    return path


async def output_of(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), 40)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return output.decode(errors="replace")


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: object) -> None:
        self.transport.sendto(data, address)  # type: ignore[attr-defined]


@asynccontextmanager
async def echo(host: str = "127.0.0.1") -> AsyncIterator[tuple[str, int]]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Echo, local_addr=(host, 0))
    try:
        yield transport.get_extra_info("sockname")[:2]
    finally:
        transport.close()


def sent_and_received(output: str) -> tuple[int, int]:
    found = re.findall(r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)", output)
    assert found, output
    sent, received = found[-1]
    return int(sent), int(received)


UCLIENT_OPTIONS = (
    "-y",
    "-y -t",
    "-y -s",
    "-y -s -t",
    "-y -c -D -l 1300",
    "-y -X -G",
    "-y -c -m 6 -z 5",
    "-c -s",
    "-c -t",
)


async def test_turnutils_uclient_loses_nothing() -> None:
    """Client to client (-y) or to an echo; UDP or TCP (-t), channels or Send (-s), port pairs (without -c)."""
    uclient = tool("turnutils_uclient")
    async with serving() as service, echo() as (host, port):
        to_server = ("-n", "5", "-u", "ann", "-w", "secret", "-p", str(service.endpoints[0].port))

        async def run(options: str) -> tuple[int, int]:
            peer = () if "-y" in options else ("-e", host, "-r", str(port))
            output = await output_of(uclient, *options.split(), *peer, *to_server, "127.0.0.1")
            return sent_and_received(output)

        counts = await asyncio.gather(*(run(options) for options in UCLIENT_OPTIONS))
        messages = [20, 20, 20, 20, 10, 20, 30, 5, 5]
        assert dict(zip(UCLIENT_OPTIONS, counts, strict=True)) == {
            options: (number, number) for options, number in zip(UCLIENT_OPTIONS, messages, strict=True)
        }
        assert service.server.dropped["turn: malformed"] == 0


async def test_turnutils_uclient_over_ipv6() -> None:
    uclient = tool("turnutils_uclient")
    async with serving("[::1]:0") as service:
        port = str(service.endpoints[0].port)
        output = await output_of(
            uclient,
            *["-y", "-x", "-c", "-n", "5", "-u", "ann", "-w", "secret"],
            "-p",
            port,
            "-L",
            "::1",
            "::1",
        )
        sent, received = sent_and_received(output)
        assert sent == received > 0


async def test_turnutils_uclient_with_the_shared_secret() -> None:
    uclient = tool("turnutils_uclient")
    async with serving() as service:
        port = str(service.endpoints[0].port)
        output = await output_of(
            uclient, *["-y", "-c", "-n", "5", "-u", "ann2"], "-W", SECRET, "-p", port, "127.0.0.1"
        )
        sent, received = sent_and_received(output)
        assert sent == received > 0


async def test_turnutils_uclient_with_a_wrong_password_is_let_nowhere() -> None:
    uclient = tool("turnutils_uclient")
    async with serving() as service:
        port = str(service.endpoints[0].port)
        output = await output_of(
            uclient, *["-y", "-c", "-n", "1", "-u", "ann", "-w", "wrong"], "-p", port, "127.0.0.1"
        )
        assert "tot_recv_msgs" not in output
        assert service.server.refused["0x3: 401"] > 0
        assert service.server.allocations == 0


async def test_turnutils_stunclient_is_told_its_address() -> None:
    stunclient = tool("turnutils_stunclient")
    async with serving() as service:
        output = await output_of(stunclient, "-p", str(service.endpoints[0].port), "127.0.0.1")
        assert re.search(r"UDP reflexive addr: 127\.0\.0\.1:\d+", output), output


async def test_turnutils_natdiscovery_finds_no_nat_on_one_machine() -> None:
    discovery = tool("turnutils_natdiscovery")
    port = free_pair()
    async with serving(f"127.0.0.1:{port}", f"127.0.0.2:{port}") as service:
        assert service.tests_filtering
        output = await output_of(discovery, "-m", "-f", "-p", str(port), "-L", "127.0.0.1", "127.0.0.1")
        assert "NAT with Endpoint Independent Filtering" in output, output


def free_pair() -> int:
    """Return a port that is free together with its next on two addresses."""
    for port in range(20_000, 30_000, 2):
        try:
            for each in (port, port + 1):
                for host in ("127.0.0.1", "127.0.0.2"):
                    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                        with socket.socket(socket.AF_INET, kind) as probe:
                            probe.bind((host, each))
        except OSError:
            continue
        return port
    raise AssertionError("no free ports")


class Collect(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.received: asyncio.Queue[tuple[bytes, object]] = asyncio.Queue()

    def datagram_received(self, data: bytes, address: object) -> None:
        self.received.put_nowait((data, address))


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_aioice_relays_over(transport: str) -> None:
    async with serving() as service, echo() as peer:
        endpoint = service.endpoints[0]
        relayed, collect = await aioice.turn.create_turn_endpoint(
            Collect,
            server_addr=(endpoint.host, endpoint.port),
            username="ann",
            password="secret",
            transport=transport,
        )
        try:
            for size in (1, 2, 3, 4, 1200):
                payload = bytes(range(256)) * 5
                relayed.sendto(payload[:size], peer)
                data, source = await asyncio.wait_for(collect.received.get(), 10)
                assert (data, source) == (payload[:size], peer)
        finally:
            relayed.close()
        await until(lambda: service.server.allocations == 0)


async def test_aioice_with_time_limited_credentials() -> None:
    name = f"{int(time.time()) + 60}:ann"
    async with serving() as service, echo() as peer:
        endpoint = service.endpoints[0]
        relayed, collect = await aioice.turn.create_turn_endpoint(
            Collect,
            server_addr=(endpoint.host, endpoint.port),
            username=name,
            password=time_limited_password(SECRET, name),
        )
        relayed.sendto(b"hello", peer)
        assert await asyncio.wait_for(collect.received.get(), 10) == (b"hello", peer)
        relayed.close()
        await until(lambda: service.server.allocations == 0)


async def test_aioice_is_refused_with_the_code_of_the_rfc() -> None:
    async with serving(config=TurnConfig(allocations_per_user_max=1)) as service:
        endpoint = service.endpoints[0]
        first = await allocate(endpoint.port)
        with pytest.raises(TransactionFailed, match="486"):
            await allocate(endpoint.port)
        first.close()
        await until(lambda: service.server.allocations == 0)


async def allocate(port: int) -> aioice.turn.TurnTransport:
    transport, _ = await aioice.turn.create_turn_endpoint(
        Collect, server_addr=("127.0.0.1", port), username="ann", password="secret"
    )
    return transport


async def test_two_aioice_agents_connect_through_the_relay_alone() -> None:
    async with serving() as service:
        settings = {
            "turn_server": ("127.0.0.1", service.endpoints[0].port),
            "turn_username": "ann",
            "turn_password": "secret",
            "transport_policy": aioice.TransportPolicy.RELAY,
        }
        one = aioice.Connection(ice_controlling=True, **settings)
        two = aioice.Connection(ice_controlling=False, **settings)
        try:
            await asyncio.gather(one.gather_candidates(), two.gather_candidates())
            await introduce(one, two)
            await introduce(two, one)
            await asyncio.wait_for(asyncio.gather(one.connect(), two.connect()), 20)
            await one.send(b"through the relay")
            assert await asyncio.wait_for(two.recv(), 10) == b"through the relay"
        finally:
            await asyncio.gather(one.close(), two.close())


async def introduce(one: aioice.Connection, two: aioice.Connection) -> None:
    for candidate in one.local_candidates:
        assert candidate.type == "relay"
        await two.add_remote_candidate(candidate)
    await two.add_remote_candidate(None)
    two.remote_username, two.remote_password = one.local_username, one.local_password


async def test_aiostun_is_told_its_address() -> None:
    async with serving() as service:
        endpoint = service.endpoints[0]
        async with aiostun.Client(host=endpoint.host, port=endpoint.port, proto=aiostun.UDP) as client:
            mapped = await client.get_mapped_address()
            assert mapped["ip"] == "127.0.0.1"


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "0.0.0.0:0"])
async def test_without_the_labs_exception_loopback_is_refused(listen: str) -> None:
    async with serving(listen, allowed=()) as service, echo() as peer:
        relayed = await allocate(service.endpoints[0].port)
        relayed.sendto(b"x", peer)
        await until(lambda: service.server.refused["0x9: 403"] > 0)
        relayed.close()
        await until(lambda: service.server.allocations == 0)


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)
