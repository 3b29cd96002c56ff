"""`mesh99 nat --server` against coturn, which has RFC 5780's two addresses."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from free_port import free_port

pytestmark = pytest.mark.skipif(shutil.which("turnserver") is None, reason="coturn is not installed")


@pytest.fixture
def coturn(tmp_path: Path) -> Iterator[str]:
    """Run coturn on two loopback addresses with two ports each."""
    port, other_port = free_port(), free_port()
    arguments = (
        f"-n --no-cli --no-tls --no-dtls --no-auth -L 127.0.0.1 -L 127.0.0.2 -p {port}"
        f" --alt-listening-port {other_port} --log-file stdout --pidfile {tmp_path}/pid --userdb {tmp_path}/db"
    )
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(["turnserver", *arguments.split()], stdout=log, stderr=log, cwd=tmp_path)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


def ask(server: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "mesh99.cli.main", "--json", "nat", "--server", server]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_coturn_finds_no_box_on_loopback(coturn: str) -> None:
    deadline = time.monotonic() + 30
    while (done := ask(coturn)).returncode and time.monotonic() < deadline:
        time.sleep(0.1)
    found: dict[str, Any] = json.loads(done.stdout)
    assert (found["mapping"], found["filtering"], found["kind"]) == ("none", "endpoint-independent", "open")
    assert found["other"] is not None
