"""Which path a line is on, in words for people: its kind, through whom it goes, and why it is this one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..nat.behaviour import NatKind
from ..nat.paths import Path
from ..wire.endpoint import RELAY
from ..wire.identity import NodeId
from .overlay.line import Line
from .overlay.overlay import Overlay


@dataclass(frozen=True, slots=True, kw_only=True)
class PathFacts:
    """What is known of the path of a line."""

    kind: str
    """`direct` (UDP), `lan` (UDP within a network), `tcp` or `relay`."""
    called: bool = True
    """This node called the peer."""
    met_by_udp: bool = True
    """The peer was met over UDP, before or now."""
    punched_s: float | None = None
    """How long after the line stood through a relay it did without."""
    own: NatKind = NatKind.UNKNOWN
    peer: NatKind | None = None
    """What the peer says of itself; None while it has not said it."""
    knocks: bool = False
    """This node tries to do without the relay."""
    places: int = 0
    """Where it knocks."""
    searches: bool = False
    """It looks for a port among many."""
    again_s: float | None = None
    """When it tries again, between two attempts."""
    lost_direct: bool = False
    """There was a way without a relay, and it is no more."""
    beside: str = ""
    """What other ways there are."""

    @property
    def why(self) -> str:
        """Say why this path was taken, and what may become of it."""
        return f"{self._why}; beside it {self.beside}" if self.beside else self._why

    @property
    def _why(self) -> str:
        if self.kind in ("relay", "tcp") and NatKind.BLOCKED in (self.own, self.peer):
            return f"no UDP passes {'here' if self.own is NatKind.BLOCKED else 'at the peer'}"
        if self.kind == "relay":
            return self._why_relayed()
        if self.kind == "tcp":
            return "much was sent at once" if self.met_by_udp else "UDP did not lead there"
        if self.punched_s is not None:
            return f"punched after {_span(self.punched_s)}"
        return "it answered a call" if self.called else "it called this node"

    def _why_relayed(self) -> str:
        """Say what keeps the line on its relay."""
        if self.lost_direct:
            return f"the direct way fell silent{self._again}"
        if not self.knocks:
            return "the relay does not see the peer over UDP"
        if self.own is self.peer is NatKind.HARD:
            return "both boxes give each peer another port"
        if self.searches:
            return "looks for a port of a box that gives each peer another one"
        if {self.own, self.peer} == {NatKind.HARD, NatKind.EASY}:
            return "one box gives each peer another port, which is looked for while messages go"
        if self.peer is None and not self.places:
            return "waits for the peer's word on where it is"
        where = f"{self.places} endpoint{'' if self.places == 1 else 's'}"
        return f"no answer at {where} yet{self._again}"

    @property
    def _again(self) -> str:
        return "" if self.again_s is None else f", tries again in {_span(self.again_s)}"


def path_facts(overlay: Overlay, line: Line, now: float) -> PathFacts:
    """Return what an overlay knows of the path of a line."""
    path, kind = line.session.path, Path(line.session.path).kind
    facts = PathFacts(
        kind=kind,
        called=line.initiated,
        met_by_udp=line.endpoint.transport != "tcp",
        punched_s=line.direct_after_s,
        own=overlay.reach.kind,
        lost_direct=line.watch is not None and line.watch.paths.lost_direct(),
        beside="" if line.watch is None else line.watch.paths.beside(path),
    )
    attempt = overlay.punching.attempt_of(line) if kind == RELAY else None
    if attempt is None:
        return facts
    return replace(
        facts,
        peer=None if attempt.peer is None else attempt.peer.kind,
        knocks=True,
        places=attempt.punch.places,
        searches=overlay.punching.searching.serves(line),
        again_s=max(0.0, attempt.punch.next_timeout() - now) if attempt.punch.pauses else None,
    )


def relay_of(overlay: Overlay, line: Line) -> NodeId | None:
    """Return whose relay a line goes through; None when it needs none."""
    path = line.session.path
    circuit = overlay.relaying.circuits.at(path) if path.transport == RELAY else None
    return None if circuit is None else circuit.relay


def _span(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.0f} s"
