"""The whole thing as a person sees it: processes, commands, documents, exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROGRAM = """
from mesh99.node import Message, Node

class Shout(Message):
    text: str

class Shouted(Message):
    text: str

agent = Node(name="from the program", capabilities=["shout"], listen="127.0.0.1:0")

@agent.on(Shout)
async def shout(request: Shout) -> Shouted:
    return Shouted(text=request.text.upper())
"""


@dataclass
class Network:
    """A registry and three agents."""

    registry: Any
    writer: Any
    counter: Any
    reader: Any


def start(place: Any) -> Network:
    registry = place.registry()
    url = ("--registry", registry.ready["url"])
    return Network(
        registry,
        writer=place.agent("writer", *url, "--agent", "mesh99.cli.demo_agent:writer"),
        counter=place.agent("counter", *url, "--capability", "count", "--capability", "Count.Words"),
        reader=place.agent("reader", *url),
    )


@pytest.fixture(scope="module")
def network(shared_place: Any) -> Network:
    return start(shared_place)


def found(agent: Any, capability: str) -> list[str]:
    done = agent.run("find", capability, "--json")
    assert done.returncode in (0, 1), done.stderr
    return sorted(row["name"] for row in json.loads(done.stdout or "[]"))


# asking


def test_up_says_what_it_is_in_one_line(network: Network) -> None:
    assert set(network.writer.ready) == {"node_id", "name", "endpoints"}
    assert network.writer.ready["name"] == "writer"
    assert all(text.split("://")[0] in ("udp", "tcp") for text in network.writer.ready["endpoints"])


def test_find(network: Network, until: Any) -> None:
    until("the writer is found", lambda: found(network.reader, "summarize") == ["writer"])
    until("the counter is found", lambda: found(network.reader, "COUNT.words") == ["counter"])
    done = network.reader.run("find", "juggle")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert "\nhint: " in done.stderr


def test_request_by_capability_name_and_id(network: Network, until: Any) -> None:
    until("the writer is found", lambda: found(network.reader, "summarize"))
    body = json.dumps({"text": "Bees make honey. Bees make honey and wax. Rain.", "words": 6})
    names = ["--capability summarize", "--to writer", f"--to {network.writer.node_id}"]
    for choice in [*names, f"--to {network.writer.node_id[:8]}"]:
        answer = network.reader.ask("request", *choice.split(), "Summarize", body)
        assert set(answer) == {"reply", "from", "ms", "path", "transport"}
        assert answer["reply"] == {"text": "Bees make honey.", "words": 3}
        assert answer["from"] == network.writer.node_id
        assert answer["transport"] == "direct"


@pytest.mark.parametrize("body", ['{"a": [1, null, "é"]}', '"text"', "[]", "7"])
def test_every_node_answers_echo(network: Network, body: str) -> None:
    assert network.reader.ask("request", "--to", "counter", "echo", body)["reply"] == json.loads(body)


def test_a_wrong_message_is_refused_with_the_field(network: Network) -> None:
    done = network.reader.run("request", "--to", "writer", "Summarize", '{"text": "x", "words": "many"}')
    assert (done.returncode, done.stdout) == (1, "")
    assert "words" in done.stderr


def test_send(network: Network) -> None:
    sent = network.reader.ask("send", "--to", "counter", "Note", '{"text": "hello"}')
    assert set(sent) == {"id", "state"}
    assert sent["id"]


def test_put_and_get_across_nodes(network: Network) -> None:
    stored = network.reader.ask("put", "motto", "direct lines é")
    assert stored["key"] == "motto"
    assert stored["stored_on"]
    for agent in (network.writer, network.counter, network.reader):
        got = agent.ask("get", "motto")
        assert {"value", "from", "hops", "ms"} <= set(got)
        assert (got["value"], got["from"]) == ("direct lines é", network.reader.node_id)
    done = network.reader.run("get", "never put")
    assert (done.returncode, done.stdout) == (1, "")
    assert "\nhint: " in done.stderr


def test_resolve(network: Network) -> None:
    writer = network.writer
    uuid = writer.ask("status")["uuid"]
    for peer in (writer.node_id, writer.node_id[:8], "writer", uuid):
        record = network.reader.ask("resolve", peer)
        assert (record["node_id"], record["name"]) == (writer.node_id, "writer")
        assert "summarize" in record["capabilities"]
    assert network.reader.run("resolve", "nobody").returncode == 1


def test_ping_and_peers(network: Network) -> None:
    rtt_ms = network.reader.ask("ping", "writer", "-c", "3")["rtt_ms"]
    assert len(rtt_ms) == 3
    assert all(0 < rtt < 10_000 for rtt in rtt_ms)
    peers = {peer["node_id"]: peer for peer in network.reader.ask("peers")}
    line = peers[network.writer.node_id]
    assert set(line) >= {"node_id", "name", "path", "endpoint", "rtt_ms", "tx_bytes", "rx_bytes"}
    assert line["tx_bytes"] > 0
    assert line["rx_bytes"] > 0
    assert network.reader.run("ping", "nobody").returncode == 1


def test_nat(network: Network) -> None:
    nat = network.reader.ask("nat")
    assert set(nat) >= {"mapping", "filtering", "observed", "kind", "relays", "advertised", "port_mapping"}
    assert not nat["at_large"]
    assert nat["observed"]
    shown = network.reader.run("nat").stdout
    assert "nobody sees this node from the internet" in shown


def test_trace(network: Network) -> None:
    hops = network.reader.ask("trace", "motto")["hops"]
    known = {network.writer.node_id, network.counter.node_id}
    assert {hop["node_id"] for hop in hops} <= known
    assert hops
    assert {"node_id", "endpoint", "depth", "rtt_ms", "outcome", "closer"} <= set(hops[0])


def test_status(network: Network) -> None:
    status = network.reader.ask("status")
    assert {"node_id", "name", "endpoints", "nat", "peers", "registry", "uptime_s"} <= set(status)
    assert status["name"] == "reader"
    assert status["peers"] >= 1
    assert status["registry"] == network.registry.ready["url"]


def test_bench(network: Network) -> None:
    figures = network.reader.ask("bench", "writer", "--duration", "0.3")
    assert all(figures[key] > 0 for key in ("rtt_us", "requests_per_s", "mb_per_s"))


def test_doctor_and_keys(network: Network) -> None:
    checks = {finding["check"]: finding for finding in network.reader.ask("doctor")}
    assert checks["node"]["state"] == "ok"
    assert checks["registry"]["state"] == "ok"
    assert network.reader.ask("keys", "show")["node_id"] == network.reader.node_id


def test_a_second_node_in_the_same_home_is_refused(network: Network) -> None:
    done = network.reader.run("up", "--no-registry", "--listen", "127.0.0.1:0", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "a node is already running there" in done.stderr
    assert network.reader.ask("status")["name"] == "reader"


# failing


def test_the_network_outlives_its_registry(place: Any, until: Any) -> None:
    network = start(place)
    until("the writer is found", lambda: found(network.reader, "summarize") == ["writer"])
    network.registry.kill()
    assert found(network.reader, "count") == ["counter"]
    body = '{"text": "Bees like bees."}'
    assert (
        network.reader.ask("request", "--capability", "summarize", "Summarize", body)["reply"]["words"] == 3
    )
    address = network.reader.udp.removeprefix("udp://")
    fourth = place.agent("fourth", "--no-registry", "--peer", address, "--capability", "late")
    assert fourth.ask("request", "--to", "writer", "Summarize", body)["from"] == network.writer.node_id
    until("the fourth is found", lambda: found(network.counter, "late") == ["fourth"])


def test_a_killed_node_is_dropped_and_comes_back_without_a_registry(place: Any, until: Any) -> None:
    network = start(place)
    until("the counter is found", lambda: found(network.reader, "count") == ["counter"])
    network.reader.ask("request", "--to", "counter", "echo", "{}")
    until("contacts are saved", lambda: (network.counter.home / "contacts.json").exists())
    network.counter.kill()
    network.registry.kill()
    assert network.reader.run("ping", "counter", "-c", "1").returncode == 1
    assert found(network.reader, "summarize") == ["writer"]
    began = time.monotonic()
    assert network.reader.run("get", "absent").returncode == 1
    assert time.monotonic() - began < 5.0  # the time-out of `get`: a dead holder costs far less than that
    again = place.agent("counter", "--no-registry", "--capability", "count")
    assert (again.node_id, again.udp) == (network.counter.node_id, network.counter.udp)
    until("it has peers again", lambda: again.ask("status")["peers"] or again.ask("status")["contacts"])
    until("it is asked again", lambda: is_answered(network.reader, "counter"))


def is_answered(agent: Any, peer: str) -> bool:
    return agent.run("request", "--to", peer, "echo", "{}").returncode == 0


def test_a_peer_that_is_gone_is_one_line_and_exit_code_1(place: Any) -> None:
    agent = place.agent("alone", "--no-registry")
    for command in (("request", "--to", "a" * 52, "echo"), ("ping", "nobody"), ("resolve", "nobody")):
        done = agent.run(*command)
        assert (done.returncode, done.stdout) == (1, ""), command
        assert done.stderr.startswith("error: ")


# starting and stopping


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_node_in_order(place: Any, number: signal.Signals) -> None:
    agent = place.agent("node", "--no-registry")
    agent.process.send_signal(number)
    assert agent.process.wait(20) == 0
    assert agent.errors.read_text() == ""
    assert not (agent.home / "control.sock").exists()


def test_a_port_that_is_taken_is_one_line_and_exit_code_1(place: Any) -> None:
    agent = place.agent("first", "--no-registry")
    address = agent.udp.removeprefix("udp://")
    done = up(agent.home.with_name("second"), "--no-registry", "--listen", address)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: listen: ")
    assert "\nhint: " in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--listen", "nonsense"),
        ("--peer", "localhost:99999"),
        ("--registry", "nonsense"),
        ("--registry", "http://127.0.0.1:1", "--no-registry"),
        ("--agent", "nosuch_module:node"),
        ("--agent", "json:loads"),
        ("--agent", "json"),
        ("--capability", "x" * 100),
        ("--name", "x" * 100),
    ],
    ids=" ".join,
)
def test_a_wrong_word_is_one_line_and_exit_code_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = up(tmp_path / "home", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def up(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "mesh99.cli.main", "--home", str(home), "up", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_program_of_the_user_runs_with_what_the_command_line_says(place: Any, tmp_path: Path) -> None:
    (tmp_path / "my_agent.py").write_text(PROGRAM)
    agent = place.agent("mine", "--agent", "my_agent:agent", "--no-registry", cwd=tmp_path)
    assert agent.ready["name"] == "mine"
    assert (agent.home / "identity.key").exists()
    address = agent.udp.removeprefix("udp://")
    asker = place.agent("asker", "--no-registry", "--peer", address)
    answer = asker.ask("request", "--capability", "shout", "Shout", '{"text": "loud"}')
    assert answer["reply"] == {"text": "LOUD"}


def test_a_node_comes_back_to_its_port_and_its_key(place: Any) -> None:
    first = place.agent("node", "--no-registry")
    first.stop()
    second = place.agent("node", "--no-registry")
    assert (second.node_id, second.udp) == (first.node_id, first.udp)


# the demonstration


def test_demo(tmp_path: Path) -> None:
    began = time.monotonic()
    done = demo(tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 60  # 10 s on a machine that does nothing else
    document = json.loads(done.stdout)
    assert {"agents", "found_ms", "request_ms", "reply"} <= set(document)
    assert [agent["name"] for agent in document["agents"]] == ["writer", "counter", "reader"]
    assert "direct lines" in document["reply"]["text"]
    assert list(tmp_path.iterdir()) == []


def test_demo_tells_its_story(tmp_path: Path) -> None:
    done = demo(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(word in done.stdout for word in ("registry", "agent writer", "reader finds", "The reply"))


def demo(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "mesh99.cli.main", "demo", *arguments]
    environment = os.environ | {"TMPDIR": str(directory)}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)


@pytest.mark.parametrize(
    ("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)]
)
def test_a_demo_that_is_interrupted_leaves_no_process(
    tmp_path: Path, until: Any, number: signal.Signals, exit_code: int
) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, "-P", "-m", "mesh99.cli.main", "demo"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        children = until("its processes run", lambda: children_of(process.pid, 2))
        process.send_signal(number)
        assert process.wait(20) == exit_code
    until("they are gone", lambda: not any(is_alive(child) for child in children))


def children_of(process_id: int, count: int) -> list[int]:
    text = Path(f"/proc/{process_id}/task/{process_id}/children").read_text()
    children = [int(word) for word in text.split()]
    return children if len(children) >= count else []


def is_alive(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
