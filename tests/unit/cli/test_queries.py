"""The commands that ask a running node: shapes of the JSON, what a person sees, errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from mesh99.wire.errors import (
    ConfigError,
    DeadlineExceeded,
    LookupFailed,
    MeshError,
    NoPath,
    NotStored,
    QueueFull,
    RemoteRejected,
)

KEYS = {
    ("status",): {"node_id", "name", "endpoints", "nat", "peers", "registry", "uptime_s"},
    ("nat",): {
        "mapping",
        "filtering",
        "observed",
        "kind",
        "relays",
        "advertised",
        "port_mapping",
    },
    ("resolve", "writer"): {
        "node_id",
        "name",
        "public_key",
        "endpoints",
        "capabilities",
        "sequence",
        "ttl_s",
    },
    ("ping", "writer"): {"rtt_ms"},
    ("trace", "key"): {"hops"},
    ("put", "key", "value"): {"key", "stored_on"},
    ("put", "--content", "value"): {"key", "stored_on"},
    ("put", "key", "--delete"): {"key", "stored_on"},
    ("get", "key"): {"value", "from", "hops", "ms"},
    ("put", "key", "value", "--explain"): {"key", "result", "source", "hops", "elapsed_ms"},
    ("get", "key", "--explain"): {"key", "result", "source", "hops", "elapsed_ms"},
    ("find", "summarize", "--explain"): {"key", "result", "source", "hops", "elapsed_ms"},
    ("request", "--to", "writer", "echo"): {"reply", "from", "ms", "path", "transport"},
    ("send", "--to", "writer", "Note"): {"id", "state"},
    ("bench", "writer", "--duration", "0.1"): {"rtt_us", "requests_per_s", "mb_per_s"},
}
ROW_KEYS = {
    ("peers",): {"node_id", "name", "path", "endpoint", "rtt_ms", "tx_bytes", "rx_bytes", "why", "via"},
    ("find", "summarize"): {"node_id", "name", "endpoints", "age_s", "ends_in_s"},
}
ASKING = [command for command in (*KEYS, *ROW_KEYS) if command not in (("status",), ("peers",), ("nat",))]


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize("command", KEYS, ids=" ".join)
def test_json_has_the_keys_of_the_contract(document: Callable[..., Any], command: tuple[str, ...]) -> None:
    assert set(document(*command)) >= KEYS[command]


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize("command", ROW_KEYS, ids=" ".join)
def test_json_rows_have_the_keys_of_the_contract(
    document: Callable[..., Any], command: tuple[str, ...]
) -> None:
    rows = document(*command)
    assert rows
    assert all(set(row) >= ROW_KEYS[command] for row in rows)


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize("command", [*KEYS, *ROW_KEYS], ids=" ".join)
def test_json_may_be_asked_for_after_the_command_too(mesh99: Any, command: tuple[str, ...]) -> None:
    result = mesh99(*command, "--json")
    assert json.loads(result.stdout)
    assert result.stdout.count("\n") == 1


@pytest.mark.parametrize("command", ASKING, ids=" ".join)
@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (LookupFailed("peer x", "is it up?"), 1),
        (NotStored("colour", {"key full": 6}), 1),
        (NoPath("writer", ("udp://127.0.0.1:1",)), 1),
        (DeadlineExceeded("reply", 5.0), 1),
        (RemoteRejected("invalid", "words: expected a number", "words"), 1),
        (QueueFull("the line", 1000), 1),
        (ConfigError("peer", "is no node id"), 2),
        (RuntimeError("a bug"), 70),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_an_error_of_the_node_is_a_line_a_hint_and_an_exit_code(
    mesh99: Any,
    failing: Callable[[BaseException], None],
    command: tuple[str, ...],
    error: Exception,
    exit_code: int,
) -> None:
    failing(error)
    result = mesh99(*command, "--json")
    assert result.exit_code == exit_code
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[0].startswith("error: ")
    assert str(error) in lines[0]
    hint = error.hint if isinstance(error, MeshError) else "run the node with --debug to see the trace"
    assert lines[1:] == ([f"hint: {hint}"] if hint else [])


@pytest.mark.parametrize("command", [*KEYS, *ROW_KEYS], ids=" ".join)
def test_no_node_is_exit_code_3_and_says_what_to_do(mesh99: Any, command: tuple[str, ...]) -> None:
    result = mesh99(*command, "--json")
    assert result.exit_code == 3
    assert result.stdout == ""
    assert "error: no node is running in " in result.stderr
    assert "up\n" in result.stderr


def test_find_tells_how_fresh_each_agent_is(mesh99: Any, node: Any) -> None:
    head, row = mesh99("find", "summarize").stdout.splitlines()
    assert head.split() == ["NODE", "NAME", "AGE", "ENDS", "IN", "ATTRIBUTES", "ENDPOINTS"]
    assert row.split()[:6] == ["zq7w2b4c", "writer", "12", "s", "20", "min"]
    assert row.split()[6:8] == ["tags=de,fr", "version=2.1"]


def test_find_passes_conditions_on(mesh99: Any, node: Any) -> None:
    mesh99("find", "summarize", "--where", "version>=2", "--where", "tags=fr")
    assert node.calls == [("find", "summarize", "version>=2", "tags=fr", 5.0)]
    result = mesh99("find", "juggle", "--where", "tags=fr", "--where", "load<=0.5")
    assert "error: nobody offers juggle where tags=fr and load<=0.5\n" in result.stderr


def test_find_nobody_is_an_empty_list_and_exit_code_1(mesh99: Any, node: Any) -> None:
    result = mesh99("--json", "find", "juggle")
    assert (json.loads(result.stdout), result.exit_code) == ([], 1)
    assert "error: nobody offers juggle\nhint: " in result.stderr
    assert mesh99("find", "juggle").stdout == ""


def test_request_passes_on_what_it_was_given(document: Callable[..., Any], node: Any) -> None:
    answer = document(
        "request", "--capability", "summarize", "--timeout", "2.5", "Summarize", '{"text": "hé"}'
    )
    assert answer["reply"] == {"text": "hé"}
    options = {"to": None, "capability": "summarize", "timeout_s": 2.5}
    assert node.calls == [("call", "Summarize", {"text": "hé"}, options)]


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize("body", ['"text"', "[1, 2]", "null", "0", "{}"])
def test_any_json_is_a_body(document: Callable[..., Any], body: str) -> None:
    assert document("request", "--to", "writer", "echo", body)["reply"] == json.loads(body)


@pytest.mark.parametrize(
    "arguments",
    [
        ("request", "echo"),
        ("request", "--to", "a", "--capability", "b", "echo"),
        ("request", "--to", "a", "echo", "{no json"),
        ("request", "--to", "a", "--timeout", "0", "echo"),
        ("send", "echo"),
        ("send", "--to", "a", "echo", "{"),
        ("ping", "a", "-c", "0"),
        ("put", "key"),
        ("put", "key", "--content", "value"),
        ("put", "--delete"),
        ("put", "key", "value", "--delete"),
        ("put", "--content", "value", "--delete"),
        ("put", "--content", "value", "--explain"),
        ("find",),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_2(mesh99: Any, node: Any, arguments: tuple[str, ...]) -> None:
    result = mesh99(*arguments)
    assert (result.exit_code, result.stdout, node.calls) == (2, "", [])
    assert result.stderr.startswith("error: ")


@pytest.mark.usefixtures("node")
def test_what_a_person_reads(mesh99: Any) -> None:
    status = mesh99("status").stdout
    assert "reader" in status
    assert "1 d 2 h" in status
    assert "replay 2" in status
    peers = mesh99("peers").stdout.splitlines()
    assert peers[0].split() == ["NODE", "NAME", "PATH", "ENDPOINT", "RTT", "ms", "SENT", "RECEIVED", "WHY"]
    assert peers[1].split() == [
        "zq7w2b4c",
        "writer",
        "direct",
        "udp://127.0.0.1:7400",
        "0.32",
        "1.2",
        "kB",
        "999",
        "B",
        *["punched", "after", "240", "ms"],
    ]
    assert peers[2].split()[:9] == ["k3jx8a2m", "-", "tcp", "tcp://[::1]:7402", "-", "0", "B", "0", "B"]
    got = mesh99("get", "key")
    assert (got.stdout, got.stderr) == ("the value\n", "signed by zq7w2b4c, 2 hops, 1.5 ms\n")
    asked = mesh99("request", "--to", "writer", "echo", '"plain"')
    assert asked.stdout == "plain\n"
    assert asked.stderr == "from zq7w2b4c in 1.2 ms, path direct, transport direct\n"
    assert mesh99("ping", "writer", "-c", "2").stdout == "1  0.321 ms\n2  0.321 ms\n"


def test_bench_needs_each_phase_to_answer(document: Callable[..., Any], node: Any) -> None:
    node.echo_delay_s = 0.01
    figures = document("bench", "writer", "--duration", "0.2")
    assert figures["rtt_us"] > 10_000
    assert 1000 < figures["requests_per_s"] < 6400
    assert 0 < figures["mb_per_s"] < 4 * 1.05 / 0.01


@pytest.mark.usefixtures("node")
def test_trace_draws_each_node_under_the_one_that_named_it(mesh99: Any) -> None:
    result = mesh99("trace", "key")
    head, first, dead = result.stdout.splitlines()
    assert head.split()[:2] == ["NODE", "BITS"]
    assert first.split()[:4] == ["zq7w2b4c", "251", "0.00", "0.50"]
    assert "answered, stored at 1.25 ms" in first
    assert dead.startswith("  m4n5p6q7")
    assert dead.split()[1:5] == ["248", "0.60", "-", "failed"]
    assert result.stderr == "2 asked, 1 answered, 1 failed, nearest zq7w2b4c at 251 bits\n"


@pytest.mark.usefixtures("node")
def test_explain_shows_the_lookup_and_what_came_of_it(mesh99: Any) -> None:
    put, get, find = (
        mesh99(*words, "--explain") for words in (("put", "key", "x"), ("get", "key"), ("find", "summarize"))
    )
    assert all("zq7w2b4c" in result.stdout and "m4n5p6q7" in result.stdout for result in (put, get, find))
    assert "key is stored on 2 nodes after 2.5 ms: zq7w2b4c, k3jx8a2m" in put.stderr
    assert "first from zq7w2b4c, after 2.5 ms" in get.stderr
    assert get.stdout.splitlines()[-1] == "the value"
    assert "1 found after 2.5 ms" in find.stderr
    assert "writer" in find.stdout


@pytest.mark.usefixtures("node")
def test_content_prints_its_key_and_is_read_by_it(mesh99: Any) -> None:
    put = mesh99("put", "--content", "the value")
    assert put.stdout.startswith("content:")
    assert put.stderr == "it is stored on 1 nodes\n"
    get = mesh99("get", put.stdout.strip())
    assert get.stdout == "the value\n"
    assert get.stderr.startswith("content of its key, ")


def test_a_put_names_who_refused_and_why(mesh99: Any, node: Any, failing: Any) -> None:
    node.refused = {"key full": 2, "owner quota": 1}
    assert (
        mesh99("put", "key", "x").stderr
        == "key is stored on 2 nodes, refused: key full (2), owner quota (1)\n"
    )
    failing(NotStored("key", node.refused))
    assert mesh99("put", "key", "x").stderr == "error: nobody stores key: key full (2), owner quota (1)\n"


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize("words", [("put", "refused", "x"), ("get", "nothing"), ("find", "juggle")])
def test_explain_shows_the_lookup_of_what_failed_too(mesh99: Any, words: tuple[str, ...]) -> None:
    result = mesh99(*words, "--explain")
    assert result.exit_code == 1
    assert "m4n5p6q7" in result.stdout
    assert "error: nobody" in result.stderr
