"""Reading a scenario: everything that may stand there, and one line for everything that may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from mesh99.simulations.scenario.reading import parse, read, scenario_of
from mesh99.simulations.scenario.schema import Arrival, Fault, Scenario
from mesh99.simulations.scenario.units import Duration, Multiple, Rate, Share, Size
from mesh99.wire.errors import ConfigError

HEAD = 'name = "trial"\nabout = "A trial."\n'


def _error(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(HEAD + text, "trial.toml")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("trial.toml: ")
    return message.removeprefix("trial.toml: ")


def test_what_a_file_leaves_out_has_its_default() -> None:
    assert parse(HEAD) == Scenario(name="trial", about="A trial.")


def test_units_are_read_where_the_classes_say_so() -> None:
    scenario = parse(
        HEAD
        + """
        duration = "1h"
        [links]
        loss = "1%"
        mtu = 1280
        uplink = "10 Mbit/s"
        queue = "1 MB"
        [churn.session]
        distribution = "exponential"
        scale = "2h"
        [[arrival]]
        at = "30m"
        share = 5.0
        [[fault]]
        kind = "crash"
        [[fault]]
        kind = "restart"
        lasts = "5s"
        """
    )
    assert scenario.duration == Duration(3600)
    links = scenario.links
    assert (links.loss, links.mtu, links.uplink, links.queue) == (0.01, 1280, 1_250_000, 1_000_000)
    kinds = [type(value) for value in (links.loss, links.mtu, links.uplink)]
    assert kinds == [Share, Size, Rate]
    assert scenario.churn is not None
    assert (scenario.churn.session.distribution, scenario.churn.session.scale) == ("exponential", 7200)
    assert scenario.arrival == (Arrival(at=Duration(1800), share=Multiple(5)),)
    assert scenario.fault == (Fault(kind="crash"), Fault(kind="restart", lasts=Duration(5)))


def test_none_takes_away_what_is_there_by_default() -> None:
    assert parse(HEAD + 'workload = { lookups_every = "none" }').workload.lookups_every is None
    assert parse(HEAD + 'churn = "none"').churn is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[links]\nlos = 1", "links.los: unknown key (did you mean loss?); allowed: loss, burst_loss, "),
        ("nodes = 3", "nodes: unknown key (did you mean population.nodes?); allowed: name, about, tier, "),
        (
            "[churn.session]\nscale = 3",
            "churn.session.scale: must be a duration with its unit (ms, s, m, h, d or y)",
        ),
        (
            '[[fault]]\nkind = "crash"\n[[fault]]\nkind = "slow"\n[[fault]]\nkind = "slow"\nat = "soon"',
            "fault[2].at: must be a duration",
        ),
        ('[[fault]]\nkind = "crsh"', "fault[0].kind: must be one of clock-drift, "),
        ('[[fault]]\nkind = "crsh"', 'not "crsh" (did you mean crash?)'),
        ('[fault]\nkind = "crash"', "fault: must be an array of tables, [[fault]], not a table"),
        ("fault = [1]", "fault[0]: must be a table, not 1"),
        ('[[partition]]\nat = "1s"', "partition[0].lasts: is missing: every [[partition]] needs it"),
        ('[population]\nnodes = "500"', 'population.nodes: must be a whole number, not "500"'),
        ("[links]\nburst_packets = true", "links.burst_packets: must be a number, not true"),
        ('[nat]\nhairpin = "yes"', 'nat.hairpin: must be true or false, not "yes"'),
        ("[churn]\ntrace = 1", "churn.trace: must be a text in quotes, not 1"),
        ("churn = 3", "churn: must be a table, not 3"),
        ('[checks]\ninvariants = "all"', 'checks.invariants: must be an array of texts, such as ["all"]'),
        ("[checks]\ninvariants = [1]", "checks.invariants: must be an array of texts"),
        ("[expect]\nhops_mean = 1", "expect.hops_mean: must be a comparison in quotes"),
        ("expect = 1", "expect: must be a table, not 1"),
        ('[workload]\nlookups_every = "never"', 'not "never" (or "none")'),
        ("[links]\nloss = 2020-01-01", "links.loss: must be a share"),
        ("x =", "is not TOML: "),
        ("x = " + "[" * 5000, "is nested too deeply"),
    ],
)
def test_one_line_names_the_file_the_key_and_what_is_allowed(text: str, message: str) -> None:
    assert message in _error(text)


def test_what_every_scenario_needs_is_missed() -> None:
    with pytest.raises(ConfigError) as caught:
        scenario_of({"about": "No name."})
    assert str(caught.value) == "name: is missing: every scenario needs it"


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "cannot be read: "), (b"\xff\xfe", "is not UTF-8 text"), (b"#" * (1 << 21), "is over the ")],
)
def test_a_file_that_is_no_scenario_is_named(tmp_path: Path, content: bytes | None, problem: str) -> None:
    path = tmp_path / "some.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: {problem}")


def test_a_churn_trace_is_found_beside_the_file_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "some.toml"
    path.write_text(HEAD + '[churn]\ntrace = "week.trace"')
    with pytest.raises(ConfigError, match=r"churn\.trace: must be a file with lines `seconds node up\|down`"):
        read(path)
    (tmp_path / "week.trace").write_text("1 1 up\n")
    churn = read(path).churn
    assert churn is not None
    assert churn.trace == str(tmp_path / "week.trace")
