"""The service that asks routers: over real sockets on loopback, against routers of every kind of bad manners."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
from aiohttp import web

from mesh99.nat.mapping.config import MappingConfig
from mesh99.nat.mapping.igd import Dialogue, HttpAnswer, HttpRequest
from mesh99.nat.mapping.lease import Lease, Mapped
from mesh99.nat.mapping.routes import Route
from mesh99.nat.mapping.url import Url
from mesh99.node.asyncio_host import AsyncioHost
from mesh99.node.config import NodeConfig
from mesh99.node.node import Node
from mesh99.node.port_mapping import gateway_way, service
from mesh99.node.port_mapping.http import converse
from mesh99.node.port_mapping.search import Search
from mesh99.node.port_mapping.service import PortMapping
from mesh99.node.port_mapping.way import Surroundings, Way
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.errors import NoMapping

OWN = Endpoint("udp", "127.0.0.1", 7400)
CONFIG = MappingConfig(http_s=0.5, http_bytes_max=1000, renew_s_min=0.01, again_s=0.01, release_s=0.2)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Handler], Awaitable[Url]]]:
    """Start HTTP servers that end with the test."""
    runners: list[web.AppRunner] = []

    async def start(handler: Handler) -> Url:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(application)
        await runner.setup()
        runners.append(runner)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return Url("127.0.0.1", runner.addresses[0][1], "/x")

    yield start
    for runner in runners:
        await runner.cleanup()


def one(url: Url) -> Dialogue[HttpAnswer | None]:
    """Ask one thing."""
    return (yield HttpRequest(url))


async def test_an_answer_is_read(serve: Callable[[Handler], Awaitable[Url]]) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=500, body=f"{request.method} {request.headers['Accept-Encoding']}")

    url = await serve(handler)
    assert await converse(one(url), CONFIG, Counter()) == HttpAnswer(500, b"GET identity")


async def test_an_answer_without_end_is_given_up(serve: Callable[[Handler], Awaitable[Url]]) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1000):
            await response.write(bytes(100))
        return response

    dropped: Counter[str] = Counter()
    assert await converse(one(await serve(handler)), CONFIG, dropped) is None
    assert dropped == {"upnp: answer too large": 1}


async def test_a_slow_answer_is_given_up(serve: Callable[[Handler], Awaitable[Url]]) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x")
            await asyncio.sleep(0.05)

    dropped: Counter[str] = Counter()
    assert await converse(one(await serve(handler)), CONFIG, dropped) is None
    assert dropped == {"upnp: answer too slow": 1}


async def test_nobody_is_sent_elsewhere(serve: Callable[[Handler], Awaitable[Url]]) -> None:
    reached: list[str] = []

    async def secret(request: web.Request) -> web.Response:
        reached.append(request.path)
        return web.Response()

    elsewhere = await serve(secret)

    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": str(elsewhere)})

    answer = await converse(one(await serve(handler)), CONFIG, Counter())
    assert answer is not None
    assert answer.status == 302
    assert reached == []


async def test_something_else_than_http_is_counted() -> None:
    async def chat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x00\xff SSH-2.0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(chat, "127.0.0.1", 0)
    url = Url("127.0.0.1", server.sockets[0].getsockname()[1], "/")
    dropped: Counter[str] = Counter()
    assert await converse(one(url), CONFIG, dropped) is None
    server.close()
    await server.wait_closed()
    assert await converse(one(url), CONFIG, dropped) is None
    assert dropped == {"upnp: no answer over HTTP": 2}


ANSWER = (
    "HTTP/1.1 200 OK\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
    "LOCATION: http://{host}:5000/{path}\r\n\r\n"
)


async def test_a_search_prefers_the_gateway_and_takes_only_so_many() -> None:
    around = Surroundings(
        host=AsyncioHost(), own=OWN, config=CONFIG, secret=bytes(32), told=lambda mapped: None
    )
    search = Search(around, "10.0.0.1")

    def answer(host: str, path: str, source: str) -> None:
        search.datagram_received(ANSWER.format(host=host, path=path).encode(), (source, 1900))

    for number in range(CONFIG.devices_max + 3):
        answer("10.0.0.9", str(number), "10.0.0.9")
    answer("10.0.0.1", "gate", "10.0.0.1")
    answer("10.0.0.1", "elsewhere", "10.0.0.7")
    search.datagram_received(b"\xff" * 100, ("10.0.0.9", 1900))
    found = search.found()
    assert [url.path for url in found] == ["/gate", "/0", "/1", "/2", "/3"]
    assert around.dropped == {
        "ssdp: too many devices": 3,
        "url: at another host than the one that named it": 1,
        "ssdp: no answer to a search": 1,
    }


class FakeWay:
    """A way that does as a test says."""

    def __init__(self, around: Surroundings, protocol: str, log: list[str]) -> None:
        self.around, self.protocol, self.log = around, protocol, log
        self.lost = asyncio.Event()
        self.release_s = 0.0

    async def hold(self) -> None:
        self.log.append(f"hold {self.protocol}")
        if self.protocol == "none":
            raise NoMapping("10.0.0.1", "no answer")
        now = self.around.host.now()
        leases = (Lease("udp", 7401, 7200.0, now + 7200.0), Lease("tcp", 7402, 7200.0, now + 7200.0))
        self.around.told(Mapped(self.protocol, "20.0.0.1", leases))
        await self.lost.wait()
        self.around.told(None)
        raise NoMapping("10.0.0.1", "it went away")

    def renew(self) -> None:
        self.log.append(f"renew {self.protocol}")

    async def release(self) -> None:
        self.log.append(f"release {self.protocol}")
        await asyncio.sleep(self.release_s)

    def close(self) -> None:
        self.log.append(f"close {self.protocol}")


class Desk:
    """A service over ways of a test's making."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *protocols: str) -> None:
        self.log: list[str] = []
        self.given: list[Endpoint | None] = []
        self.ways: list[FakeWay] = []
        self.changed = asyncio.Event()

        def maker(protocol: str) -> Callable[[Surroundings], Way]:
            def make(around: Surroundings) -> Way:
                self.ways.append(FakeWay(around, protocol, self.log))
                return self.ways[-1]

            return make

        monkeypatch.setattr(service, "WAYS", tuple(maker(protocol) for protocol in protocols))
        self.host = AsyncioHost()
        self.service = PortMapping(self.host, OWN, CONFIG, bytes(32), self._note)

    def _note(self, endpoint: Endpoint | None) -> None:
        self.given.append(endpoint)
        self.changed.set()

    async def until_changed(self) -> None:
        self.changed.clear()
        await asyncio.wait_for(self.changed.wait(), 10)


GIVEN = Endpoint("udp", "20.0.0.1", 7401)


async def test_the_second_way_is_tried_when_the_first_gives_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch, "none", "upnp-igd")
    assert desk.service.status("no port was given").reason == "no answer yet"
    await desk.service.start()
    await desk.until_changed()
    status = desk.service.status("")
    assert (status.protocol, status.external_host, status.udp_port, status.tcp_port) == (
        "upnp-igd",
        "20.0.0.1",
        7401,
        7402,
    )
    assert status.verified
    assert 7190 <= status.lease_s <= 7200
    assert not desk.service.status("not tested yet").verified
    desk.service.renew()
    await desk.service.stop()
    await desk.host.close()
    assert desk.given == [GIVEN, None]
    assert desk.log == [
        "hold none",
        "release none",
        "close none",
        "hold upnp-igd",
        "renew upnp-igd",
        "release upnp-igd",
        "close upnp-igd",
    ]


async def test_what_is_lost_is_sought_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first way on, and at once: the others are not gone through first."""
    desk = Desk(monkeypatch, "pcp", "none")
    await desk.service.start()
    await desk.until_changed()
    desk.ways[0].lost.set()
    await desk.until_changed()
    await desk.until_changed()
    assert desk.given == [GIVEN, None, GIVEN]
    assert "hold none" not in desk.log
    await desk.service.stop()
    await desk.host.close()


async def test_a_router_that_is_gone_does_not_hold_up_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch, "pcp")
    await desk.service.start()
    await desk.until_changed()
    desk.ways[0].release_s = 60.0
    async with asyncio.timeout(10):
        await desk.service.stop()
    assert desk.log[-1] == "close pcp"
    await desk.host.close()


async def test_why_there_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch, "none")
    await desk.service.start()
    while len(desk.ways) < 2:
        await asyncio.sleep(0.01)
    assert desk.service.status("no port was given").reason == "10.0.0.1: no answer"
    await desk.service.stop()
    await desk.service.stop()
    await desk.host.close()
    assert desk.given == []


class Gateway(asyncio.DatagramProtocol):
    """A NAT-PMP gateway on loopback, with another machine that answers in its place."""

    transport: asyncio.DatagramTransport
    mapped: Counter[int]

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        if data[:2] == b"\0\0":
            self.transport.sendto(b"\0\x80\0\0\0\0\0\1\x14\0\0\1", address)
        elif data[:1] == b"\0":
            self.mapped[data[1]] = int.from_bytes(data[8:12], "big")
            self.transport.sendto(
                bytes((0, data[1] | 0x80, 0, 0)) + b"\0\0\0\1" + data[4:8] + data[8:12], address
            )


async def test_a_gateway_is_asked_over_its_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    gateway = Gateway()
    gateway.mapped = Counter()
    gateway.transport, _ = await loop.create_datagram_endpoint(lambda: gateway, local_addr=("127.0.0.1", 0))
    monkeypatch.setattr(gateway_way, "PORT", gateway.transport.get_extra_info("sockname")[1])
    monkeypatch.setattr(gateway_way, "gateway_route", lambda: Route(0, "127.0.0.1", "lo"))
    desk = Desk(monkeypatch)
    monkeypatch.setattr(service, "WAYS", (gateway_way.GatewayWay,))
    await desk.service.start()
    await desk.until_changed()
    assert desk.given == [Endpoint("udp", "20.0.0.1", 7400)]
    assert desk.service.status("").protocol == "nat-pmp"
    while len(gateway.mapped) < 2:
        await asyncio.sleep(0.01)
    assert gateway.mapped == {1: 7200, 2: 7200}
    await desk.service.stop()
    assert set(gateway.mapped.values()) == {0}
    assert desk.given[-1] is None
    gateway.transport.close()
    await desk.host.close()


async def test_a_node_on_loopback_asks_nobody() -> None:
    async with Node(listen="127.0.0.1:0", registries=()) as node:
        assert node.status().port_mapping is None


@pytest.mark.parametrize("wanted", [True, False])
async def test_a_node_in_a_local_network_asks_unless_told_not_to(
    monkeypatch: pytest.MonkeyPatch, wanted: bool
) -> None:
    local = Endpoint("udp", "192.168.77.2", 7400)
    monkeypatch.setattr(AsyncioHost, "local_endpoints", lambda self: (local,))
    monkeypatch.setattr(service, "WAYS", ())
    config = replace(NodeConfig(), port_mapping=wanted)
    async with Node(listen="127.0.0.1:0", registries=(), config=config) as node:
        assert (node.status().port_mapping is not None) is wanted
