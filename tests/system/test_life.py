"""What goes wrong in the life of a network, with real processes: deaths, returns, strangers, and how it is told."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mesh99.node import NodeConfig

OVERLAY = NodeConfig().overlay
NOTICED_S = OVERLAY.quiet_keepalive_s + OVERLAY.probes_max * OVERLAY.probe_interval_s
"""A peer that only ever was asked for contacts is found dead after so much silence; any other sooner."""

STRANGER = """
from mesh99.node import Node, NodeConfig
from mesh99.node.overlay.config import OverlayConfig

agent = Node(listen="127.0.0.1:0", config=NodeConfig(overlay=OverlayConfig(network="elsewhere")))
"""

SLOW = """
import asyncio
from mesh99.node import Message, Node

class Wait(Message):
    pass

agent = Node(listen="127.0.0.1:0")

@agent.on(Wait)
async def wait(request: Wait) -> None:
    await asyncio.Event().wait()
"""


def error_of(done: subprocess.CompletedProcess[str]) -> str:
    """Return the error line of a command that failed as it should: one line, one hint, nothing on stdout."""
    lines = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (1, ""), done
    assert len(lines) == 2, done.stderr
    assert lines[0].startswith("error: ")
    assert lines[1].startswith("hint: ")
    return lines[0]


def names(agent: Any, capability: str) -> list[str]:
    done = agent.run("find", capability, "--json")
    return sorted(row["name"] for row in json.loads(done.stdout or "[]"))


def peer_ids(agent: Any) -> list[str]:
    return [peer["node_id"] for peer in agent.ask("peers")]


def echo(agent: Any, peer: str) -> bool:
    done = agent.run("request", "--to", peer, "echo", '"hello"', "--json")
    return done.returncode == 0 and json.loads(done.stdout)["reply"] == "hello"


# death


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_node_killed_is_dropped_by_its_peers_and_costs_them_little(place: Any, until: Any) -> None:
    first = place.agent("first", "--no-registry", "--capability", "work")
    join = ("--no-registry", "--peer", first.udp)
    asker = place.agent("asker", *join)
    quiet = place.agent("quiet", *join)
    victim = place.agent("victim", *join, "--capability", "work")
    until("all are found", lambda: names(asker, "work") == ["first", "victim"])
    assert echo(asker, "victim")
    survivors = (first, asker, quiet)
    until("all know it", lambda: all(victim.node_id in peer_ids(agent) for agent in (first, asker)))
    victim.kill()
    request = ("request", "--capability", "work", "echo", '"any"', "--timeout", "20", "--json")
    answers = [asker.run(*request) for _ in range(4)]
    # What was under way to the dead one is not repeated elsewhere: nobody knows what it did before it died.
    good = [json.loads(answer.stdout) for answer in answers if answer.returncode == 0]
    assert len(good) >= 3
    assert all(answer["from"] == first.node_id for answer in good)
    assert asker.run("get", "absent").returncode == 1
    error_of(asker.run("request", "--to", "victim", "echo", "{}", "--timeout", "20"))
    began = time.monotonic()
    until("it is dropped", lambda: not any(victim.node_id in peer_ids(agent) for agent in survivors))
    assert time.monotonic() - began < NOTICED_S + 20.0  # a loaded machine is late
    assert all(echo(asker, peer) for peer in ("first", "quiet"))


@pytest.mark.slow
def test_a_request_to_a_node_that_is_killed_meanwhile_fails_before_its_time(
    place: Any, tmp_path: Path
) -> None:
    (tmp_path / "slow_agent.py").write_text(SLOW)
    victim = place.agent("victim", "--no-registry", "--agent", "slow_agent:agent", cwd=tmp_path)
    asker = place.agent("asker", "--no-registry", "--peer", victim.udp)
    assert echo(asker, "victim")
    command = [sys.executable, "-P", "-m", "mesh99.cli.main", "--home", str(asker.home)]
    command += ["request", "--to", victim.node_id, "Wait", "{}", "--timeout", "600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as waiting:
        time.sleep(0.5)  # most runs kill it while it works on the request; the others kill it before
        victim.kill()
        output, errors = waiting.communicate(timeout=60)
    assert error_of(subprocess.CompletedProcess(command, waiting.returncode, output, errors))


def test_a_node_that_freezes_is_told_of_and_goes_on_when_it_thaws(place: Any, until: Any) -> None:
    first = place.agent("first", "--no-registry")
    asker = place.agent("asker", "--no-registry", "--peer", first.udp)
    assert echo(asker, "first")
    first.process.send_signal(signal.SIGSTOP)
    try:
        error = error_of(asker.run("request", "--to", first.node_id, "echo", "{}", "--timeout", "1"))
        assert "within 1 s" in error
    finally:
        first.process.send_signal(signal.SIGCONT)
    until("it answers again", lambda: echo(asker, first.node_id))


def test_a_node_killed_comes_back_from_its_saved_contacts_and_is_found(place: Any, until: Any) -> None:
    first = place.agent("first", "--no-registry")
    victim = place.agent("victim", "--no-registry", "--peer", first.udp, "--capability", "work")
    asker = place.agent("asker", "--no-registry", "--peer", first.udp)
    until("it is found", lambda: names(asker, "work") == ["victim"])
    until("its contacts are saved", lambda: (victim.home / "contacts.json").exists())
    victim.kill()
    again = place.agent("victim", "--no-registry", "--capability", "work", "--capability", "more")
    assert again.node_id == victim.node_id
    until("it is found by what is new", lambda: names(asker, "more") == ["victim"])
    assert echo(asker, "victim")
    assert echo(again, "asker")


def test_find_and_request_work_without_the_registry_and_it_may_come_back(
    place: Any, until: Any, tmp_path: Path
) -> None:
    data = ("--data", str(tmp_path / "registry.db"))
    registry = place.registry(*data)
    url = registry.ready["url"]
    worker = place.agent("worker", "--registry", url, "--capability", "work")
    asker = place.agent("asker", "--registry", url)
    until("it is found", lambda: names(asker, "work") == ["worker"])
    registry.kill()
    assert names(asker, "work") == ["worker"]
    assert asker.ask("request", "--capability", "work", "echo", "1")["from"] == worker.node_id
    assert echo(worker, "asker")
    place.registry(*data, listen=url.removeprefix("http://"))
    until("it lists them again", lambda: asker.ask("status")["registry"] == url)


# strangers


def test_another_network_is_told_to_who_calls(place: Any, tmp_path: Path) -> None:
    (tmp_path / "stranger_agent.py").write_text(STRANGER)
    registry = place.registry()
    url = ("--registry", registry.ready["url"])
    native = place.agent("native", *url)
    join = ("--peer", native.udp, "--agent", "stranger_agent:agent")
    stranger = place.agent("stranger", *url, *join, cwd=tmp_path)
    assert "wrong network" in error_of(stranger.run("request", "--to", native.node_id, "echo", "{}"))
    assert "wrong network" in stranger.errors.read_text()
    assert "Traceback" not in stranger.errors.read_text()
    assert stranger.ask("peers") == []
    assert native.ask("peers") == []


@pytest.mark.slow
def test_another_key_is_told_to_who_calls(place: Any, until: Any) -> None:
    first = place.agent("first", "--no-registry")
    gone = place.agent("gone", "--no-registry", "--peer", first.udp)
    asker = place.agent("asker", "--no-registry", "--peer", first.udp)
    until("it is known", lambda: asker.run("resolve", "gone").returncode == 0)
    address = gone.udp.removeprefix("udp://")
    gone.kill()
    place.agent("another", "--no-registry", "--listen", address)
    until("the old line is gone", lambda: gone.node_id not in peer_ids(asker))
    assert "wrong key" in error_of(asker.run("request", "--to", gone.node_id, "echo", "{}"))


# what a person got wrong


def test_a_registry_that_is_not_there_is_one_warning_and_the_node_runs(place: Any) -> None:
    node = place.agent("node", "--registry", "http://127.0.0.1:1")
    assert node.ask("status")["registry"] is None
    node.stop()
    warnings = node.errors.read_text().splitlines()
    assert len(warnings) == 1
    assert "http://127.0.0.1:1" in warnings[0]


def test_nobody_offers_what_is_asked_for(place: Any) -> None:
    node = place.agent("node", "--no-registry")
    assert "juggle" in error_of(node.run("request", "--capability", "juggle", "echo", "{}"))
    assert "juggle" in error_of(node.run("find", "juggle"))


def test_a_registry_on_a_port_that_is_taken(place: Any) -> None:
    url = place.registry().ready["url"]
    done = run("registry", "serve", "--listen", url.removeprefix("http://"))
    assert "listen" in error_of(done)


def test_a_damaged_home_is_named(tmp_path: Path) -> None:
    for name in ("identity.key", "contacts.json"):
        home = tmp_path / name
        home.mkdir(mode=0o700)
        (home / name).touch(mode=0o600)
        done = run("--home", str(home), "up", "--no-registry", "--listen", "127.0.0.1:0")
        assert (done.returncode, done.stdout) == (2, "")
        assert str(home / name) in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["status", "peers", "find x", "ping x", "request --to x echo {}"])
def test_no_node_runs_there(tmp_path: Path, command: str) -> None:
    done = run("--home", str(tmp_path / "nobody"), *command.split())
    assert (done.returncode, done.stdout) == (3, "")
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["error", "hint"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "mesh99.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)
