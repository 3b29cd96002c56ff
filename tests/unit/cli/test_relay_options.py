"""The limits of `up --relay`: amounts as people write them, and one line for those that are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
import pytest

from mesh99.cli.output import Environment
from mesh99.cli.quantities import BITS_PER_S, BYTES
from mesh99.cli.run_node import Wishes, prepared


@pytest.mark.parametrize(
    ("text", "amount"), [("1Mbit", 10**6), ("1.5 mbit", 1_500_000), ("64kbit", 64_000), ("8bit", 8)]
)
def test_rates(text: str, amount: int) -> None:
    assert BITS_PER_S.convert(text, None, None) == amount


@pytest.mark.parametrize("text", ["", "10", "GB", "0GB", "-1GB", "10Mbit", "1e9GB", "nanGB", "10 parsec"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(click.BadParameter):
        BYTES.convert(text, None, None)


@pytest.mark.parametrize(
    "options",
    [("--relay", "--relay-rate", "fast"), ("--relay-volume", "1GB"), ("--relay", "--relay-circuits", "0")],
)
def test_bad_limits_are_wrong_usage(mesh99: Callable[..., Any], options: tuple[str, ...]) -> None:
    result = mesh99("up", *options)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")


def test_the_limits_reach_the_node(tmp_path: Any) -> None:
    wishes = Wishes(
        name=None, capabilities=None, registries=(), peers=None, listen=None,
        relay={"circuits_max": 7, "circuit_bytes_per_s": 1000.0, "relayed_bytes_max": 10**10},
    )  # fmt: skip
    relay = prepared(Environment(home=tmp_path), wishes, None).config.overlay.relay
    assert relay.serve
    assert (relay.circuits_max, relay.circuit_bytes_per_s, relay.relayed_bytes_max) == (7, 1000.0, 10**10)
