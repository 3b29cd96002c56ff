"""The virtual loop: order, time, and what asyncio programs expect of a loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from mesh99.simulations.agents.virtual_loop import Deadlock, VirtualLoop
from mesh99.simulations.world import World


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    loop = VirtualLoop(World(1))
    yield loop
    loop.close()


def test_timers_that_are_due_together_run_in_the_order_in_which_they_were_asked_for(
    loop: VirtualLoop,
) -> None:
    ran: list[int] = []
    for number in range(100):
        loop.call_at(5.0, ran.append, number)
    loop.run_until_complete(asyncio.sleep(5.0))
    assert ran == list(range(100))


def test_timers_run_in_the_order_of_their_times(loop: VirtualLoop) -> None:
    ran: list[float] = []
    for when in (3.0, 1.0, 2.0, 1.5):
        loop.call_at(when, lambda: ran.append(loop.time()))
    loop.run_until_complete(asyncio.sleep(4.0))
    assert ran == [1.0, 1.5, 2.0, 3.0]


def test_callbacks_run_before_time_goes_on_and_in_their_order(loop: VirtualLoop) -> None:
    ran: list[tuple[str, float]] = []

    def due() -> None:
        loop.call_soon(lambda: ran.append(("soon", loop.time())))
        ran.append(("due", loop.time()))

    loop.call_later(1.0, due)
    loop.call_later(1.0 + 1e-9, lambda: ran.append(("later", loop.time())))
    loop.run_until_complete(asyncio.sleep(2))
    assert [name for name, _ in ran] == ["due", "soon", "later"]
    assert ran[0][1] == ran[1][1] < ran[2][1]


def test_a_year_of_sleeping_takes_as_long_as_a_second(loop: VirtualLoop) -> None:
    loop.run_until_complete(asyncio.sleep(365 * 86_400.0))
    assert loop.time() == 365 * 86_400.0
    assert loop.world.event < 10


@pytest.mark.parametrize("when", [0.1, 1 / 3, 1e-9, 12345.678901234, 86_400.1])
def test_no_timer_comes_early(loop: VirtualLoop, when: float) -> None:
    ran: list[float] = []
    loop.call_at(when, lambda: ran.append(loop.time()))
    loop.run_until_complete(asyncio.sleep(2 * when))
    assert when <= ran[0] < when + 2e-9 * max(1.0, when)


def test_a_timer_in_the_past_runs_at_once(loop: VirtualLoop) -> None:
    loop.run_until_complete(asyncio.sleep(10))
    ran: list[float] = []
    loop.call_at(3.0, lambda: ran.append(loop.time()))
    loop.run_until_complete(asyncio.sleep(0.001))
    assert ran == [10.0]


def test_a_timer_that_was_called_off_never_runs(loop: VirtualLoop) -> None:
    ran: list[int] = []
    loop.call_later(1.0, ran.append, 1).cancel()
    loop.call_later(1.0, ran.append, 2)
    loop.run_until_complete(asyncio.sleep(2))
    assert ran == [2]


def test_whoever_waits_for_nothing_is_told_so(loop: VirtualLoop) -> None:
    async def wait_for_ever() -> None:
        await asyncio.sleep(7)
        await asyncio.Event().wait()

    with pytest.raises(Deadlock, match=r"at 7\.000000 s.*wait_for_ever") as caught:
        loop.run_until_complete(wait_for_ever())
    assert "no event is left" in str(caught.value)


def test_a_program_that_never_waits_is_stopped(loop: VirtualLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mesh99.simulations.agents.virtual_loop.CALLBACKS_WITHOUT_TIME_MAX", 1000)

    async def spin() -> None:
        while True:
            await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="time stands still"):
        loop.run_until_complete(spin())


def test_cancelling_ends_a_task_where_it_waits(loop: VirtualLoop) -> None:
    ended: list[str] = []

    async def sleeper() -> None:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            ended.append(f"cancelled at {loop.time():g}")
            raise

    async def program() -> None:
        task = asyncio.create_task(sleeper())
        await asyncio.sleep(3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    loop.run_until_complete(program())
    assert ended == ["cancelled at 3"]


def test_time_limits_are_kept_to_the_nanosecond(loop: VirtualLoop) -> None:
    async def program() -> list[float]:
        times = []
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.sleep(10), 2.5)
        times.append(loop.time())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.25):
                await asyncio.sleep(10)
        times.append(loop.time())
        assert await asyncio.wait_for(asyncio.sleep(1, "done"), 2) == "done"
        return [*times, loop.time()]

    assert loop.run_until_complete(program()) == [2.5, 3.75, 4.75]


def test_what_ends_together_completes_in_the_order_of_its_beginning(loop: VirtualLoop) -> None:
    """node/joining.py relies on this: the set inside `as_completed` must not show in the order."""

    async def ends_at(when: float, name: int) -> int:
        await asyncio.sleep(when - loop.time())
        return name

    async def program() -> list[int]:
        tasks = [asyncio.create_task(ends_at(5.0, name)) for name in range(50)]
        tasks.append(asyncio.create_task(ends_at(4.0, 50)))
        return [await task for task in asyncio.as_completed(tasks)]

    assert loop.run_until_complete(program()) == [50, *range(50)]


def test_gathered_results_keep_their_order(loop: VirtualLoop) -> None:
    async def after(delay_s: float) -> float:
        await asyncio.sleep(delay_s)
        return delay_s

    async def program() -> list[float]:
        return await asyncio.gather(*(after(delay_s) for delay_s in (3.0, 1.0, 2.0)))

    assert loop.run_until_complete(program()) == [3.0, 1.0, 2.0]
    assert loop.time() == 3.0


def test_an_executor_is_this_thread(loop: VirtualLoop) -> None:
    ran: list[str] = []

    async def program() -> int:
        with ThreadPoolExecutor(1) as executor:
            future = loop.run_in_executor(executor, lambda: ran.append("inline") or 42)
            assert ran == ["inline"]
            return await future

    assert loop.run_until_complete(program()) == 42
    with pytest.raises(ZeroDivisionError):
        loop.run_until_complete(loop.run_in_executor(None, lambda: 1 // 0))


def test_errors_that_nobody_caught_are_kept(loop: VirtualLoop) -> None:
    loop.call_later(1.0, lambda: 1 // 0)
    loop.run_until_complete(asyncio.sleep(2))
    assert [type(error) for error in loop.failures] == [ZeroDivisionError]


def test_there_is_no_network_unless_one_was_given(loop: VirtualLoop) -> None:
    with pytest.raises(RuntimeError, match="no network"):
        loop.run_until_complete(
            loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("10.0.0.2", 1))
        )
