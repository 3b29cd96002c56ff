"""Two nodes behind boxes, relays between them, and ways between them that break."""

from __future__ import annotations

from itertools import pairwise

from mesh99.nat.relay.config import RelayConfig
from mesh99.node.overlay.config import OverlayConfig
from mesh99.node.overlay.line import Line
from mesh99.node.overlay.overlay import Overlay
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint

from .boxed_world import BoxedWorld

SERVING = OverlayConfig(relay=RelayConfig(serve=True))
NOWHERE = Endpoint("udp", "192.168.77.77", 9)
"""An address that leads nowhere: what a record of a node behind a box names of its own network."""


class WaysWorld:
    """A caller, who it called, the relays of both, and what arrived where."""

    def __init__(
        self, caller: str = "port", called: str = "port", *, relays: int = 2, delay_s: float = 0.04
    ) -> None:
        self.world = BoxedWorld(delay_s=delay_s)
        self.relays = [self.world.join("none", SERVING) for _ in range(relays)]
        self.called, self.caller = self.world.join(called), self.world.join(caller)
        self.ends = (self.caller, self.called)
        self.arrived: dict[Overlay, list[tuple[float, bytes]]] = {end: [] for end in self.ends}
        self.sent: dict[Overlay, list[bytes]] = {end: [] for end in self.ends}
        self.cuts: set[tuple[str, str]] = set()
        self.world.rule = lambda packet, source, destination: (
            None if (source.host, destination.host) in self.cuts else packet
        )
        for end in self.ends:
            end.on_message = lambda line, message, end=end: self.arrived[end].append(
                (self.world.now, bytes(message))
            )
            end.relaying.reservations.wanted = True
            for relay in self.relays:
                end.connect(self.world.contact_of(relay), self.world.now, lambda line, error: None)
        self.world.run(lambda: all(len(self.granted(end)) == relays for end in self.ends))

    def granted(self, end: Overlay) -> list[object]:
        return list(end.relaying.reservations.granted(self.world.now))

    def meet(self, path: str = "direct") -> Line:
        """Call, wait until both ends are on a kind of path, and return the caller's line."""
        self._call()
        self.world.run(lambda: self.both(path), timeout_s=10.0)
        self.world.run_for(1.0)
        return self.line(self.caller)

    def meet_somehow(self) -> None:
        """Call, and wait until both ends have a line."""
        self._call()
        self.world.run(lambda: "none" not in self.paths(), timeout_s=10.0)

    def _call(self) -> None:
        contact = Contact(self.called.identity.public_key, NOWHERE)
        relays = [self.world.contact_of(relay) for relay in self.relays]
        self.caller.connect(contact, self.world.now, lambda line, error: None, relays=relays)

    def line(self, end: Overlay) -> Line:
        """Return the line of one end to the other."""
        line = end.lines.find(self.other(end).identity.node_id)
        assert line is not None, f"no line any more after {self.world.now}"
        return line

    def other(self, end: Overlay) -> Overlay:
        """Return the other end."""
        return self.called if end is self.caller else self.caller

    def paths(self) -> list[str]:
        """Return the kinds of paths that the ends use, the caller's first."""
        lines = [end.lines.find(self.other(end).identity.node_id) for end in self.ends]
        return [line.path_kind if line is not None else "none" for line in lines]

    def both(self, path: str) -> bool:
        """Tell whether both ends use this kind of path."""
        return self.paths() == [path, path]

    def outer(self, end: Overlay) -> str:
        """Return the address that others see of an end."""
        box = self.world.box_of(end)
        return self.world.endpoint_of(end).host if box is None else box.address

    def cut(self, sender: Overlay, receiver: Overlay) -> None:
        """Let nothing more pass from one to another."""
        self.cuts.add((self.outer(sender), self.outer(receiver)))

    def cut_direct(self) -> None:
        """Cut what leads from one end to the other without a relay."""
        self.cut(*self.ends)
        self.cut(*reversed(self.ends))

    def talk(self, sender: Overlay, seconds: float, pause_s: float = 0.02, size: int = 300) -> None:
        """Send messages all the time."""
        end = self.world.now + seconds
        while self.world.now < end:
            self.say(sender, size)
            self.world.run_for(pause_s)

    def say(self, sender: Overlay, size: int = 300) -> None:
        """Send one message."""
        message = b"%06d" % len(self.sent[sender]) + bytes(size)
        self.sent[sender].append(message)
        sender.send_message(self.line(sender), message, self.world.now)

    def settle(self, timeout_s: float = 10.0) -> None:
        """Wait until everything has arrived, and check that it did so once and in order."""
        pairs = [(self.sent[end], self.arrived[self.other(end)]) for end in self.ends]
        self.world.run(lambda: all(len(came) >= len(sent) for sent, came in pairs), timeout_s)
        self.world.run_for(1.0)
        for sent, came in pairs:
            assert [message for _, message in came] == sent

    def longest_gap_s(self, end: Overlay, since: float) -> float:
        """Return the longest time in which nothing arrived at an end."""
        times = [since, *(when for when, _ in self.arrived[end] if when >= since)]
        return max(later - earlier for earlier, later in pairwise(times))

    def relay_in_use(self) -> Overlay:
        """Return the relay that the caller's line goes through."""
        circuit = self.caller.relaying.circuits.at(self.line(self.caller).session.path)
        assert circuit is not None
        return next(relay for relay in self.relays if relay.identity.node_id == circuit.relay)

    def move(self, end: Overlay, kind: str) -> None:
        """Take an end from its network to another one, behind a box of a kind."""
        old = self.world.endpoint_of(end)
        del self.world.overlays[old]
        placeholder = self.world.join(kind)
        new = self.world.endpoint_of(placeholder)
        self.world.overlays[new] = end
        end.reach.own_endpoints = (new,)
