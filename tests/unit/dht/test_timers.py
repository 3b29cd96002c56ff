from mesh99.dht.timers import Timers


def test_timers_run_in_order_and_ties_in_the_order_of_setting() -> None:
    timers, ran = Timers(), []
    timers.at(2.0, lambda now: ran.append("b"))
    timers.at(1.0, lambda now: ran.append("a"))
    timers.at(2.0, lambda now: ran.append("c"))
    assert timers.next_timeout() == 1.0
    timers.run(1.5)
    assert ran == ["a"]
    timers.run(2.0)
    assert ran == ["a", "b", "c"]
    assert timers.next_timeout() is None


def test_cancelled_timers_neither_run_nor_wake() -> None:
    timers, ran = Timers(), []
    first = timers.at(1.0, ran.append)
    timers.at(2.0, ran.append)
    first.cancel()
    assert timers.next_timeout() == 2.0
    timers.run(5.0)
    assert ran == [5.0]


def test_a_timer_set_for_now_while_running_waits_for_the_next_run() -> None:
    timers, ran = Timers(), []

    def again(now: float) -> None:
        ran.append(now)
        timers.at(now, again)

    timers.at(1.0, again)
    timers.run(1.0)
    assert ran == [1.0]
    assert timers.next_timeout() == 1.0
    timers.run(1.0)
    assert ran == [1.0, 1.0]


def test_a_timer_may_cancel_another_that_is_due() -> None:
    timers, ran = Timers(), []
    timers.at(1.0, lambda now: second.cancel())
    second = timers.at(1.0, ran.append)
    timers.run(1.0)
    assert ran == []
