"""TCP as ordered pipes of packets: sending with repairs and a window, closing, breaking (stream_opening.py opens).

Packets arrive in order: one that lost a segment comes a round trip later and holds up those behind it. A sender puts
no more on its line than the queue there takes, so TCP and UDP share the bandwidth; the queue at the receiver's line
takes all of TCP. While a partition or a box cuts the path, segments are repeated after growing times, and the
connection breaks after `stalled_s`. When a process dies, its system resets its connections; when a machine vanishes,
nobody is told.

Not modelled: slow start and fairness between connections.
"""

from __future__ import annotations

from functools import partial

from ...wire.endpoint import Endpoint
from .attachment import Attachment
from .medium import Medium
from .stream_end import State, StreamConfig, StreamEnd, bytes_on_wire, segments
from .stream_paths import StreamPaths


class Streams:
    """Carry packets over connections."""

    def __init__(self, medium: Medium, config: StreamConfig) -> None:
        self.config = config
        self.paths = StreamPaths(medium, config)
        self._medium = medium
        self._world = medium.world

    # sending

    def send(self, attachment: Attachment, packet: bytes, destination: Endpoint) -> bool:
        """Queue a packet on a connection, also while it is being opened; false when it goes nowhere."""
        end = attachment.streams.get(destination)
        if end is None or (end.state is State.CONNECTING and len(end.queue) >= self.config.held_max):
            return False
        end.queue.append(packet)
        end.queued_bytes += len(packet)
        if end.queued_bytes > self.config.queue_bytes_max:
            self.close(attachment, destination)
        self.transmit(end)
        return True

    def transmit(self, end: StreamEnd) -> None:
        """Send what the window and the line take now."""
        while end.queue and not end.waiting and end.state in (State.OPEN, State.DRAINING):
            packet = end.queue[0]
            if packet is not None and end.under_way_bytes >= self.config.window_bytes:
                return
            if not self.paths.is_open(end):
                end.waiting = True
                self._repeat(end, 0, self._world.now_ns)
            elif self._line_is_free(end, 0 if packet is None else len(packet)):
                end.queue.popleft()
                self._launch(end, packet)

    def _line_is_free(self, end: StreamEnd, size: int) -> bool:
        uplinks, now_ns = self._medium.uplinks, self._world.now_ns
        if uplinks is None:
            return True
        free_ns = uplinks.room_at(end.index, bytes_on_wire(size), now_ns)
        if free_ns > now_ns:
            end.waiting = True
            self._world.push(free_ns, self._go_on, end)
        return free_ns <= now_ns

    def _go_on(self, end: StreamEnd) -> None:
        end.waiting = False
        self.transmit(end)

    def _repeat(self, end: StreamEnd, tries: int, since_ns: int) -> None:
        if end.state is State.CLOSED:
            return
        now_ns = self._world.now_ns
        if tries and self.paths.is_open(end):
            self._go_on(end)
        elif now_ns - since_ns >= self.paths.stalled_ns:
            self.break_off(end)
        else:
            wait_ns = min(self.paths.repeat_ns(end, tries), since_ns + self.paths.stalled_ns - now_ns)
            self._world.push(now_ns + wait_ns, self._repeat, end, tries + 1, since_ns)

    def _launch(self, end: StreamEnd, packet: bytes | None) -> None:
        now_ns = self._world.now_ns
        size = 0 if packet is None else len(packet)
        late_ns = self.paths.repair_ns(end, segments(size))
        if late_ns is None:
            end.waiting = True
            self._world.push(now_ns + self.paths.stalled_ns, self.break_off, end)
            return
        uplinks = self._medium.uplinks
        leaves_ns = now_ns if uplinks is None else uplinks.take(end.index, bytes_on_wire(size), now_ns)
        arrives_ns = leaves_ns + self._medium.spread_ns(self.paths.delay_ns(end)) + late_ns
        end.arrives_ns = max(end.arrives_ns, arrives_ns)
        end.under_way_bytes += size
        end.queued_bytes -= size
        self._world.push(end.arrives_ns, self._arrive, end.peer, packet)

    # receiving

    def _arrive(self, end: StreamEnd, packet: bytes | None) -> None:
        downlinks = self._medium.downlinks
        if downlinks is None:
            self._receive(end, packet)
            return
        size = 0 if packet is None else len(packet)
        now_ns = self._world.now_ns
        self._world.push(downlinks.take(end.index, bytes_on_wire(size), now_ns), self._receive, end, packet)

    def _receive(self, end: StreamEnd, packet: bytes | None) -> None:
        receive, sender = end.attachment.receive, end.peer
        assert sender is not None
        if end.state is not State.OPEN or receive is None:
            self._answer_nothing(end, sender)
        elif packet is None:
            self._forget(end)
            self._tell_closed(end)
        else:
            self._acknowledge(end, sender, len(packet), 0, self._world.now_ns)
            receive(packet, end.remote)

    def _answer_nothing(self, end: StreamEnd, sender: StreamEnd) -> None:
        """A packet came to a connection that is no more: reset the sender, or leave it to its time-out."""
        if end.attachment.answers:
            self.reset(end)
        else:
            self._world.push(self._world.now_ns + self.paths.stalled_ns, self.break_off, sender)

    def _acknowledge(self, end: StreamEnd, sender: StreamEnd, size: int, tries: int, since_ns: int) -> None:
        now_ns = self._world.now_ns
        if self.paths.is_open(end):
            self._world.push(now_ns + self.paths.delay_ns(end), self._acknowledged, sender, size)
        elif now_ns - since_ns >= self.paths.stalled_ns:
            self.break_off(sender)
        else:
            again_ns = now_ns + self.paths.repeat_ns(end, tries)
            self._world.push(again_ns, self._acknowledge, end, sender, size, tries + 1, since_ns)

    def _acknowledged(self, end: StreamEnd, size: int) -> None:
        end.under_way_bytes -= size
        self.transmit(end)

    # ending

    def close(self, attachment: Attachment, remote: Endpoint) -> None:
        """Close a connection after what is queued on it; its host is told, as by the real one."""
        end = attachment.streams.get(remote)
        if end is None or end.state is not State.OPEN:
            return
        del attachment.streams[remote]
        end.state = State.DRAINING
        end.queue.append(None)
        self._world.call_soon(partial(self._tell_closed, end))
        self.transmit(end)

    def crash(self, attachment: Attachment, silently: bool) -> None:
        """End every connection of a host that is gone; `silently`: with its machine, so that no peer is told."""
        ends = list(attachment.streams.values())
        attachment.streams.clear()
        for end in ends:
            end.state = State.CLOSED
            end.queue.clear()
            if not silently:
                self.reset(end)

    def reset(self, end: StreamEnd) -> None:
        """Tell the peer of an end that there is nothing any more; that may get lost."""
        if end.peer is not None and self.paths.is_open(end):
            at_ns = max(end.arrives_ns, self._world.now_ns + self.paths.delay_ns(end))
            self._world.push(at_ns, self.break_off, end.peer)

    def break_off(self, end: StreamEnd) -> None:
        """End a connection on one side, at once, and tell its host unless it knows."""
        known = end.state in (State.CONNECTING, State.OPEN)
        self._forget(end)
        if known:
            self._tell_closed(end)

    def _forget(self, end: StreamEnd) -> None:
        end.state = State.CLOSED
        end.queue.clear()
        if end.attachment.streams.get(end.remote) is end:
            del end.attachment.streams[end.remote]

    def _tell_closed(self, end: StreamEnd) -> None:
        events = end.attachment.stream_events
        if events is not None:
            events.stream_closed(end.remote)
