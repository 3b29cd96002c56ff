"""The replay window."""

from __future__ import annotations

from mesh99.wire.replay import WINDOW, ReplayWindow


def test_it_is_as_large_as_wireguards() -> None:
    assert WINDOW == 8128


def test_counters_in_order_need_no_memory() -> None:
    window = ReplayWindow()
    for counter in range(10_000):
        assert window.is_fresh(counter)
        window.add(counter)
    assert window._bits is None
    assert not window.is_fresh(9_999)
    assert not window.is_fresh(0)


def test_each_counter_is_taken_once_in_any_order() -> None:
    window = ReplayWindow()
    order = [0, 1, 5, 3, 2, 4, 900, 17, 899, 901]
    for counter in order:
        assert window.is_fresh(counter)
        window.add(counter)
        assert not window.is_fresh(counter)
    assert all(not window.is_fresh(counter) for counter in order)
    assert window.is_fresh(6)


def test_the_edge_of_the_window() -> None:
    window = ReplayWindow()
    window.add(20_000)
    assert window.is_fresh(20_000 - WINDOW + 1)
    assert not window.is_fresh(20_000 - WINDOW)


def test_a_long_jump_forgets_what_lay_before() -> None:
    window = ReplayWindow()
    for counter in range(100):
        window.add(counter)
    window.add(1_000_000)
    assert all(not window.is_fresh(counter) for counter in range(100))
    assert window.is_fresh(999_999)


def test_asking_changes_nothing() -> None:
    window = ReplayWindow()
    window.add(3)
    assert window.is_fresh(1_000_000)
    assert window.is_fresh(2)
    assert window.highest == 3


def test_a_gap_after_an_unbroken_row_keeps_the_row_closed() -> None:
    for length in range(1, 20):
        window = ReplayWindow()
        for counter in range(length):
            window.add(counter)
        window.add(length + 5)
        assert [window.is_fresh(counter) for counter in range(length)] == [False] * length
        assert all(window.is_fresh(counter) for counter in range(length, length + 5))
