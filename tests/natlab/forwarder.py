"""The internet of a lab: carry IPv4 packets between links, each crossing of a link taking its time or its toll.

Run as `python forwarder.py CONTROL MAC:DESCRIPTOR...`: CONTROL is the descriptor of a seqpacket socket, the others
are raw packet sockets at the inner ends of the links, and MAC is who is at the other end. Each control message is a
JSON object, answered by an empty one when it has been obeyed; the end of the control socket ends the process:

    {"routes": {"20.1.0.1": 0}}               what is where; null removes an address
    {"link": 0, "delay_s": 0.02, "loss": 0.1} a crossing of link 0, in either direction
    {"cut": [0, 1], "is_cut": true}           nothing passes between two links; [0, 0] is link 0 with all others
"""

from __future__ import annotations

import heapq
import json
import os
import random
import select
import socket
import sys
import time
from contextlib import suppress

FRAME_BYTES_MAX = 65536
FRAMES_PER_WAKE = 64
DESTINATION = slice(30, 34)  # an IPv4 destination in an Ethernet frame
HELD_MAX = 20_000  # frames under way, as a router's queue: what comes on top of them is lost


class Link:
    """One link, and what a crossing of it costs."""

    def __init__(self, index: int, mac: str, descriptor: int) -> None:
        self.index = index
        self.mac = bytes.fromhex(mac)
        self.socket = socket.socket(fileno=descriptor)
        self.delay_s = 0.0
        self.loss = 0.0


class Forwarder:
    """Routes by destination address; frames wait in a heap until they are due."""

    def __init__(self, control: socket.socket, links: list[Link]) -> None:
        self.control = control
        self.links = links
        self.routes: dict[bytes, Link] = {}
        self.cuts: set[frozenset[int]] = set()
        self.held: list[tuple[float, int, Link, bytes]] = []
        self.count = 0
        self.randomness = random.Random(99)

    def run(self) -> None:
        """Forward until the control socket ends."""
        by_socket = {link.socket: link for link in self.links}
        while True:
            wait_s = max(0.0, self.held[0][0] - time.monotonic()) if self.held else None
            ready, _, _ = select.select([self.control, *by_socket], [], [], wait_s)
            self._release()
            for sock in ready:
                if sock is not self.control:
                    self._take(by_socket[sock])
                elif not self._obey():
                    return
            self._release()

    def _take(self, source: Link) -> None:
        now = time.monotonic()
        with suppress(BlockingIOError):
            for _ in range(FRAMES_PER_WAKE):
                frame = source.socket.recv(FRAME_BYTES_MAX)
                target = self.routes.get(frame[DESTINATION])
                if target is not None and not self._is_lost(source, target):
                    self.count += 1
                    due = now + source.delay_s + target.delay_s
                    # The sender's address stays: nobody answers to it, every neighbour is a fixed one.
                    heapq.heappush(self.held, (due, self.count, target, target.mac + frame[6:]))

    def _is_lost(self, source: Link, target: Link) -> bool:
        if len(self.held) >= HELD_MAX:
            return True
        pairs = ({source.index, target.index}, {source.index}, {target.index})
        if any(frozenset(pair) in self.cuts for pair in pairs):
            return True
        return any(link.loss and self.randomness.random() < link.loss for link in (source, target))

    def _release(self) -> None:
        now = time.monotonic()
        while self.held and self.held[0][0] <= now:
            _, _, target, frame = heapq.heappop(self.held)
            # A full queue or an interface that is down loses the frame, as in life.
            with suppress(OSError):
                target.socket.send(frame)

    def _obey(self) -> bool:
        command = json.loads(self.control.recv(FRAME_BYTES_MAX) or "null")
        if command is None:
            return False
        for address, index in command.get("routes", {}).items():
            self.routes.pop(socket.inet_aton(address), None)
            if index is not None:
                self.routes[socket.inet_aton(address)] = self.links[index]
        if "link" in command:
            link = self.links[command["link"]]
            link.delay_s, link.loss = command["delay_s"], command["loss"]
        if "cut" in command:
            (self.cuts.add if command["is_cut"] else self.cuts.discard)(frozenset(command["cut"]))
        self.control.send(b"{}")
        return True


def main(control: str, *links: str) -> None:
    """Forward between the links named on the command line."""
    # Where it is allowed, go before all other processes: the figures that a lab gives depend on it.
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    parts = [link.split(":") for link in links]
    made = [Link(index, mac, int(descriptor)) for index, (mac, descriptor) in enumerate(parts)]
    for link in made:
        link.socket.setblocking(False)
    Forwarder(socket.socket(fileno=int(control)), made).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
