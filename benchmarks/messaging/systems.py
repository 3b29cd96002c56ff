"""The systems side by side, and what an adapter module must offer."""

from __future__ import annotations

from typing import Any, Protocol

from ..system import System
from .desk import Desk

BASELINE = "raw tcp"
BENCH_EXTRA = "pip install -e '.[bench]'"


class Server(Protocol):
    """The answering end; `address` is what a client needs, as JSON."""

    address: dict[str, Any]

    async def close(self) -> None:
        """Close it and everything started for it."""


class Client(Protocol):
    """The asking end."""

    async def request(self, payload: bytes) -> bytes:
        """Send a request and wait for its reply."""

    async def send_burst(self, payload: bytes, count: int) -> None:
        """Send `payload` one way `count` times; return when the system would take more."""

    async def close(self) -> None:
        """Close the connection."""


class Adapter(Protocol):
    """A module that lets the harness drive one system."""

    async def serve(self, desk: Desk, variant: str) -> Server:
        """Start the answering end on a free port: requests to `desk.answer`, the rest to `desk.take`."""

    async def connect(self, address: dict[str, Any], variant: str) -> Client:
        """Connect to what `serve` started."""


SYSTEMS = (
    System(name=BASELINE, module="benchmarks.messaging.raw_tcp"),
    System(name="tls", module="benchmarks.messaging.tls", distributions=("cryptography",)),
    System(
        name="nats",
        module="benchmarks.messaging.nats_broker",
        distributions=("nats-py",),
        commands=("nats-server",),
        install=f"apt-get install nats-server; {BENCH_EXTRA}",
    ),
    System(
        name="zmq curve",
        module="benchmarks.messaging.zmq_curve",
        distributions=("pyzmq",),
        install=BENCH_EXTRA,
    ),
    *(
        System(
            name=f"mesh99 {level} {transport}",
            module=f"benchmarks.messaging.mesh99_{level}",
            variant=transport,
            distributions=("mesh99",),
            install="pip install -e .",
        )
        for level in ("session", "node")
        for transport in ("tcp", "udp")
    ),
)
