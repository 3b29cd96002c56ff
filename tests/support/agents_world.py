"""Small worlds on the virtual loop: machines, overlays, whole nodes, a registry."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from host_worlds import STEP_S, Site

from mesh99.node import Node
from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.overlay import Overlay
from mesh99.node.pump import Pump
from mesh99.simulations.agents.host import AgentHost, Machine
from mesh99.simulations.agents.registry import SimulatedRegistry
from mesh99.simulations.agents.sockets import Sockets
from mesh99.simulations.agents.virtual_loop import VirtualLoop
from mesh99.simulations.host import index_of
from mesh99.simulations.network.network import Network
from mesh99.simulations.scenario.schema import Links, Scenario
from mesh99.simulations.scenario.units import Share
from mesh99.simulations.world import World
from mesh99.wire.contact import Contact

T = TypeVar("T")

FIRST_MACHINE = 2
"""The registry's is 1."""


class AgentsWorld:
    """Machines on a network that loses nothing, and a loop to run programs on them."""

    def __init__(self, seed: int = 7) -> None:
        self.world = World(seed)
        scenario = Scenario(name="small", about="", links=Links(loss=Share(0.0)))
        self.network = Network(self.world, scenario)
        self.sockets = Sockets(self.network, index_of)
        self.loop = VirtualLoop(self.world, self.sockets)
        self.registry = SimulatedRegistry(self.world, self.network, self.sockets)
        self.machines: list[Machine] = []

    def machine(self) -> Machine:
        """Return a new machine."""
        self.machines.append(Machine(self.world, self.network, FIRST_MACHINE + len(self.machines)))
        return self.machines[-1]

    def node(self, machine: Machine, **options: Any) -> Node:
        """Return a node for a machine, which knows the registry only."""
        options.setdefault("registries", [self.registry.url])
        return Node(identity=machine.identity, host=machine.host, **options)

    def run(self, program: Coroutine[Any, Any, T]) -> T:
        """Run a program to its end; fails when some task or callback failed on the way."""
        result = self.loop.run_until_complete(program)
        assert self.loop.failures == []
        return result

    def close(self) -> None:
        """Close the loop."""
        self.loop.close()


class VirtualHostWorld:
    """The conformance suite's small world: overlays on asyncio in virtual time."""

    def __init__(self, seed: int = 7) -> None:
        self._agents = AgentsWorld(seed)
        self._hosts: dict[Site, AgentHost] = {}

    def add(self, config: OverlayConfig | None = None) -> Site:
        """Start an overlay on a machine of its own."""
        return self._agents.run(self._add(self._agents.machine(), config or OverlayConfig()))

    async def _add(self, machine: Machine, config: OverlayConfig) -> Site:
        host = machine.host()
        endpoint = host.bind("127.0.0.1:0")
        overlay = Overlay(
            machine.identity,
            config,
            random=host.random(),
            entropy=host.entropy,
            now=host.now(),
            tcp_port=endpoint.port,
        )
        pump = Pump(overlay, host, host)
        host.start(pump)
        site = Site(pump, host, host, Contact(machine.identity.public_key, endpoint))
        self._hosts[site] = host
        return site

    def until(self, condition: Callable[[], object], timeout_s: float = 20.0) -> None:
        """Run the loop until the condition holds."""
        self._agents.run(self._until(condition, timeout_s))

    async def _until(self, condition: Callable[[], object], timeout_s: float) -> None:
        deadline = self._agents.loop.time() + timeout_s
        while not condition():
            assert self._agents.loop.time() < deadline, f"not within {timeout_s:g} virtual seconds"
            await asyncio.sleep(STEP_S)

    def rest(self, seconds: float) -> None:
        """Run the loop for so long."""
        self._agents.run(asyncio.sleep(seconds))

    def kill(self, site: Site) -> None:
        """End the process without a word; its machine stays."""
        host = self._hosts.pop(site)
        host.cut(power_lost=False)
        self._agents.run(host.close())

    def close(self, site: Site) -> None:
        """Say goodbye and end the process."""
        site.pump.close()
        self._agents.run(self._hosts.pop(site).close())

    def close_all(self) -> None:
        """Close every site and the loop."""
        for site in list(self._hosts):
            self.close(site)
        self._agents.close()
