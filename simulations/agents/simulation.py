"""One run of tier T2: whole Nodes with their handlers, a real registry, and agents that ask each other.

The registry is how agents find their first peers; `population.introducers` is for tiers that have none. Of the
adversaries, a lying registry is one of this tier: in a `share` of its answers it knows nobody or, with a `count`, hands
out signed records that it has changed.
"""

from __future__ import annotations

from functools import partial
from random import Random

from ...node.config import NodeConfig
from ...wire.errors import ConfigError
from ..checks import build_checks
from ..checks.check import Check
from ..faults.registry_down import RegistryDown
from ..outcome import Outcome, RunOptions
from ..population.overlay_config import overlay_config
from ..scenario.schema import Adversary, Scenario
from ..stage import Stage
from ..tracing.tracing_world import taps_of, world_for
from ..world import World
from .agent import Agent
from .host import Machine
from .lies import forged, nobody, sometimes
from .members_run import MembersRun
from .registry import Lie, SimulatedRegistry
from .seat import Seat

CAPABILITIES_MAX = 16
"""Different capabilities in a population: with a hundred agents each has six that offer it."""

AGENTS_PER_CAPABILITY = 2
"""In a small population: whoever asks must find another than itself."""

NUMBERS = 1 << 30
"""What an agent may be asked about."""


class AgentsRun(MembersRun):
    """A population of whole nodes."""

    asks = True

    def __init__(
        self, scenario: Scenario, seed: int, *, crypto: str = "simulated", world: World | None = None
    ) -> None:
        nodes = scenario.population.nodes
        self.capabilities = [
            f"skill-{n}" for n in range(max(1, min(CAPABILITIES_MAX, nodes // AGENTS_PER_CAPABILITY)))
        ]
        self.config = NodeConfig(
            overlay=overlay_config(scenario),
            value_ttl_s=max(1, int(scenario.workload.value_ttl)),
        )
        super().__init__(scenario, seed, crypto=crypto, world=world)
        self.registry = SimulatedRegistry(self.world, self.network, self.sockets)
        for adversary in scenario.adversary:
            self._plan_lies(adversary)
        for fault in self.faults:
            if isinstance(fault, RegistryDown):
                fault.on_change.append(self._registry_changed)

    def make(self, index: int) -> Agent:
        """Make an agent, switched off."""
        machine = Machine(self.world, self.network, index, self.crypto)
        capability = self.capabilities[index % len(self.capabilities)]
        return Agent(machine, capability, [self.registry.url], self.config)

    def make_checks(self, stage: Stage) -> list[Check]:
        """Return the invariants of the scenario."""
        return build_checks(stage)

    async def begin(self) -> None:
        """Start the registry."""
        await self.registry.start()

    async def end(self) -> None:
        """Stop the registry."""
        await self.registry.stop()

    async def ask(self, seat: Seat, random: Random) -> bool:
        """Let an agent find another by capability, and ask it."""
        assert isinstance(seat.member, Agent), "that is who sits here"
        capability = self.capabilities[int(random.random() * len(self.capabilities))]
        return await seat.member.ask(capability, int(random.random() * NUMBERS))

    def more_figures(self) -> dict[str, float]:
        """Return how often the registry was called."""
        return {"registry_calls": self.registry.calls}

    def _plan_lies(self, adversary: Adversary) -> None:
        if adversary.kind != "lying-registry":
            raise ConfigError(
                "adversary.kind", f"{adversary.kind!r} is not in tier agents", "lying-registry is"
            )
        random = self.random("lying registry")
        lie = sometimes(forged(random) if adversary.count else nobody, adversary.share, random)
        self.world.call_at(self.at_phase(adversary.at) if adversary.at else 0.0, partial(self._lie, lie))

    def _lie(self, lie: Lie) -> None:
        self.registry.lie = lie

    def _registry_changed(self, down: bool) -> None:
        if down:
            self.registry.go_down()
        else:
            self.registry.come_up()


def run(scenario: Scenario, seed: int, options: RunOptions) -> Outcome:
    """Run a scenario with whole nodes."""
    with world_for(scenario, seed, options) as world:
        agents = AgentsRun(scenario, seed, crypto=options.crypto, world=world)
        agents.network.taps.extend(taps_of(world))
        return agents.run(options)
