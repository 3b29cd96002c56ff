"""What happens to networks and relays in the middle of a stream, and how long that interrupts it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from mesh99.node.overlay.line import Line
from mesh99.node.overlay.relaying import Relaying

from .lab import Lab
from .matrix import DELAY_S
from .mesh import PORT, RELAYS, Mesh
from .peer import CALLED, CALLER, READY_S, Peer
from .site import Host

SCRIPT = str(Path(__file__).with_name("stream_peer.py"))
BEFORE_S, STREAM_S = 2.0, 12.0
REST_S_MAX = 200.0
LATE_S = 1.0
LARGE_BYTES = 200


@dataclass(frozen=True)
class Course:
    """How a stream went; `ways` are the ways that each end used, and since when, seconds after the event."""

    event: str
    sites: str
    path: str
    is_whole: bool
    """All messages came, once and in order."""
    gap_ms: int
    """The longest time without any after the event."""
    ways: dict[str, list[tuple[float, str]]]
    idle_bytes_per_s: dict[str, float]

    def __str__(self) -> str:
        """Write it in one line."""
        whole = "all came, once and in order" if self.is_whole else "NOT all came, once and in order"
        ways = "; ".join(
            f"{name} {', '.join(f'{way} from {since_s:+.1f} s' for since_s, way in ways)}"
            for name, ways in self.ways.items()
        )
        idle = "".join(f"; {name} idle {rate:.1f} B/s" for name, rate in self.idle_bytes_per_s.items())
        return f"{self.sites} {self.event}: longest gap {self.gap_ms} ms, {whole}; {ways}{idle}"


def relay_in_use(lab: Lab, address: str) -> Host:
    """Return the server at an address."""
    return next(server for server in lab.servers if server.address == address)


def dies(lab: Lab, relay: str) -> None:
    """Cut the relay off."""
    host = relay_in_use(lab, relay)
    lab.cut(host, host)


def delays(lab: Lab, relay: str) -> None:
    """Make the way to the relay long."""
    lab.internet.set_cost(relay_in_use(lab, relay).link, LATE_S)


def harms(what: Callable[[bytes], bytes | None]) -> Callable[[Lab, str], None]:
    """Let the relay in use, which is a node of this process, do something to what it forwards."""

    def begin(lab: Lab, relay: str) -> None:
        forward = Relaying._forward
        harmful: list[Relaying] = []

        def forward_harmed(self: Relaying, line: Line, number: int, packet: bytes, now: float) -> None:
            # The stream goes through the relay in use, so that is the first to forward anything.
            harmful[:] = harmful or [self]
            kept = what(packet) if harmful[0] is self else packet
            if kept is not None:
                forward(self, line, number, kept, now)

        Relaying._forward = forward_harmed  # type: ignore[method-assign]

    return begin


def cut_there(lab: Lab, relay: str) -> None:
    """Let nothing pass straight from the first site to the last, only back."""
    rule = f"type filter hook forward priority filter;\nip daddr {lab.sites[-1].address} drop;"
    lab.sites[0].boxes[0].run(["nft", "-f", "-"], input=f"table ip cut {{\nchain out {{\n{rule}\n}}\n}}\n")


EVENTS: dict[str, Callable[[Lab, str], object]] = {
    "none": lambda lab, relay: None,
    "rest": lambda lab, relay: None,
    "reboot-caller": lambda lab, relay: lab.sites[0].reboot(),
    "reboot-called": lambda lab, relay: lab.sites[-1].reboot(),
    "renumber-caller": lambda lab, relay: lab.sites[0].renumber(),
    "renumber-called": lambda lab, relay: lab.sites[-1].renumber(),
    "cut": lambda lab, relay: lab.cut(lab.sites[0], lab.sites[-1]),
    "cut-there": cut_there,
    "relay-dies": dies,
    "relay-delays": delays,
    "relay-drops": harms(lambda packet: None),
    "relay-truncates": harms(lambda packet: packet[: len(packet) // 2]),
    "relay-truncates-the-large": harms(lambda packet: packet[:LARGE_BYTES]),
}
"""By name; told the lab and the address of the relay in use, if any."""


def measure(event: str, sites: Sequence[str], *, delay_s: float = DELAY_S, loss: float = 0.0) -> Course:
    """Stream from the first host to the last, and let it happen after some time."""
    program, forward = Mesh(), Relaying._forward
    try:
        with (
            Lab(sites, servers=program.servers, delay_s=delay_s, loss=loss) as lab,
            program.serving(lab),
            closing(Peer(lab.hosts[-1], _command(lab, lab.hosts[-1], CALLED))) as called,
            closing(Peer(lab.hosts[0], _command(lab, lab.hosts[0], CALLER))) as caller,
        ):
            return _run(event, lab, caller, called)
    finally:
        Relaying._forward = forward  # type: ignore[method-assign]


def _command(lab: Lab, host: Host, role: str) -> list[str]:
    peers = [f"{server.address}:{PORT}" for server in lab.servers[:RELAYS]]
    return [SCRIPT, json.dumps({"role": role, "listen": f"{host.address}:0", "peers": peers})]


def _run(event: str, lab: Lab, caller: Peer, called: Peer) -> Course:
    rests = event == "rest"
    words = [peer.hear(READY_S)["ready"] for peer in (caller, called)]
    called.say(go=words[0], rests=rests)
    caller.say(go=words[1], rests=rests, stream_s=STREAM_S)
    met = caller.hear(READY_S)
    time.sleep(BEFORE_S)
    happened_at = time.monotonic()
    EVENTS[event](lab, met["relay"])
    sent = caller.hear(READY_S)
    called.say(end=True)
    came = called.hear(READY_S)
    rested = {name: peer.hear(REST_S_MAX) for name, peer in _named(caller, called) if rests}
    times = [happened_at, *(moment for moment, _ in came["came"] if moment >= happened_at)]
    return Course(
        event,
        "/".join(lab.sites_as_written),
        met["path"],
        [number for _, number in came["came"]] == list(range(sent["sent"])),
        round(1e3 * max((later - earlier for earlier, later in pairwise(times)), default=0.0)),
        {name: _since(happened_at, said["ways"]) for name, said in _named(sent, came)},
        {name: said["idle_bytes_per_s"] for name, said in rested.items()},
    )


def _named(of_caller: Any, of_called: Any) -> list[tuple[str, Any]]:
    return [(CALLER, of_caller), (CALLED, of_called)]


def _since(happened_at: float, ways: list[tuple[float, str]]) -> list[tuple[float, str]]:
    return [(round(moment - happened_at, 2), way) for moment, way in ways]
