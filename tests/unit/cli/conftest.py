"""A stand-in for a running node behind the real control server, and a way to run commands against it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mesh99.cli.main import main
from mesh99.dht.statistics import Statistics
from mesh99.node.control import ControlServer
from mesh99.node.nat_status import NatStatus, RelayInUse
from mesh99.node.relay_status import RelayLimits, RelayStatus
from mesh99.node.results import (
    AgentEvent,
    Answer,
    Explained,
    Found,
    Hop,
    NodeStatus,
    PeerStatus,
    Stored,
    ValueEvent,
)
from mesh99.wire.errors import LookupFailed, MeshError

NODE_ID = "k3jx8a2m" + "a" * 44
OTHER_ID = "zq7w2b4c" + "b" * 44
DEAD_ID = "m4n5p6q7" + "c" * 44


class FakeRecord:
    """What the commands need of a NodeRecord."""

    node_id = OTHER_ID

    def to_json(self) -> dict[str, Any]:
        return {
            "node_id": OTHER_ID,
            "name": "writer",
            "public_key": "c" * 52,
            "endpoints": ["udp://127.0.0.1:7400", "tcp://127.0.0.1:7400"],
            "capabilities": ["summarize"],
            "nat": "unknown",
            "relays": [],
            "protocol_version": 1,
            "attributes": {"tags": ["de", "fr"], "version": "2.1"},
            "sequence": 7,
            "ttl_s": 1200,
        }


class FakeProvider(FakeRecord):
    """What the commands need of a Provider."""

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "age_s": 12.3, "ends_in_s": 1187.7}


STATISTICS = Statistics(
    contacts=3, contacts_by_bucket={0: 2, 1: 1}, reserve=0, network_size=4, records=4, record_bytes=1234, lookups=9,
    lookups_running=1, lookups_waiting=0, refreshes=2, requests=31, requests_in_flight=1, answers=27, timeouts=5,
    faults={}, hedges=1, ephemeral=0, failures={"silent": 2, "unreachable": 1}, dropped={"malformed": 1},
    rtt_p50_ms=0.4,
)  # fmt: skip


RELAY = RelayStatus(
    mode="on", serves=True, announced=True, load=0.25, reservations=3, circuits=1, forwarded_bytes=1_500_000,
    refused={"over the rate of a circuit": 7},
    limits=RelayLimits(
        reservations=128, circuits=1024, circuit_bytes_per_s=125_000.0, bytes_per_s=None, forwarded_bytes=10**9
    ),
)  # fmt: skip


def first_hop() -> Hop:
    return Hop(
        node_id=OTHER_ID, endpoint="udp://127.0.0.1:7400", depth=1, rtt_ms=0.5, outcome="answered", closer=3,
        distance_bits=251, asked_ms=0.0, named_by=None, remark="stored", remark_ms=1.25,
    )  # fmt: skip


def dead_hop() -> Hop:
    return Hop(
        node_id=DEAD_ID, endpoint="udp://127.0.0.1:7403", depth=2, rtt_ms=None, outcome="failed", closer=0,
        distance_bits=248, asked_ms=0.6, named_by=OTHER_ID, remark="", remark_ms=None,
    )  # fmt: skip


def explained(key: str, result: object) -> Explained:
    return Explained(key=key, result=result, source=OTHER_ID, hops=[first_hop(), dead_hop()], elapsed_ms=2.5)


@dataclass
class FakeNode:
    """Answers as a Node does; `error`, when set, is raised by everything that asks others."""

    error: BaseException | None = None
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    echo_delay_s: float = 0.0
    refused: dict[str, int] = field(default_factory=dict)
    watch_ends: bool = True
    watch_ended: threading.Event = field(default_factory=threading.Event)

    def _asked(self, *what: Any) -> None:
        self.calls.append(what)
        if self.error is not None:
            raise self.error

    def status(self) -> NodeStatus:
        return NodeStatus(
            node_id=NODE_ID, name="reader", endpoints=["udp://127.0.0.1:7401"], nat="unknown", observed=[],
            peers=2, contacts=3, records=4, registry="http://localhost:4567", uuid=None,
            capabilities=["read"], uptime_s=93784.5, dropped={"replay": 2}, relay=RELAY, dht=STATISTICS,
        )  # fmt: skip

    def nat(self) -> NatStatus:
        relay = RelayInUse(node_id=OTHER_ID, name="writer", endpoint="udp://192.0.2.9:7400", rtt_ms=21.5)
        return NatStatus(
            kind="easy", mapping="endpoint-independent", filtering="address-or-port-dependent",
            observed=["udp://198.51.100.1:40000"], observers=3, agreed="udp://198.51.100.1:40000",
            advertised=["udp://10.0.0.2:7401", "udp://198.51.100.1:40000"], at_large=True, serves=False,
            wants_relays=True, relays=[relay], port_mapping=None,
        )  # fmt: skip

    async def learn_names(self) -> None:
        self.calls.append(("learn_names",))

    def peers(self) -> list[PeerStatus]:
        measured = PeerStatus(
            node_id=OTHER_ID, name="writer", path="direct", endpoint="udp://127.0.0.1:7400",
            rtt_ms=0.321, tx_bytes=1234, rx_bytes=999, why="punched after 240 ms",
        )  # fmt: skip
        unmeasured = PeerStatus(
            node_id=NODE_ID, name="", path="tcp", endpoint="tcp://[::1]:7402",
            rtt_ms=None, tx_bytes=0, rx_bytes=0, why="much was sent at once",
        )  # fmt: skip
        return [measured, unmeasured]

    async def find(self, capability: str, *where: str, timeout_s: float = 5.0) -> list[FakeProvider]:
        self._asked("find", capability, *where, timeout_s)
        return [FakeProvider()] if capability == "summarize" else []

    async def resolve(self, peer: str, *, timeout_s: float = 5.0) -> FakeRecord:
        self._asked("resolve", peer)
        if peer != "writer":
            raise LookupFailed(f"peer {peer}", "is it up?")
        return FakeRecord()

    async def ping(self, peer: str, count: int = 1, *, timeout_s: float = 5.0) -> list[float]:
        self._asked("ping", peer, count)
        return [0.000321] * count

    async def trace(self, key: str, *, timeout_s: float = 10.0) -> list[Hop]:
        self._asked("trace", key)
        return [first_hop(), dead_hop()]

    async def explain_find(self, capability: str, *where: str, timeout_s: float = 5.0) -> Explained:
        self._asked("explain_find", capability, *where, timeout_s)
        found = [FakeProvider().to_json()] if capability == "summarize" else []
        return explained(capability, found)

    async def explain_put(self, key: str, value: str, *, timeout_s: float = 5.0) -> Explained:
        self._asked("explain_put", key, value)
        return explained(key, [] if key == "refused" else [OTHER_ID, NODE_ID])

    async def explain_get(self, key: str, *, timeout_s: float = 5.0) -> Explained:
        self._asked("explain_get", key)
        return explained(key, None if key == "nothing" else "the value")

    async def put(self, key: str, value: str, *, timeout_s: float = 5.0) -> Stored:
        self._asked("put", key, value)
        return Stored(key=key, stored_on=[NODE_ID, OTHER_ID], refused=self.refused)

    async def delete(self, key: str, *, timeout_s: float = 5.0) -> Stored:
        self._asked("delete", key)
        return Stored(key=key, stored_on=["a" * 52], refused={})

    async def put_content(self, value: str, *, timeout_s: float = 5.0) -> Stored:
        self._asked("put_content", value)
        return Stored(key="content:" + NODE_ID, stored_on=[NODE_ID], refused=self.refused)

    async def get(self, key: str, *, timeout_s: float = 5.0) -> Found:
        self._asked("get", key)
        owner = "" if key.startswith("content:") else OTHER_ID
        return Found(value="the value", owner=owner, hops=2, elapsed_s=0.0015)

    async def call(self, type_name: str, body: object, **options: Any) -> Answer:
        self._asked("call", type_name, body, options)
        if self.echo_delay_s:
            await asyncio.sleep(self.echo_delay_s)
        return Answer(
            reply=body, type_name="echo", sender=OTHER_ID, elapsed_s=0.0012, path="direct", transport="direct"
        )

    async def watch(self, capability: str, *where: str) -> AsyncGenerator[AgentEvent, None]:
        self._asked("watch", capability, *where)
        for kind in ("came", "gone"):
            yield AgentEvent(kind=kind, agent=FakeRecord())  # type: ignore[arg-type]
        await self._watched()

    async def watch_value(self, key: str) -> AsyncGenerator[ValueEvent, None]:
        self._asked("watch_value", key)
        for kind, value in (("came", "blue"), ("changed", "deep\nred")):
            yield ValueEvent(kind=kind, value=value, owner=OTHER_ID)
        await self._watched()

    async def _watched(self) -> None:
        try:
            if not self.watch_ends:
                await asyncio.Event().wait()
        finally:
            self.watch_ended.set()

    async def post(self, type_name: str, body: object, *, to: str, timeout_s: float = 5.0) -> str:
        self._asked("post", type_name, body, to)
        return "message-1"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def node(home: Path) -> Iterator[FakeNode]:
    """Run a node's control server in `home`, in a thread of its own."""
    fake = FakeNode()
    loop = asyncio.new_event_loop()
    server = ControlServer(fake, home)  # type: ignore[arg-type]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
        yield fake
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


Mesh99 = Callable[..., Result]


@pytest.fixture
def mesh99(home: Path) -> Mesh99:
    """Run `mesh99 --home HOME ...`; no trace may ever be printed."""

    def run(*arguments: str, **settings: Any) -> Result:
        result = CliRunner().invoke(main, ["--home", str(home), *arguments], **settings)
        assert "Traceback" not in result.output
        return result

    return run


@pytest.fixture
def document(mesh99: Mesh99) -> Callable[..., Any]:
    """Run a command with --json that succeeds, and return its one document."""

    def run(*arguments: str) -> Any:
        result = mesh99("--json", *arguments)
        assert result.exit_code == 0, result.output
        assert result.stderr == ""
        return json.loads(result.stdout)

    return run


@pytest.fixture
def failing(node: FakeNode) -> Callable[[MeshError], None]:
    """Let everything that the node is asked fail."""
    return lambda error: setattr(node, "error", error)
