"""The examples work as the README says: a registry, a writer and an asker, three processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def registry_url() -> Iterator[str]:
    command = [
        sys.executable,
        "-m",
        "mesh99.cli.main",
        "registry",
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--json",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as registry:
        assert registry.stdout is not None
        try:
            yield json.loads(registry.stdout.readline())["url"]
        finally:
            registry.send_signal(signal.SIGINT)
            registry.communicate(timeout=10)


def _environment(registry_url: str) -> dict[str, str]:
    return {**os.environ, "AGENT99_REGISTRY_URL": registry_url}


@pytest.fixture
def writer(registry_url: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(ROOT / "examples" / "writer.py")]
    environment = _environment(registry_url)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready: ")
        try:
            yield process
        finally:
            process.kill()


def _ask(registry_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "examples" / "asker.py"), *arguments]
    return subprocess.run(
        command, env=_environment(registry_url), capture_output=True, text=True, timeout=30, check=False
    )


def test_the_asker_gets_its_summary_from_the_writer(registry_url: str, writer: subprocess.Popen[str]) -> None:
    done = _ask(registry_url, "one two three four five six seven eight")
    assert (done.returncode, done.stdout, done.stderr) == (0, "one two three four five six\n", "")


def test_the_writer_ends_quietly_when_interrupted(writer: subprocess.Popen[str]) -> None:
    writer.send_signal(signal.SIGINT)
    _, errors = writer.communicate(timeout=10)
    assert (writer.returncode, errors) == (0, "")


def test_the_asker_says_what_is_missing_when_nobody_offers_it(registry_url: str) -> None:
    done = _ask(registry_url)
    assert done.returncode != 0
    assert "summarize" in done.stderr
