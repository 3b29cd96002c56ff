"""`mesh99 up`: what the options make of the node; finding the node of a user's program."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mesh99.cli.failure import Failure
from mesh99.cli.output import Environment
from mesh99.cli.run_node import Wishes, prepared
from mesh99.cli.user_agent import load_agent
from mesh99.wire.errors import ConfigError

PROGRAM = """
from mesh99.node.node import Node
agent = Node(name="program", capabilities=["a"], listen="127.0.0.1:7412",
             registries=["http://r"], peers=["127.0.0.1:7413"])
number = 7
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Put a user's program into the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    (tmp_path / "my_program.py").write_text(PROGRAM)
    (tmp_path / "needs_more.py").write_text("import nosuch_library")
    (tmp_path / "broken.py").write_text("1 / 0")
    yield "my_program:agent"
    for name in ("my_program", "needs_more", "broken"):
        sys.modules.pop(name, None)


NOTHING = Wishes(name=None, capabilities=None, registries=None, peers=None, listen=None)


def test_a_plain_node_listens_everywhere_and_asks_the_default_registry(home: Path) -> None:
    node = prepared(Environment(home=home), NOTHING, None)
    assert (node.home, node.listen, node.name, node.capabilities) == (home, "0.0.0.0:0", "", ())
    assert node.registries == ("http://localhost:4567",)


def test_a_program_keeps_what_the_command_line_does_not_say(home: Path, program: str) -> None:
    node = prepared(Environment(home=home), NOTHING, program)
    assert (node.home, node.listen, node.name, node.capabilities) == (
        home,
        "127.0.0.1:7412",
        "program",
        ("a",),
    )
    assert node.registries == ("http://r",)
    assert [str(peer) for peer in node.bootstrap_peers] == ["udp://127.0.0.1:7413"]


def test_the_command_line_overrides_the_program(home: Path, program: str) -> None:
    wishes = Wishes(
        name="n", capabilities=["B", "b", "c"], registries=(), peers=["127.0.0.1:9"], listen="127.0.0.1:8"
    )
    node = prepared(Environment(home=home), wishes, program)
    assert (node.listen, node.name, node.capabilities, node.registries) == (
        "127.0.0.1:8",
        "n",
        ("b", "c"),
        (),
    )
    assert [str(peer) for peer in node.bootstrap_peers] == ["udp://127.0.0.1:9"]
    assert (node.home / "identity.key").exists() is False
    assert node.node_id
    assert (home / "identity.key").exists()


@pytest.mark.parametrize("ephemeral", [False, True])
def test_a_visitor_is_one_on_request(home: Path, ephemeral: bool) -> None:
    node = prepared(Environment(home=home), replace(NOTHING, ephemeral=ephemeral), None)
    assert node.config.overlay.dht.ephemeral is ephemeral


@pytest.mark.parametrize(("wish", "asks"), [(None, True), (False, False)])
def test_the_router_is_asked_for_a_port_unless_told_not_to(home: Path, wish: bool | None, asks: bool) -> None:
    node = prepared(Environment(home=home), replace(NOTHING, port_mapping=wish), None)
    assert node.config.port_mapping is asks


@pytest.mark.parametrize(
    ("reference", "problem"),
    [
        ("my_program", "must be MODULE:NODE"),
        (":agent", "must be MODULE:NODE"),
        ("nosuch:agent", "no module nosuch"),
        ("my_program.sub:agent", "no module my_program.sub"),
        ("needs_more:agent", "needs nosuch_library"),
        ("broken:agent", "ZeroDivisionError"),
        ("my_program:nosuch", "nosuch is nothing"),
        ("my_program:number", "number is a int, not a Node"),
    ],
)
@pytest.mark.usefixtures("program")
def test_a_program_that_cannot_be_used_is_said_why(reference: str, problem: str) -> None:
    with pytest.raises(Failure, match=problem) as caught:
        load_agent(reference)
    assert (caught.value.exit_code, bool(caught.value.hint)) == (2, True)


def test_a_bad_peer_is_a_config_error(home: Path) -> None:
    wishes = Wishes(name=None, capabilities=None, registries=None, peers=["nonsense"], listen=None)
    with pytest.raises(ConfigError):
        prepared(Environment(home=home), wishes, None)
