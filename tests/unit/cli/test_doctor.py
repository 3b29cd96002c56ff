"""`mesh99 doctor`: each examination sees what it is there for."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from mesh99.cli import doctor
from mesh99.cli.doctor import Finding
from mesh99.wire.identity_file import FILE_NAME, load_or_create

CHECKS = {
    "home", "key", "node", "port", "registry", "peers", "clock", "speed", "open files", "UDP buffer",
}  # fmt: skip


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthcheck" else 404)
        self.end_headers()
        self.wfile.write(b'{"agent_count": 0}')

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Healthy) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("AGENT99_REGISTRY_URL", url)
        yield url
        server.shutdown()
        thread.join()


@pytest.fixture
def no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT99_REGISTRY_URL", "http://127.0.0.1:1")


def states(findings: list[dict[str, Any]]) -> dict[str, str]:
    return {finding["check"]: finding["state"] for finding in findings}


@pytest.mark.usefixtures("registry")
def test_a_fresh_machine_only_lacks_a_running_node(document: Callable[..., Any]) -> None:
    findings = states(document("doctor"))
    assert set(findings) == CHECKS
    assert [check for check, state in findings.items() if state != "ok"] == ["node"]


@pytest.mark.usefixtures("no_registry")
def test_what_is_bad_makes_exit_code_1_and_has_a_hint(mesh99: Any, home: Path) -> None:
    load_or_create(home, os.urandom)
    (home / FILE_NAME).chmod(0o644)
    home.chmod(0o755)
    result = mesh99("doctor")
    assert result.exit_code == 1
    assert result.stderr == "error: bad: home, key\n"
    lines = result.stdout.splitlines()
    assert lines[0].split()[:2] == ["bad", "home"]
    assert lines[1].strip() == f"hint: chmod 700 {home}"
    assert any(line.split()[:2] == ["warn", "registry"] for line in lines)


def test_a_running_node_is_asked(
    node: Any, home: Path, registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = node.status()
    monkeypatch.setattr(node, "status", lambda: replace_registry(status, registry))
    findings = {finding.check: finding for finding in doctor.examine(home)}
    assert findings["node"] == Finding("node", "ok", "running since 93784 s")
    assert "udp://127.0.0.1:7401" in findings["port"].text
    assert findings["registry"] == Finding("registry", "ok", f"{registry} answers")
    assert findings["peers"].text == "2 sessions, 3 contacts"


def replace_registry(status: Any, url: str) -> Any:
    import msgspec

    return msgspec.structs.replace(status, registry=url)


@pytest.mark.usefixtures("no_registry")
@pytest.mark.parametrize(("peers", "state"), [(0, "warn"), (1, "ok")])
def test_a_node_that_has_peers_needs_no_registry(peers: int, state: str) -> None:
    assert doctor.examine_registry({"registry": None, "peers": peers})[2].state == state


def test_home(home: Path, tmp_path: Path) -> None:
    assert doctor.examine_home(home).state == "ok"
    assert doctor.examine_home(tmp_path / "none").state == "ok"
    (tmp_path / "file").touch()
    assert doctor.examine_home(tmp_path / "file").state == "bad"
    home.chmod(0o710)
    assert doctor.examine_home(home).state == "bad"


def test_a_port_that_cannot_be_bound(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mesh99.cli.remembered_port.is_free", lambda endpoint: False)
    assert doctor.examine_port(home, None).state == "bad"


def test_a_node_alone(home: Path) -> None:
    assert doctor.examine_peers(home, {"peers": 0, "contacts": 0}).state == "warn"


def test_saved_contacts_that_are_damaged(home: Path) -> None:
    (home / "contacts.json").write_text("[{")
    assert doctor.examine_peers(home, None).state == "bad"


def test_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    assert doctor.examine_clock("url", now - 1).state == "ok"
    assert doctor.examine_clock("url", None).state == "ok"
    assert doctor.examine_clock("url", now - 3600).state == "warn"
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert doctor.examine_clock("url", None).state == "warn"


@pytest.mark.parametrize(
    ("limit", "state"), [(100, "bad"), (1000, "warn"), (1024, "ok"), (resource.RLIM_INFINITY, "ok")]
)
def test_open_files(monkeypatch: pytest.MonkeyPatch, limit: int, state: str) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (limit, limit))
    assert doctor.examine_files().state == state


def test_a_registry_with_a_bad_url(monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ("nonsense", "http://[", "file:///etc/passwd", "http://127.0.0.1:1"):
        monkeypatch.setenv("AGENT99_REGISTRY_URL", url)
        assert doctor.examine_registry(None)[2].state == "warn", url
