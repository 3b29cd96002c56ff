from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from mesh99.node.registry.store import Agent, Store
from mesh99.wire.errors import ConfigError


def agent(
    uuid: str, *capabilities: str, ttl_s: float | None = None, node_id: str | None = None, sequence: int = 0
):
    return Agent(uuid, f'{{"uuid":"{uuid}"}}', capabilities, node_id, sequence if node_id else None, ttl_s)


def uuids(page):
    return [packet[9:-2] for _, packet in page]


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "registry.db")


@pytest.fixture
def store():
    store = Store(":memory:", 0.0)
    yield store
    store.close()


def test_lists_in_order_of_registration_page_by_page(store):
    for index in range(7):
        store.add(agent(f"u{index}"), 0.0)
    first = store.page(0, 4, 0.0)
    assert uuids(first) == ["u0", "u1", "u2", "u3"]
    assert uuids(store.page(first[-1][0], 4, 0.0)) == ["u4", "u5", "u6"]


def test_discovers_by_capability(store):
    store.add(agent("u0", "a", "b", "a"), 0.0)
    store.add(agent("u1", "b"), 0.0)
    assert uuids(store.page_of("a", 0, 10, 0.0)) == ["u0"]
    assert uuids(store.page_of("b", 0, 10, 0.0)) == ["u0", "u1"]
    assert store.page_of("c", 0, 10, 0.0) == []


def test_removes_an_agent_with_its_capabilities(store):
    store.add(agent("u0", "a"), 0.0)
    assert store.remove("u0")
    assert not store.remove("u0")
    assert store.page_of("a", 0, 10, 0.0) == []
    store.add(agent("u1", "b"), 0.0)
    assert store.page_of("a", 0, 10, 0.0) == []


def test_replaces_packet_and_capabilities_in_place(store):
    store.add(agent("u0", "a", node_id="n", sequence=1, ttl_s=10.0), 0.0)
    store.add(agent("u1", "a"), 0.0)
    store.replace(Agent("u0", '{"uuid":"U0"}', ["b"], "n", 2**64 - 1, 20.0), 5.0)
    assert uuids(store.page(0, 10, 5.0)) == ["U0", "u1"]
    assert uuids(store.page_of("a", 0, 10, 5.0)) == ["u1"]
    assert uuids(store.page_of("b", 0, 10, 24.9)) == ["U0"]
    assert store.version_of("n", 5.0) == ("u0", 2**64 - 1)
    assert store.page_of("b", 0, 10, 25.0) == []


def test_a_life_ends_without_a_heartbeat(store):
    store.add(agent("mortal", "a", ttl_s=10.0, node_id="n"), 0.0)
    store.add(agent("lasting", "a"), 0.0)
    assert store.touch("mortal", 9.0)
    assert store.count(18.9) == 2
    assert store.count(19.0) == 1
    assert not store.touch("mortal", 19.0)
    assert store.version_of("n", 19.0) is None
    assert store.node("n", 19.0) is None
    assert store.freshest_nodes(9, 19.0) == []
    assert uuids(store.page_of("a", 0, 10, 19.0)) == uuids(store.page(0, 10, 19.0)) == ["lasting"]
    assert store.expire(19.0) == ["mortal"]
    assert store.expire(1e12) == []
    assert store.touch("lasting", 1e12)
    assert store.count_lasting() == 1


def test_gives_the_nodes_heard_last(store):
    for index in range(5):
        store.add(agent(f"u{index}", ttl_s=90.0, node_id=f"n{index}"), float(index))
    store.add(agent("plain"), 9.0)
    store.touch("u0", 10.0)
    assert uuids([(0, store.packet(number)) for number in store.freshest_nodes(3, 10.0)]) == [
        "u0",
        "u4",
        "u3",
    ]


def test_finds_a_node_by_id_and_by_uuid(store):
    store.add(agent("u0", ttl_s=90.0, node_id="n0"), 0.0)
    store.add(agent("plain"), 0.0)
    assert store.node("n0", 0.0) == store.node("u0", 0.0) == '{"uuid":"u0"}'
    assert store.node("plain", 0.0) is None


def test_survives_a_restart_which_gives_everybody_a_whole_life(path):
    store = Store(path, 1000.0)
    store.add(agent("u0", "a", ttl_s=10.0, node_id="n", sequence=3), 1000.0)
    store.add(agent("u1", "a"), 1000.0)
    store.close()
    store = Store(path, 5.0)  # the machine was restarted too: its clock began anew
    assert uuids(store.page_of("a", 0, 10, 14.9)) == ["u0", "u1"]
    assert store.version_of("n", 14.9) == ("u0", 3)
    assert uuids(store.page(0, 10, 15.0)) == ["u1"]
    store.close()


CHILD = """
import sys
from mesh99.node.registry.store import Agent, Store
store = Store(sys.argv[1], 0.0)
for index in range(100):
    store.add(Agent(f"u{index}", "{}", ["a"], None, None, None), 0.0)
print("written", flush=True)
sys.stdin.read()
"""


def test_survives_kill_9(path):
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin is not None
    assert child.stdout is not None
    with child.stdin, child.stdout:
        assert child.stdout.readline() == b"written\n"
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    store = Store(path, 0.0)
    assert store.count(0.0) == len(store.page_of("a", 0, 1000, 0.0)) == 100
    store.close()


def test_a_failed_write_leaves_nothing_behind(store):
    store.add(agent("u0", "a"), 0.0)
    with pytest.raises(sqlite3.IntegrityError):
        store.add(agent("u0", "b"), 0.0)
    assert store.page_of("b", 0, 10, 0.0) == []
    store.add(agent("u1", "b"), 0.0)
    assert store.count(0.0) == 2


def test_two_registries_cannot_share_a_file(path):
    store = Store(path, 0.0)
    with pytest.raises(ConfigError, match="is in use") as caught:
        Store(path, 0.0)
    assert "stop that one" in (caught.value.hint or "")
    store.close()
    Store(path, 0.0).close()


def database(path, *statements):
    db = sqlite3.connect(path)
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


def content(path):
    return None if os.path.isdir(path) else Path(path).read_bytes()


def text_file(path):
    Path(path).write_text("dear diary, this is no database at all\n" * 50)


def cut_file(path):
    store = Store(path, 0.0)
    for index in range(500):
        store.add(agent(f"u{index}", "a"), 0.0)
    store.close()
    with open(path, "r+b") as file:
        file.truncate(20_000)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (text_file, "cannot use"),
        (cut_file, "cannot use"),
        (lambda path: database(path, "CREATE TABLE other (x)"), "another program's"),
        (lambda path: (Store(path, 0.0).close(), database(path, "PRAGMA user_version = 99")), "newer"),
        (os.mkdir, "cannot use"),
    ],
    ids=["text", "cut", "other", "newer", "directory"],
)
def test_refuses_a_file_it_cannot_use_and_leaves_it_alone(path, spoil, problem):
    spoil(path)
    before = content(path)
    with pytest.raises(ConfigError, match=problem) as caught:
        Store(path, 0.0)
    assert caught.value.field == "data"
    assert path in str(caught.value)
    assert caught.value.hint
    assert content(path) == before


@pytest.mark.parametrize("name", ["", "/nowhere/at/all.db"])
def test_refuses_a_name_that_cannot_be_a_file(name):
    with pytest.raises(ConfigError):
        Store(name, 0.0)
