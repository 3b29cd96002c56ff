"""Lookups as trees."""

from __future__ import annotations

from typing import Any

from mesh99.cli.lookup_view import in_tree_order, summary


def hop(
    node_id: str, named_by: str | None, outcome: str = "answered", bits: int = 250, remark: str = ""
) -> dict[str, Any]:
    fields = {"node_id": node_id, "named_by": named_by, "outcome": outcome}
    return {**fields, "distance_bits": bits, "remark": remark}


def test_each_stands_after_the_one_that_named_it_in_the_order_asked() -> None:
    hops = [hop("a", None), hop("b", None), hop("b1", "b"), hop("a1", "a"), hop("a11", "a1"), hop("a2", "a")]
    ordered = [(each["node_id"], level) for each, level in in_tree_order(hops)]
    assert ordered == [("a", 0), ("a1", 1), ("a11", 2), ("a2", 1), ("b", 0), ("b1", 1)]


def test_a_long_chain_is_no_recursion() -> None:
    hops = [hop(str(number), str(number - 1) if number else None) for number in range(2000)]
    assert in_tree_order(hops)[-1][1] == 1999


def test_the_summary_counts_and_names_the_nearest() -> None:
    assert summary([]) == "nobody was asked"
    assert summary([hop("a" * 52, None, "failed")]) == "1 asked, 1 failed"
    hops = [hop("a" * 52, None), hop("b" * 52, None, bits=240), hop("c" * 52, None, "slow")]
    assert summary(hops) == "3 asked, 2 answered, 1 slow, nearest bbbbbbbb at 240 bits"


def test_the_summary_counts_refusals_by_reason() -> None:
    remarks = ("refused: key full", "stored", "refused: key full")
    hops = [hop(str(number), None, remark=remark) for number, remark in enumerate(remarks)]
    assert summary(hops) == "3 asked, 3 answered, 2 refused: key full, nearest 0 at 250 bits"
