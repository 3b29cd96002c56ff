"""A stream through what can happen to its way: a box that reboots, an address that changes, a path or relay that dies.

Each way to disturb is an event of `EVENTS`. What counts is the longest silence at the receiver, and whether all came,
once and in order.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import pairwise

from .lab import Lab
from .matrix import DELAY_S
from .mesh import DELAYED_S, Mesh, PublicNodes
from .peer import CALLED, CALLER, READY_S, Peer

BEFORE_S = 2.0  # the stream runs for so long before anything happens
AFTER_S = 10.0
LATE_S = 3.0  # what has not come so long after the last was sent is lost

Event = Callable[[Lab, PublicNodes], None]

EVENTS: dict[str, tuple[str, Event]] = {
    "none": ("nothing happens", lambda lab, nodes: None),
    "reboot": ("the caller's boxes lose all mappings", lambda lab, nodes: lab.sites[0].reboot()),
    "reboot-called": ("those of the called one do", lambda lab, nodes: lab.sites[-1].reboot()),
    "renumber": ("the caller's site gets another address", lambda lab, nodes: _renumber(lab)),
    "cut": ("nothing passes between the two sites any more", lambda lab, nodes: _cut_direct(lab)),
    "relay-dead": ("the relay in use is cut off", lambda lab, nodes: _cut_relay(lab, nodes)),
    "relay-drop": ("it drops what it should forward", lambda lab, nodes: nodes.spoil("drop")),
    "relay-delay": (f"it delays that by {DELAYED_S:.0f} s", lambda lab, nodes: nodes.spoil("delay")),
    "relay-truncate": ("it sends only half of each packet", lambda lab, nodes: nodes.spoil("truncate")),
}


def _renumber(lab: Lab) -> None:
    lab.sites[0].renumber()


def _cut_direct(lab: Lab) -> None:
    lab.cut(lab.sites[0], lab.sites[-1])


def _cut_relay(lab: Lab, nodes: PublicNodes) -> None:
    relay = lab.servers[nodes.busiest()]
    lab.cut(relay, relay)


@dataclass(frozen=True)
class Course:
    """What became of a stream."""

    sites: tuple[str, ...]
    event: str
    paths: tuple[str, str]  # before and after
    sent: int
    lost: int
    twice: int
    reordered: int
    longest_gap_ms: float
    began_after_ms: float | None  # when the longest gap began, from the event

    @property
    def whole(self) -> bool:
        """Tell whether all came once and in order."""
        return not self.lost and not self.twice and not self.reordered

    def __str__(self) -> str:
        """Write it in one line."""
        faults = [
            f"{count} {what}"
            for count, what in ((self.lost, "lost"), (self.twice, "twice"), (self.reordered, "out of order"))
            if count
        ]
        whole = ", ".join(faults) or "all came, in order"
        way = " then ".join(dict.fromkeys(self.paths))
        return (
            f"{' / '.join(self.sites)} {self.event}: longest gap {self.longest_gap_ms:.0f} ms, "
            f"{self.sent} sent, {whole}; {way}"
        )

    def to_json(self) -> dict[str, object]:
        """Return it for machines."""
        return asdict(self) | {"whole": self.whole}


def measure(
    sites: Sequence[str], event: str, *, delay_s: float = DELAY_S, loss: float = 0.0, after_s: float = AFTER_S
) -> Course:
    """Build a lab, let its first host stream to its last one, and let something happen."""
    program = Mesh(stream_s=BEFORE_S + after_s)
    with (
        Lab(sites, servers=program.servers, delay_s=delay_s, loss=loss) as lab,
        program.serving(lab),
        closing(Peer(lab.hosts[-1], program.command(lab, lab.hosts[-1], CALLED))) as called,
        closing(Peer(lab.hosts[0], program.command(lab, lab.hosts[0], CALLER))) as caller,
    ):
        before = _start(caller, called)
        time.sleep(BEFORE_S)
        happened_s = time.monotonic()
        EVENTS[event][1](lab, program.nodes)
        said = caller.hear(after_s + READY_S)
        time.sleep(LATE_S)
        called.say(end=True)
        arrivals = called.hear(READY_S)["arrivals"]
    paths = (before, str(said["path"]))
    return course(tuple(sites), event, paths, said["sent"], arrivals, happened_s)


def _start(caller: Peer, called: Peer) -> str:
    """Let them begin; return the path that the stream begins on."""
    words = [peer.hear(READY_S)["ready"] for peer in (caller, called)]
    for peer, other in ((called, words[0]), (caller, words[1])):
        peer.say(other=other)
    for peer in (caller, called):
        peer.hear(READY_S)
        peer.say(go=True)
    said = caller.hear(READY_S)
    if "streaming" not in said:
        raise RuntimeError(f"no line: {said}")
    return str(said["streaming"])


def course(
    sites: tuple[str, ...],
    event: str,
    paths: tuple[str, str],
    sent: int,
    arrivals: Sequence[tuple[int, float]],
    happened_s: float,
) -> Course:
    """Judge what came, as pairs of number and time."""
    numbers = [number for number, _ in arrivals]
    gaps = [(later - sooner, sooner) for (_, sooner), (_, later) in pairwise(arrivals)]
    gap_s, since_s = max(gaps, default=(AFTER_S, happened_s))
    return Course(
        sites=sites,
        event=event,
        paths=paths,
        sent=sent,
        lost=sent - len(set(numbers)),
        twice=len(numbers) - len(set(numbers)),
        reordered=sum(later < sooner for sooner, later in pairwise(numbers)),
        longest_gap_ms=round(gap_s * 1e3, 1),
        began_after_ms=round((since_s - happened_s) * 1e3, 1),
    )
