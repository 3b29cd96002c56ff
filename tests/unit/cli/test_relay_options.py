"""The limits of `up --relay`: amounts as people write them, and one line for those that are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
import pytest

from mesh99.cli.output import Environment
from mesh99.cli.quantities import BITS_PER_S, BYTES
from mesh99.cli.relay_options import relay_of
from mesh99.cli.run_node import Wishes, prepared
from mesh99.nat.relay.config import RelayConfig


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
    [
        ("--relay", "--relay-rate", "fast"),
        ("--relay-volume", "1GB"),
        ("--no-relay", "--relay-region", "eu"),
        ("--relay", "--relay-circuits", "0"),
        ("--relay", "--relay-region", "x" * 65),
    ],
)
def test_bad_limits_are_wrong_usage(mesh99: Callable[..., Any], options: tuple[str, ...]) -> None:
    result = mesh99("up", *options)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")


def chosen(**options: Any) -> RelayConfig | None:
    nothing = dict.fromkeys(
        ("relay", "relay_reservations", "relay_circuits", "relay_rate", "relay_total_rate", "relay_volume")
    )
    return relay_of(**{**nothing, "relay_region": None, **options})


def test_the_limits_reach_the_node(tmp_path: Any) -> None:
    limits = chosen(
        relay=True, relay_reservations=9, relay_circuits=7, relay_rate=8000, relay_total_rate=80_000,
        relay_volume=10**10, relay_region="eu",
    )  # fmt: skip
    wishes = Wishes(name=None, capabilities=None, registries=(), peers=None, listen=None, relay=limits)
    relay = prepared(Environment(home=tmp_path), wishes, None).config.overlay.relay
    assert relay.serve is True
    assert (relay.reservations_max, relay.circuits_max) == (9, 7)
    assert (relay.circuit_bytes_per_s, relay.bytes_per_s_max) == (1000.0, 10_000.0)
    assert (relay.relayed_bytes_max, relay.region) == (10**10, "eu")


def test_who_says_nothing_volunteers_and_who_says_no_never_serves() -> None:
    assert chosen() is None
    assert RelayConfig().serve == "auto"
    refusing, serving = chosen(relay=False), chosen(relay=True)
    assert refusing is not None
    assert serving is not None
    assert (refusing.serve, serving.serve) == (False, True)
