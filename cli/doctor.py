"""The examinations of `mesh99 doctor`: each looks at one real thing and returns one finding."""

from __future__ import annotations

import os
import resource
import socket
import stat
import time
import urllib.request
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from .client import Client
from .failure import Failure

FILES_WANTED = 1024  # a few hundred TCP lines, and room
FILES_NEEDED = 256
REGISTRY_TIMEOUT_S = 2.0
CLOCK_SKEW_S_MAX = 60.0
EARLIEST_TIME = 1735689600.0  # 2025-01-01: a clock before it was never set
UDP_BUFFER_WANTED = 1024 * 1024  # about 10 ms of a full gigabit line

State = Literal["ok", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: its state, the facts, and what to do about it."""

    check: str
    state: State
    text: str
    hint: str | None = None


def examine(home: Path) -> list[Finding]:
    """Look at everything, in the order in which a person would."""
    status, node = examine_node(home)
    registry_url, registry_time, registry = examine_registry(status)
    findings = [
        examine_home(home),
        examine_key(home),
        node,
        examine_port(home, status),
        registry,
        examine_peers(home, status),
        examine_clock(registry_url, registry_time),
        examine_speed(),
        examine_files(),
        examine_buffers(),
    ]
    return findings


def examine_home(home: Path) -> Finding:
    """Nobody but its owner may enter the home."""
    try:
        facts = home.stat()
    except FileNotFoundError:
        return Finding("home", "ok", f"{home} is not there yet: the first start makes it")
    except OSError as error:
        return Finding("home", "bad", f"{home}: {error.strerror}")
    if not stat.S_ISDIR(facts.st_mode):
        return Finding("home", "bad", f"{home} is not a directory", "choose another with --home")
    if facts.st_uid != os.getuid():
        return Finding("home", "bad", f"{home} belongs to another user", "choose another with --home")
    if facts.st_mode & 0o077:
        return Finding("home", "bad", f"{home} is open to others", f"chmod 700 {home}")
    return Finding("home", "ok", f"{home}, for its owner only")


def examine_key(home: Path) -> Finding:
    """The key must be there, whole, and readable by its owner only."""
    from ..wire.errors import MeshError
    from ..wire.identity_file import FILE_NAME, load_or_create

    if not (home / FILE_NAME).exists():
        return Finding("key", "ok", "none yet: the first start makes it")
    try:
        identity = load_or_create(home, os.urandom)
    except MeshError as error:
        return Finding("key", "bad", str(error), error.hint)
    return Finding("key", "ok", f"node {identity.node_id.short}")


def examine_node(home: Path) -> tuple[dict[str, Any] | None, Finding]:
    """Ask the node that runs there, if any."""
    from .exit_codes import ExitCode

    try:
        status = Client(home).call("status", wait_s=5.0)
    except Failure as failure:
        state: State = "warn" if failure.exit_code == ExitCode.NO_NODE else "bad"
        return None, Finding("node", state, str(failure), failure.hint)
    return status, Finding("node", "ok", f"running since {status['uptime_s']:.0f} s")


def examine_port(home: Path, status: dict[str, Any] | None) -> Finding:
    """UDP and TCP must both be free to bind, or bound by the running node."""
    from ..wire.endpoint import Endpoint
    from .remembered_port import is_free, listen_again
    from .run_node import LISTEN

    if status is not None:
        return Finding("port", "ok", "the node listens on " + "  ".join(status["endpoints"]))
    endpoint = Endpoint.parse(listen_again(home, LISTEN))
    if not is_free(endpoint):
        return Finding("port", "bad", "no port can be bound", "may this user open sockets at all?")
    return Finding(
        "port", "ok", f"UDP and TCP can be bound on {endpoint.host}, port {endpoint.port or 'any'}"
    )


def examine_registry(status: dict[str, Any] | None) -> tuple[str, float | None, Finding]:
    """A registry that answers is one way to join; without one there must be another."""
    from ..node.config import registries_or_default

    url = (status or {}).get("registry") or registries_or_default(None)[0]
    try:
        if not url.startswith(("http://", "https://")):
            raise ValueError("it must begin with http://")
        with urllib.request.urlopen(f"{url.rstrip('/')}/healthcheck", timeout=REGISTRY_TIMEOUT_S) as answer:
            date = answer.headers.get("Date")
            answer.read(4096)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        text = f"{url} does not answer: {reason}"
        if status is not None and status["peers"]:
            return url, None, Finding("registry", "ok", f"{text}; the node has peers without it")
        hint = "mesh99 registry serve starts one; --peer H:P and saved contacts do without"
        return url, None, Finding("registry", "warn", text, hint)
    registry_time = parsedate_to_datetime(date).timestamp() if date else None
    return url, registry_time, Finding("registry", "ok", f"{url} answers")


def examine_peers(home: Path, status: dict[str, Any] | None) -> Finding:
    """A running node wants company; one that does not run wants contacts from last time."""
    if status is None:
        return examine_contacts(home)
    if not status["peers"] and not status["contacts"]:
        return Finding(
            "peers", "warn", "none: this node is alone", "start another, or join one with --peer H:P"
        )
    return Finding("peers", "ok", f"{status['peers']} sessions, {status['contacts']} contacts")


def examine_contacts(home: Path) -> Finding:
    """What a node saved of its peers is how it comes back without a registry."""
    from ..node.home_disk import HomeDisk
    from ..node.saved_contacts import load_contacts
    from ..wire.errors import MeshError

    try:
        contacts = load_contacts(HomeDisk(home))
    except (MeshError, OSError) as error:
        return Finding("peers", "bad", str(error), getattr(error, "hint", None))
    return Finding("peers", "ok", f"{len(contacts)} contacts saved for the next start")


def examine_clock(url: str, registry_time: float | None) -> Finding:
    """Nothing in the protocol trusts the clock, but logs and timestamps of messages do."""
    now = time.time()
    if now < EARLIEST_TIME:
        return Finding("clock", "warn", f"it says {time.strftime('%Y-%m-%d', time.gmtime(now))}", "set it")
    if registry_time is None:
        return Finding("clock", "ok", "plausible; no registry to compare it with")
    skew_s = now - registry_time
    if abs(skew_s) > CLOCK_SKEW_S_MAX:
        return Finding("clock", "warn", f"{skew_s:+.0f} s against {url}", "let NTP set it")
    return Finding("clock", "ok", f"agrees with {url}")


def examine_speed() -> Finding:
    """What makes it fast: uvloop, and AES in the processor."""
    from ..wire.crypto import aes_in_hardware

    cipher = "AES-256-GCM in hardware" if aes_in_hardware() else "ChaCha20-Poly1305"
    if find_spec("uvloop") is None:
        return Finding("speed", "ok", f"{cipher}, asyncio's own loop", "pip install mesh99[fast] adds uvloop")
    return Finding("speed", "ok", f"{cipher}, uvloop")


def examine_files() -> Finding:
    """Each TCP line takes a file descriptor."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY or limit >= FILES_WANTED:
        return Finding(
            "open files", "ok", "no limit" if limit == resource.RLIM_INFINITY else f"{limit} allowed"
        )
    state: State = "bad" if limit < FILES_NEEDED else "warn"
    return Finding("open files", state, f"only {limit} allowed", f"ulimit -n {FILES_WANTED}")


def examine_buffers() -> Finding:
    """The kernel's UDP receive buffer must hold what comes while the node does something else."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UDP_BUFFER_WANTED)
        # Linux doubles what it grants (socket(7)).
        granted = probe.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
    if granted >= UDP_BUFFER_WANTED:
        return Finding("UDP buffer", "ok", f"{granted // 1024} KiB")
    hint = f"sysctl net.core.rmem_max={UDP_BUFFER_WANTED} lets bursts over UDP lose less"
    return Finding("UDP buffer", "ok", f"{granted // 1024} KiB", hint)
