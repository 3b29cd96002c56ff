"""A node behind a real router (miniupnpd): each protocol gets, renews and gives back ports, and strangers get in."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.router_lab import HOST, OUTSIDE, RouterLab, missing

pytestmark = [pytest.mark.network_namespaces, pytest.mark.timeout(120)]

MESH99 = [sys.executable, "-P", "-m", "mesh99.cli.main"]
PORT = 7400
LIFE_S = 4

AGENT = f"""
from mesh99.nat.dialback import DialBackConfig
from mesh99.nat.mapping.config import MappingConfig
from mesh99.node import Node, NodeConfig
from mesh99.node.overlay.config import OverlayConfig

agent = Node(
    listen="0.0.0.0:{PORT}",
    config=NodeConfig(
        mapping=MappingConfig(life_s={LIFE_S}, renew_s_min=1.0, search_s=4.0),
        overlay=OverlayConfig(checks_reach=True, dial_back=DialBackConfig(no_stranger_s=1.0)),
    ),
)
"""

OTHERS = """
from mesh99.dht import DhtConfig
from mesh99.node import Node, NodeConfig
from mesh99.node.overlay.config import OverlayConfig

# They ask for no call themselves: whom another one calls for them is no stranger there any more.
helper = Node(config=NodeConfig(overlay=OverlayConfig(checks_reach=False)))

# One who is in no table. In so small a network the node soon calls all others, and nobody is a stranger to it.
stranger = Node(config=NodeConfig(overlay=OverlayConfig(checks_reach=False, dht=DhtConfig(ephemeral=True))))
"""


class Nodes:
    """Nodes in the namespaces of a lab."""

    def __init__(self, lab: RouterLab) -> None:
        self.lab = lab
        self._running: dict[str, subprocess.Popen[str]] = {}
        (lab.directory / "mapping_agent.py").write_text(AGENT)
        (lab.directory / "others.py").write_text(OTHERS)

    def start(self, name: str, *arguments: str) -> dict[str, Any]:
        """Start a node in the namespace of its name and return what it says when it is ready."""
        home = str(self.lab.directory / name)
        command = [*MESH99, "--json", "--home", home, "up", "--name", name, "--no-registry", *arguments]
        with (self.lab.directory / f"{name}.stderr").open("wb") as errors:
            self._running[name] = process = subprocess.Popen(
                self.lab.command(name, *command),
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=self.lab.directory,
            )
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (self.lab.directory / f"{name}.stderr").read_text()
        ready: dict[str, Any] = json.loads(line)
        return ready

    def behind(self, *arguments: str) -> dict[str, Any]:
        """Start the node behind the router."""
        return self.start("host", "--agent", "mapping_agent:agent", *arguments)

    def outside(self, name: str, address: str, *arguments: str, agent: str = "helper") -> None:
        """Start a node outside."""
        self.start(name, "--agent", f"others:{agent}", "--listen", f"{address}:7400", *arguments)

    def ask(self, name: str, *arguments: str) -> Any:
        """Run a command that must succeed, and return its document."""
        command = [*MESH99, "--home", str(self.lab.directory / name), *arguments, "--json"]
        done = subprocess.run(self.lab.command(name, *command), capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return json.loads(done.stdout)

    def mapping(self) -> dict[str, Any]:
        """Return what the node behind the router says of its mapping."""
        mapping: dict[str, Any] = self.ask("host", "status")["port_mapping"]
        return mapping

    def stop(self, name: str) -> None:
        """Stop a node as a person does."""
        process = self._running.pop(name)
        process.terminate()
        try:
            process.wait(20)
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    def close(self) -> None:
        """Stop every node."""
        for name in list(self._running):
            self.stop(name)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[RouterLab]:
    reason = missing()
    if reason:
        pytest.skip(reason)
    built = RouterLab(tmp_path)
    yield built
    built.close()


@pytest.fixture
def nodes(lab: RouterLab) -> Iterator[Nodes]:
    started = Nodes(lab)
    yield started
    started.close()


BOTH = [("tcp", PORT, f"{HOST}:{PORT}"), ("udp", PORT, f"{HOST}:{PORT}")]
SPEAKS = {
    "pcp": {"upnp": False},
    "nat-pmp": {"pcp": False, "upnp": False},
    "upnp-igd": {"natpmp": False},
    "upnp-igd, version 1": {"natpmp": False, "igd_v1": True},
}


@pytest.mark.parametrize("speaks", SPEAKS)
def test_each_protocol_gets_renews_and_gives_back(lab: RouterLab, nodes: Nodes, speaks: str) -> None:
    lab.serve(**SPEAKS[speaks])
    nodes.behind()
    lab.until(lambda: lab.mapped() == BOTH, "mapping")
    lab.until(lambda: nodes.mapping()["tcp_port"], "status")
    mapping = nodes.mapping()
    assert mapping["protocol"] == speaks.partition(",")[0]
    assert (mapping["external_host"], mapping["udp_port"], mapping["tcp_port"]) == (OUTSIDE, PORT, PORT)
    # The daemon takes a mapping away for a moment to renew it, so that one look may fall into the gap.
    ends_at = time.monotonic() + 2 * LIFE_S
    lab.until(lambda: time.monotonic() > ends_at and lab.mapped() == BOTH, "renewal")
    assert nodes.mapping()["lease_s"] > 0
    nodes.stop("host")
    assert lab.mapped() == []


def test_strangers_get_in_and_the_node_is_open(lab: RouterLab, nodes: Nodes) -> None:
    helper, stranger, caller = (lab.outsider(name) for name in ("helper", "stranger", "caller"))
    nodes.outside("helper", helper)
    nodes.outside("stranger", stranger, "--peer", f"{helper}:7400", agent="stranger")
    lab.serve()
    ready = nodes.behind("--peer", f"{helper}:7400")
    lab.until(lambda: nodes.ask("host", "status")["nat"] == "open", "open")
    status = nodes.ask("host", "status")
    assert status["port_mapping"]["verified"]
    assert f"udp://{OUTSIDE}:{PORT}" in status["endpoints"]
    nodes.outside("caller", caller, "--peer", f"{helper}:7400")
    answer = nodes.ask("caller", "request", "--to", ready["node_id"], "echo", '{"text": "hello"}')
    assert answer["path"] == "direct"


def test_behind_two_routers_the_port_is_not_told(lab: RouterLab, nodes: Nodes) -> None:
    helper = lab.outsider("helper")
    nodes.outside("helper", helper)
    lab.serve(more="ext_ip=20.0.99.1")
    nodes.behind("--peer", f"{helper}:7400")
    lab.until(lambda: "peers see" in nodes.mapping()["reason"], "doubt")
    status = nodes.ask("host", "status")
    assert not status["port_mapping"]["verified"]
    assert (
        status["port_mapping"]["reason"]
        == f"the router is behind another one: it has 20.0.99.1, peers see {OUTSIDE}"
    )
    assert not any(
        "20.0.99.1" in endpoint or (f":{PORT}" in endpoint and OUTSIDE in endpoint)
        for endpoint in status["endpoints"]
    )


def test_a_person_can_do_without(lab: RouterLab, nodes: Nodes) -> None:
    lab.serve()
    nodes.behind("--no-port-mapping")
    assert nodes.mapping() is None
    assert lab.mapped() == []
