"""The worlds that every host's tests run in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from agents_world import VirtualHostWorld
from host_worlds import HostWorld, LoopbackWorld, SimulatedWorld

WORLDS: dict[str, Callable[[], HostWorld]] = {
    "asyncio": lambda: LoopbackWorld("asyncio"),
    "uvloop": lambda: LoopbackWorld("uvloop"),
    "simulator": SimulatedWorld,
    "virtual-asyncio": VirtualHostWorld,
}


def make_world(name: str) -> Iterator[HostWorld]:
    if name == "uvloop":
        pytest.importorskip("uvloop")
    world = WORLDS[name]()
    yield world
    world.close_all()


@pytest.fixture(params=list(WORLDS))
def world(request: pytest.FixtureRequest) -> Iterator[HostWorld]:
    yield from make_world(request.param)


@pytest.fixture(params=["asyncio", "uvloop"])
def loopback(request: pytest.FixtureRequest) -> Iterator[HostWorld]:
    yield from make_world(request.param)
