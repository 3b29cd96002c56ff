"""Switching members on and off at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from agents_world import AgentsWorld

from mesh99.simulations.agents.host import Machine
from mesh99.simulations.agents.member import Lookup, Value
from mesh99.simulations.agents.population import Population
from mesh99.simulations.agents.seat import Seat
from mesh99.simulations.scenario.schema import Population as Settings
from mesh99.wire.endpoint import Endpoint

START_S, STOP_S = 2.0, 3.0


class Slow:
    """A member whose every step takes its time and is written down."""

    def __init__(self, machine: Machine, diary: list[tuple[float, str]]) -> None:
        self.machine = machine
        self.joined = False
        self._diary = diary

    @property
    def node_id(self) -> bytes:
        return self.machine.identity.node_id

    async def start(self, introducers: Sequence[Endpoint]) -> bool:
        self._note("starts")
        await asyncio.sleep(START_S)
        self._note(f"joins through {len(introducers)}")
        self.joined = True
        return True

    def cut_off(self, *, power_lost: bool) -> None:
        self.joined = False
        self._note("power lost" if power_lost else "killed")

    async def stop(self) -> None:
        self.joined = False
        self._note("stops")
        await asyncio.sleep(STOP_S)
        self._note("stopped")

    async def look_up(self, target: bytes) -> Lookup:
        return Lookup(None, 0, 0)

    async def put(self, key: str, value: str, ttl_s: float) -> None:
        return None

    async def get(self, key: str) -> Value:
        return Value(None, 0)

    def _note(self, what: str) -> None:
        self._diary.append((self.machine.world.now(), what))


class House:
    """A population of slow members."""

    def __init__(self, agents: AgentsWorld) -> None:
        self.diary: list[tuple[float, str]] = []
        self.population = Population(
            agents.world, agents.loop, Settings(), lambda index: Slow(agents.machine(), self.diary)
        )


def test_a_start_waits_until_the_last_session_has_ended(agents: AgentsWorld) -> None:
    async def program() -> House:
        house = House(agents)
        seat = house.population.start_new()
        await asyncio.sleep(10)
        seat.stop()
        seat.start()
        assert (seat.up, seat.joined, seat.session) == (True, False, 2)
        await asyncio.sleep(10)
        assert seat.joined
        return house

    assert agents.run(program()).diary == [
        (0.0, "starts"),
        (2.0, "joins through 0"),
        (10.0, "stops"),
        (13.0, "stopped"),
        (13.0, "starts"),
        (15.0, "joins through 0"),
    ]


def test_a_crash_acts_within_the_call_and_a_start_under_way_is_broken_off(agents: AgentsWorld) -> None:
    async def program() -> House:
        house = House(agents)
        seat = house.population.start_new()
        await asyncio.sleep(1)
        seat.crash()
        assert house.diary[-1] == (1.0, "power lost")
        seat.crash()
        seat.stop()
        await seat.ended()
        assert (seat.up, len(house.population.live)) == (False, 0)
        return house

    told = [what for _, what in agents.run(program()).diary]
    assert told == ["starts", "power lost", "stops", "stopped"]


def test_what_a_member_does_ends_with_its_session(agents: AgentsWorld) -> None:
    async def program() -> list[str]:
        done: list[str] = []

        async def work(name: str) -> None:
            try:
                await asyncio.sleep(5)
                done.append(f"{name} done")
            except asyncio.CancelledError:
                done.append(f"{name} broken off")
                raise

        seat = House(agents).population.start_new()
        await asyncio.sleep(3)
        seat.run(work("first"))
        await asyncio.sleep(6)
        for name in ("second", "third"):
            seat.run(work(name))
        await asyncio.sleep(1)
        seat.stop(graceful=False)
        seat.run(work("too late"))
        await seat.ended()
        return done

    assert agents.run(program()) == ["first done", "second broken off", "third broken off"]


def test_the_population_knows_who_is_there_and_nearest(agents: AgentsWorld) -> None:
    async def program() -> None:
        population = House(agents).population
        told: list[tuple[str, Seat]] = []
        population.on_up.append(lambda seat: told.append(("up", seat)))
        population.on_down.append(lambda seat: told.append(("down", seat)))
        first, second = population.start_new(), population.start_new()
        assert population.nearest(bytes(32)) == []
        await asyncio.sleep(10)
        assert population.nearest(second.member.node_id) == [second.member.node_id]
        assert population.nearest(second.member.node_id, exclude=second.member.node_id) == [
            first.member.node_id
        ]
        second.stop()
        assert population.nearest(second.member.node_id) == [first.member.node_id]
        assert (population.arrivals, population.departures, population.live) == (2, 1, [first])
        assert told == [("up", first), ("up", second), ("down", second)]
        assert [round(took) for took in population.took_ms] == [2000, 2000]
        await second.ended()

    agents.run(program())


def test_an_error_of_a_member_is_an_error_of_the_run(agents: AgentsWorld) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    async def program() -> list[BaseException]:
        seat = House(agents).population.start_new()
        seat.run(fail())
        await asyncio.sleep(1)
        failures, agents.loop.failures = agents.loop.failures, []
        return failures

    assert [type(error) for error in agents.run(program())] == [ZeroDivisionError]
