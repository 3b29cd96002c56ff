"""The benchmarks run and tell what they should; nothing here depends on how fast this machine is."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import select
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMON_KEYS = {
    "system",
    "version",
    "case",
    "status",
    "placement",
    "loop",
    "rounds",
    "spread",
    "foreign_cores",
    "slowdown",
}
MESSAGING_KEYS = COMMON_KEYS | {
    "rtt_p50_us",
    "rtt_p99_us",
    "requests_per_s",
    "messages_per_s",
    "mb_per_s",
    "rss_mb",
    "loss",
    "ratio",
}
DHT_KEYS = COMMON_KEYS | {
    "nodes",
    "net",
    "join_s",
    "put_p50_ms",
    "put_p99_ms",
    "put_success",
    "get_p50_ms",
    "get_p99_ms",
    "get_success",
    "gets_per_s",
    "killed_get_p50_ms",
    "killed_get_p99_ms",
    "killed_success",
    "killed_gets_per_s",
    "mib_per_node",
}


def run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=50, check=False)


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import modules of the benchmarks, which are no part of the installed package."""
    monkeypatch.syspath_prepend(str(ROOT))
    return lambda name: importlib.import_module(f"benchmarks.{name}")


def test_messaging_measures_every_case_of_every_system() -> None:
    done = run("benchmarks.messaging", "--quick", "--placement", "same", "--systems", "raw tcp,tls", "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [(row["system"], row["case"]) for row in rows] == [
        (system, case)
        for system in ("raw tcp", "tls")
        for case in ("request 256 B", "request 16 KiB", "64 concurrent 256 B", "one-way 256 B", "bulk")
    ]
    assert all(row.keys() >= MESSAGING_KEYS and row["status"] == "ok" for row in rows)
    by_case = {row["case"]: row for row in rows if row["system"] == "raw tcp"}
    assert 0 < by_case["request 256 B"]["rtt_p50_us"] <= by_case["request 256 B"]["rtt_p99_us"]
    assert by_case["64 concurrent 256 B"]["requests_per_s"] > 0
    assert by_case["one-way 256 B"]["messages_per_s"] > 0
    assert by_case["bulk"]["loss"] == 0
    assert {row["ratio"] for row in by_case.values()} == {1.0}


def test_messaging_prints_a_table_for_people() -> None:
    cases = ("--cases", "request 256 B", "--placement", "same")
    done = run("benchmarks.messaging", "--quick", "--systems", "raw tcp", *cases)
    assert done.returncode == 0, done.stderr
    assert "raw tcp" in done.stdout
    assert "1.00x" in done.stdout


@pytest.mark.parametrize("arguments", [("--systems", "smoke signals"), ("--cases", "teleport")])
def test_an_unknown_name_is_a_usage_error(arguments: tuple[str, str]) -> None:
    done = run("benchmarks.messaging", *arguments)
    assert done.returncode == 2
    assert arguments[1] in done.stderr


def test_dht_leads_a_network_of_ours_through_its_life() -> None:
    done = run("benchmarks.dht", "--quick", "--systems", "mesh99", "--json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert row.keys() >= DHT_KEYS
    assert (row["nodes"], row["net"]) == (10, "loopback")
    assert row["put_success"] == row["get_success"] == row["killed_success"] == 1.0


def test_dht_over_wide_area_delays() -> None:
    done = run("benchmarks.dht", "--quick", "--row", "wan", "--systems", "mesh99", "--json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert (row["nodes"], row["net"]) == (10, "wan")
    assert row["put_success"] == row["get_success"] == 1.0
    assert row["put_p50_ms"] >= 10  # no answer can be quicker than the nearest pair of nodes
    assert row["shim_late_p99_ms"] >= 0


def test_a_row_says_what_must_come_out_and_whether_it_did(benchmarks: Any) -> None:
    wanted = benchmarks("dht.wanted")
    bound = wanted.Wanted("put_p50_ms", "<=", 1.3, of_baseline=True)
    assert str(bound) == "<= 1.3 x OpenDHT"
    assert bound.is_met(1.2, 1.0) is True
    assert bound.is_met(1.4, 1.0) is False
    assert bound.is_met(1.4, None) is None
    assert wanted.Wanted("gets_per_s", ">=", 3000).is_met(2999, None) is False
    kept = set(benchmarks("dht.report").KEPT)
    assert {each.figure for goal in wanted.GOALS.values() for each in goal.wanted} <= kept
    ours = {"system": "mesh99", "get_p50_ms": 25.0, "get_p99_ms": 79.0}
    table = wanted.goal_table("wan", [ours])
    assert list(table.columns[-1].cells)[:3] == ["NO", "yes", "-"]


class Recorded:
    """A network that does nothing but note what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, object, str]] = []
        self.values: dict[str, bytes] = {}

    async def put(self, node: int, key: str, value: bytes) -> bool:
        self.asked.append(("put", node, key))
        self.values[key] = value
        return True

    async def get(self, node: int, key: str) -> bytes | None:
        self.asked.append(("get", node, key))
        return self.values.get(key)

    async def kill(self, nodes: list[int]) -> None:
        self.asked += [("kill", node, "") for node in nodes]


async def asked_by(benchmarks: Any, processes: int) -> list[list[tuple[str, object, str]]]:
    """Lead the parts of a network of ten through some phases; return what each part was asked."""
    phases = benchmarks("dht.phases")
    given = {"nodes": 10, "budget_s": 5.0, "net": "loopback", "seed": 3, "processes": processes}
    networks = [Recorded() for _ in range(processes)]
    lives = [phases.Life(each, phases.Settings(**given, process=at)) for at, each in enumerate(networks)]
    keys = [f"key {number}" for number in range(20)]
    questions = [
        ("put", {"name": "key", "keys": 20}),
        *((name, {"stored": keys}) for name in ("get", "kill")),
    ]
    for phase, question in [*questions, ("get after kill", {"stored": keys})]:
        for life in lives:
            await phases.PHASES[phase](life, question)
    return [network.asked for network in networks]


def test_the_operations_are_the_same_however_many_processes_share_the_nodes(benchmarks: Any) -> None:
    (alone,) = asyncio.run(asked_by(benchmarks, 1))
    parts = asyncio.run(asked_by(benchmarks, 3))
    assert len(alone) == 20 + 20 + 2 + 20
    assert sorted(alone) == sorted(each for part in parts for each in part)
    for process, part in enumerate(parts):
        assert {node % 3 for _, node, _ in part} == {process}
    dead = {node for what, node, _ in alone if what == "kill"}
    assert not dead & {node for _, node, _ in alone[42:]}


def test_the_shim_holds_datagrams_back_and_shows_senders_as_they_are_reached(benchmarks: Any) -> None:
    shim = benchmarks("dht.wan_shim").Shim(seed=1)
    nodes = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    try:
        for node in nodes:
            node.bind(("127.0.0.1", 0))
            node.setblocking(False)
        a, b = (node.getsockname()[1] for node in nodes)
        addresses = shim.add([a, b])
        delay_s = shim.one_way_s(a, b)
        assert 0.005 <= delay_s <= 0.045
        assert shim.one_way_s(b, a) == delay_s
        began = time.monotonic()
        nodes[0].sendto(b"hello", addresses[1])
        while not select.select([nodes[1]], [], [], 0)[0]:
            shim.turn(nodes[1].fileno())
        assert time.monotonic() - began >= delay_s
        assert nodes[1].recvfrom(100) == (b"hello", addresses[0])
    finally:
        shim.close()
        for node in nodes:
            node.close()


def test_upkeep_looks_at_a_node_at_rest() -> None:
    few = ("--nodes", "6", "--seconds", "0.5", "--settle-s", "0", "--quiet-wait-s", "0")
    done = run("benchmarks.upkeep", *few, "--json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert (row["system"], row["case"], row["nodes"]) == ("mesh99", "upkeep", 6)
    assert row["sessions"] >= 1
    assert all(row[key] > 0 for key in ("rss_mb", "up_rss_mb", "join_s"))
    assert all(row[key] >= 0 for key in ("cpu_percent", "up_cpu_percent", "bytes_per_s_per_peer"))
    done = run("benchmarks.upkeep", *few)
    assert "time to join" in done.stdout


def test_a_missing_system_says_what_to_install(benchmarks: Any) -> None:
    system = benchmarks("system").System(
        name="x",
        module="x",
        distributions=("no-such-thing",),
        commands=("no-such-program",),
        install="get it",
    )
    assert system.missing() == "not installed: no-such-thing, no-such-program (get it)"
    rounds = benchmarks("rounds")
    outcomes = rounds.run_rounds([system], 2, measure=None)
    assert outcomes[0].rounds == []
    assert rounds.exit_code(outcomes, nothing_may_miss=False) == 0
    assert rounds.exit_code(outcomes, nothing_may_miss=True) == 1


def test_a_failing_system_does_not_stop_the_others(benchmarks: Any) -> None:
    rounds, child, system = benchmarks("rounds"), benchmarks("child"), benchmarks("system").System

    def measure(measured: Any) -> dict[str, Any]:
        if measured.name == "bad":
            raise child.ChildFailed("it fell over")
        return {"case": {"figure": 1.0}}

    outcomes = rounds.run_rounds([system(name="bad", module=""), system(name="good", module="")], 2, measure)
    assert [outcome.status for outcome in outcomes] == ["failed: it fell over", "ok"]
    assert [len(outcome.rounds) for outcome in outcomes] == [0, 2]
    assert rounds.exit_code(outcomes, nothing_may_miss=False) == 1


def test_a_process_that_cannot_start_is_reported(benchmarks: Any) -> None:
    child = benchmarks("child")
    settings = {"system": "x", "module": "no.such.module", "part": "server", "loop": "asyncio", "cpus": [0]}
    with pytest.raises(child.ChildFailed, match=r"no\.such|No module named 'no'"):
        child.Child("benchmarks.messaging.process", settings, 20.0)


def test_relay_cost_measures_each_relay() -> None:
    done = run("benchmarks.nat.relay_cost", "--packets", "3200", "--rounds", "1", "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures.keys() == {"mesh99 relay", "mesh99 TURN", "coturn"}
    assert all(each["us_per_packet"] > 0 and each["lost"] == 0 for each in figures.values())


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 4, 5, 7, 64, 100_000])
def test_the_baseline_cuts_its_stream_anywhere(benchmarks: Any, chunk_bytes: int) -> None:
    raw_tcp = benchmarks("messaging.raw_tcp")
    messages = [b"", b"a", b"bc", bytes(300), b"d" * 5000]
    stream = b"".join(raw_tcp.LENGTH.pack(len(message)) + message for message in messages)
    line = raw_tcp.RawLine()
    received: list[bytes] = []
    line.on_message = received.append
    for start in range(0, len(stream), chunk_bytes):
        line.data_received(stream[start : start + chunk_bytes])
    assert received == messages


def test_the_baseline_refuses_a_loop_without_a_read_size(benchmarks: Any) -> None:
    with pytest.raises(RuntimeError, match="max_size"):
        benchmarks("messaging.raw_tcp").set_read_size(object())


def test_figures_of_rounds(benchmarks: Any) -> None:
    figures = benchmarks("figures")
    assert figures.percentile([5.0, 1.0, 4.0, 2.0, 3.0], 0.5) == 3.0
    assert figures.percentile(range(1, 101), 0.99) == 99
    assert figures.median([3.0, None, 1.0, 2.0]) == 2.0
    assert figures.median([None]) is None
    assert figures.spread([2.0, 3.0, 4.0]) == 2.0
    assert figures.ratio(3.0, 2.0) == 1.5
    assert figures.ratio(3.0, None) is None


def test_a_core_that_somebody_else_slows_down_disturbs(
    benchmarks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, quiet = benchmarks("pace"), benchmarks("quiet")
    pace = module.Pace()
    allowed = os.sched_getaffinity(0)
    slowdowns = []
    for lap_s in (0.0003, 0.0003, 0.0005, 0.0002, 0.0003):
        monkeypatch.setattr(module, "_lap_s", partial(float, lap_s))
        slowdowns.append(round(pace.slowdown(), 2))
    assert slowdowns == [1.0, 1.0, 1.67, 1.0, 1.5]
    assert os.sched_getaffinity(0) == allowed
    assert [quiet.is_disturbed(0.0, slowdown) for slowdown in slowdowns] == [False, False, True, False, True]
    assert quiet.is_disturbed(0.3, 1.0)


def test_the_desk_counts_what_came_since_the_reset(benchmarks: Any) -> None:
    desk_module = benchmarks("messaging.desk")
    desk = desk_module.Desk()
    desk.take(10)
    desk.answer(desk_module.RESET)
    desk.take(3)
    desk.take(4)
    report = json.loads(desk.answer(desk_module.REPORT))
    assert (report["messages"], report["bytes"]) == (2, 7)
    assert desk.answer(b"a longer request") == b"a longer request"
