"""Values that cannot be, each named with its key and what is allowed."""

from __future__ import annotations

import pytest

from mesh99.simulations.scenario.checking import check
from mesh99.simulations.scenario.ranges import RANGES
from mesh99.simulations.scenario.reading import parse
from mesh99.simulations.scenario.schema import Population, Scenario
from mesh99.simulations.scenario.shape import keys_of
from mesh99.wire.errors import ConfigError

HEAD = 'name = "trial"\nabout = "A trial."\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[population]\nnodes = 1", "population.nodes: must be 2 to 16777215 in tier heap, not 1"),
        (
            "[population]\nnodes = 16777216",
            "population.nodes: must be 2 to 16777215 in tier heap, not 16777216",
        ),
        ('tier = "model"\n[population]\nnodes = 100000001', "must be 2 to 100000000 in tier model"),
        ('tier = "processes"\n[population]\nnodes = 10000', "must be 2 to 500 in tier processes"),
        (
            "[population]\nintroducers = 0",
            "population.introducers: must be at least 1 and at most 100, not 0",
        ),
        ('[population]\npublishers = "101%"', "population.publishers: must be at least 0 and at most 1"),
        ('duration = "0s"', "duration: must be more than 0s"),
        ('duration = "5000y"', "duration: must be more than 0s and at most 1000y, not 5000y"),
        ('settle = "-1s"', "settle: must be at least 0s and at most 1000y, not -1s"),
        ('[latency]\none_way = "0s"', "latency.one_way: must be more than 0s"),
        ("[links]\nloss = 1.0", "links.loss: must be at least 0 and less than 1, not 1"),
        ("[links]\nburst_packets = nan", "links.burst_packets: must be at least 1"),
        ("[links]\nmtu = 100", "links.mtu: must be at least 576 B and at most 65535 B, not 100 B"),
        ('[links]\nuplink = "0 B/s"', "links.uplink: must be more than 0 B/s"),
        ('[links]\nuplink = "1 MB/s"\nqueue = 1000', "links.queue: must hold a packet of links.mtu (1500 B)"),
        ("[nat]\nsymmetric = 0.6\nport_restricted = 0.5", "nat: the shares of endpoint_independent, "),
        ('[churn.session]\nscale = "0s"', "churn.session.scale: must be more than 0s"),
        ('[churn.offline]\ndistribution = "pareto"', "churn.offline.shape: must be more than 1 for pareto"),
        ('[churn]\ntrace = "no such file"', "churn.trace: must be a file with lines `seconds node up|down`"),
        ('[[arrival]]\nat = "1s"\nshare = 0', "arrival[0].share: must be more than 0"),
        ('[[arrival]]\nat = "1m"', "arrival[0].at: must be before the end (duration is 1m), not 1m"),
        ('[[partition]]\nat = "1s"\nlasts = "0s"', "partition[0].lasts: must be more than 0s"),
        (
            '[[partition]]\nat = "1h"\nlasts = "1s"',
            "partition[0].at: must be before the end (duration is 1m)",
        ),
        ('[[fault]]\nkind = "inject"', "fault[0].point: is missing: inject needs"),
        ('[[fault]]\nkind = "slow"\npoint = "x"', "fault[0].point: is for inject only"),
        ('[[fault]]\nkind = "restart"', "fault[0].lasts: is missing: a restart needs"),
        ('[[fault]]\nkind = "slow"\nsize = "-1s"', "fault[0].size: must be at least 0s for slow"),
        (
            '[[fault]]\nkind = "crash"\nshare = 0.1\nbatch = 0.2',
            "fault[0].batch: must be at most fault.share (10%)",
        ),
        ('[[adversary]]\nkind = "sybil"', "adversary[0].share: an adversary needs a share or a count over 0"),
        ('[[adversary]]\nkind = "sybil"\ncount = -1', "adversary[0].count: must be at least 0"),
        (
            '[population]\nnodes = 16777215\n[[adversary]]\nkind = "sybil"\ncount = 1',
            "with arrivals and adversaries there are 16777216 nodes, and addresses for 16777215",
        ),
        (
            '[workload]\ngets_every = "1s"',
            "workload.keys: must be at least 1 where workload.gets_every is set",
        ),
        ('[workload]\nrequests_every = "1s"', "workload.requests_every: needs whole nodes: tier agents or"),
        (
            "[workload]\nvalue_size = 801",
            "workload.value_size: must be at least 1 B and at most 800 B, not 801 B",
        ),
        (
            '[checks]\nconverge_within = "2m"',
            "checks.converge_within: must be at most the duration (1m), not 2m",
        ),
        ('[checks]\ninvariants = ["a\\nb"]', 'checks.invariants: must be printable text, not "a\\nb"'),
        ('[expect]\n"Hops mean" = ">= 1"', 'expect."Hops mean": must be the name of a figure'),
        ('[expect]\nhops_mean = "about 3"', "expect.hops_mean: must be comparisons (>=, <=, ==, !=, >, <)"),
    ],
)
def test_a_value_that_cannot_be_is_named(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(HEAD + text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a/b", "..", "a b", "x" * 65])
def test_a_name_is_fit_for_a_file(name: str) -> None:
    with pytest.raises(ConfigError, match=r"^name: must be 1 to 64 letters"):
        check(Scenario(name=name, about="A trial."))


@pytest.mark.parametrize("about", ["", "two\nlines"])
def test_what_it_is_about_is_a_line(about: str) -> None:
    with pytest.raises(ConfigError, match=r"^about: must be one line of text"):
        check(Scenario(name="trial", about=about))


@pytest.mark.parametrize(
    "text",
    [
        "[population]\nnodes = 2",
        'tier = "model"\n[population]\nnodes = 100000000',
        "[nat]\nsymmetric = 0.3\nport_restricted = 0.7",
        '[[fault]]\nkind = "clock-jump"\nsize = "-1h"',
        '[[fault]]\nkind = "inject"\npoint = "disk.write"',
        '[[adversary]]\nkind = "censor"\ncount = 20\nat = "59s"',
        'tier = "agents"\n[workload]\nrequests_every = "1s"',
        '[checks]\nconverge_within = "1m"',
        '[expect]\nhops_mean = ">= 1, <= 4"',
    ],
)
def test_a_value_at_the_edge_is_taken(text: str) -> None:
    parse(HEAD + text)


def test_a_scenario_made_in_a_program_is_checked_alike() -> None:
    with pytest.raises(ConfigError, match=r"^population\.nodes: must be 2 to "):
        check(Scenario(name="trial", about="A trial.", population=Population(nodes=1)))


def test_each_range_belongs_to_a_key() -> None:
    for part, ranges in RANGES.items():
        assert set(ranges) <= set(keys_of(part))
