"""The tracing world: the same events as in the usual one, each with its cause and its owner."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from mesh99.simulations.outcome import RunOptions
from mesh99.simulations.replay.causes import causes
from mesh99.simulations.scenario.schema import Scenario
from mesh99.simulations.tracing.trace import TraceReader
from mesh99.simulations.tracing.trace_record import Record
from mesh99.simulations.tracing.tracing_world import TracingWorld, taps_of, world_for
from mesh99.simulations.world import World
from mesh99.wire.endpoint import Endpoint

SCENARIO = Scenario(name="small", about="A few calls.")
HERE, THERE = (Endpoint("udp", f"10.0.0.{number}", 7400) for number in (1, 2))


class Machine:
    """Has an index, as hosts have."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.got: list[bytes] = []

    def tick(self) -> None:
        """Do nothing."""

    def receive(self, packet: bytes, source: Endpoint) -> None:
        """Take a packet."""
        self.got.append(packet)


class Driver:
    """Works for a machine, as pumps do."""

    def __init__(self, network: Machine) -> None:
        self._network = network

    def timed_out(self) -> None:
        """Do nothing."""


def _play(world: World) -> list[tuple[int, int]]:
    """Let a machine tick, send, and call something off; return number and time of what ran."""
    first, second = Machine(1), Machine(2)
    ran: list[tuple[int, int]] = []

    def send() -> None:
        ran.append((world.event, world.now_ns))
        for tap in taps_of(world):
            tap(world.now_ns, 1, 2, HERE, THERE, b"packet")
        world.push(world.now_ns + 50, second.receive, b"packet", HERE)
        world.call_soon(lambda: ran.append((first.index, world.event)))

    world.call_at(1.0, first.tick)
    world.call_at(1.5, first.tick).cancel()
    world.push(2_000_000_000, partial(send))
    world.call_at(3.0, Driver(second).timed_out)
    world.run_until(4.0)
    assert second.got == [b"packet"]
    return ran


@pytest.fixture
def trace(tmp_path: Path) -> TraceReader:
    with world_for(SCENARIO, 7, RunOptions(trace=tmp_path / "trace")) as world:
        assert isinstance(world, TracingWorld)
        traced = _play(world)
    assert traced == _play(World(7))
    return TraceReader(tmp_path / "trace")


def test_events_are_written_with_owner_and_cause(trace: TraceReader) -> None:
    told = [(record.event, record.parent, record.node, record.label.split(".")[-1]) for record in trace]
    assert told == [
        (1, 0, 1, "tick"),
        (3, 0, 1, "send"),
        (0, 3, 1, ""),
        (6, 3, 1, "<lambda>"),
        (5, 3, 2, "receive"),
        (4, 0, 2, "timed_out"),
    ]
    assert trace.complete
    assert trace.header.scenario == "small"
    assert trace.header.seed == 7


def test_an_arrival_has_its_packet_among_its_causes(trace: TraceReader) -> None:
    arrival: Record = next(record for record in trace if record.is_arrival)
    sent, event = causes(trace, arrival)
    assert (sent.node, sent.receiver, sent.content) == (1, 2, arrival.content)
    assert event.event == 3


def test_without_a_trace_the_world_is_the_usual_one() -> None:
    with world_for(SCENARIO, 7, RunOptions()) as world:
        assert type(world) is World
        assert taps_of(world) == []


def test_a_run_that_fails_still_ends_its_trace(tmp_path: Path) -> None:
    def divide() -> None:
        raise ZeroDivisionError

    def run() -> None:
        with world_for(SCENARIO, 7, RunOptions(trace=tmp_path / "trace")) as world:
            world.call_at(1.0, divide)
            world.run_until(2.0)

    with pytest.raises(ZeroDivisionError):
        run()
    trace = TraceReader(tmp_path / "trace")
    assert [record.label.split(".")[-1] for record in trace] == ["divide"]
    assert trace.complete
