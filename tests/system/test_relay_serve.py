"""`mesh99 relay serve` as a process: what it prints, how it ends, what it says of bad options."""

from __future__ import annotations

import resource
import signal
import socket
import subprocess
import sys
from typing import Any

import psutil
import pytest

from mesh99.nat.stun.attributes import mapped_address
from mesh99.nat.stun.message import MessageClass, Method, StunMessage, decode, encode
from mesh99.wire.endpoint import Endpoint

SERVE = [sys.executable, "-P", "-m", "mesh99.cli.main", "relay", "serve"]
SOMEWHERE = ("--listen", "127.0.0.1:0", "--user", "ann:secret")


def test_one_line_says_that_it_is_ready_and_it_answers(place: Any) -> None:
    relay = place.relay(*SOMEWHERE, "--realm", "lab", "--ports", "50000-50100")
    (listen,) = relay.ready["listen"]
    assert relay.ready == {
        "listen": [listen],
        "realm": "lab",
        "ports": "50000-50100",
        "tests_filtering": False,
    }
    endpoint = Endpoint.parse(listen)
    request = encode(StunMessage(Method.BINDING, MessageClass.REQUEST, bytes(12)))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(20)
        asker.sendto(request, (endpoint.host, endpoint.port))
        answer = decode(asker.recv(2048))
        assert mapped_address(answer).port == asker.getsockname()[1]


def test_it_takes_the_file_descriptors_that_it_may(place: Any) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        relay = place.relay(*SOMEWHERE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert psutil.Process(relay.process.pid).rlimit(psutil.RLIMIT_NOFILE) == (hard, hard)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_in_order(place: Any, number: signal.Signals) -> None:
    relay = place.relay(*SOMEWHERE)
    relay.process.send_signal(number)
    assert relay.process.wait(20) == 0
    assert relay.errors.read_text() == ""


def test_it_ends_with_its_input() -> None:
    done = subprocess.run(
        [*SERVE, *SOMEWHERE, "--until-eof", "--json"], input="", capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        ((), 2),
        (("--user", "ann"), 2),
        (("--user", "ann:"), 2),
        (("--user", ":secret"), 2),
        (("--secret", ""), 2),
        ((*SOMEWHERE, "--ports", "9"), 2),
        ((*SOMEWHERE, "--ports", "200-100"), 2),
        ((*SOMEWHERE, "--ports", "1-70000"), 2),
        ((*SOMEWHERE, "--rate", "-1"), 2),
        ((*SOMEWHERE, "--max-allocations", "0"), 2),
        ((*SOMEWHERE, "--allow", "10.0.0.1/8"), 2),
        ((*SOMEWHERE, "--allow", "nonsense"), 2),
        ((*SOMEWHERE, "--public-address", "relay.example"), 2),
        ((*SOMEWHERE, "--listen", "nonsense"), 2),
        ((*SOMEWHERE, "--listen", "192.0.2.1:3478"), 1),
        ((*SOMEWHERE, "--realm", "x" * 200), 2),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else "",
)
def test_a_bad_value_is_one_line_with_a_hint(arguments: tuple[str, ...], exit_code: int) -> None:
    done = subprocess.run([*SERVE, *arguments], capture_output=True, text=True, timeout=60)
    error, hint = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (exit_code, "")
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
