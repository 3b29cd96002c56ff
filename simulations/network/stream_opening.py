"""How TCP connections come to be: a round trip, a refusal where nobody listens, a time-out where nothing answers."""

from __future__ import annotations

from functools import partial

from ...wire.endpoint import Endpoint
from .attachment import Attachment
from .medium import Medium
from .partitions import Passage
from .realms import Way
from .stream_end import State, StreamEnd
from .streams import Streams


class StreamOpening:
    """Open connections, and accept them."""

    def __init__(self, medium: Medium, streams: Streams) -> None:
        self._medium = medium
        self._world = medium.world
        self._streams = streams
        self._config = streams.config
        self.refused = 0
        """Connections over the limit, and those closed because no session came."""

    def open(self, attachment: Attachment, destination: Endpoint) -> None:
        """Begin to connect, unless it is open or under way; the host is told how it ended."""
        known = attachment.streams.get(destination)
        if known is not None:
            if known.state is State.OPEN:
                self._world.call_soon(partial(self._tell_opened, known))
            return
        end = StreamEnd(attachment, attachment.local_endpoint(), destination, State.CONNECTING)
        attachment.streams[destination] = end
        self._world.call_at(self._world.now() + self._config.connect_s, partial(self._give_up, end))
        self._knock(end, self._config.knock_s)

    def _knock(self, end: StreamEnd, wait_s: float) -> None:
        if end.state is not State.CONNECTING:
            return
        self._world.call_at(self._world.now() + wait_s, partial(self._knock, end, 2 * wait_s))
        now_ns = self._world.now_ns
        way = self._medium.realms.leave(end.index, end.local, end.remote, now_ns)
        machine = None if way is None else self._machine_at(way)
        if way is None or machine is None:
            return
        passage = self._medium.partitions.passage(end.index, machine.index)
        if passage is Passage.OPEN and self._medium.loses(end.index) is None:
            delay_ns = self._medium.delay_ns(end.index, machine.index)
            self._world.push(now_ns + self._medium.spread_ns(delay_ns), self._knocked, end, way)

    def _machine_at(self, way: Way) -> Attachment | None:
        endpoint = self._medium.realms.holder(way, self._world.now_ns)
        return None if endpoint is None else self._medium.directory.machine(endpoint.host)

    def _knocked(self, end: StreamEnd, way: Way) -> None:
        local = self._medium.realms.enter(way, self._world.now_ns)
        machine = None if local is None else self._medium.directory.machine(local.host)
        if local is None or machine is None or not machine.answers or end.state is State.CLOSED:
            return
        listener = self._medium.directory.listening(local)
        if end.peer is None:
            end.peer = StreamEnd(listener or machine, local, way.source, State.CLOSED)
            end.peer.peer = end
            if listener is not None:
                self._accept(listener, end.peer)
        # What is not accepted is refused; a repeated SYN gets the same answer again.
        answer = self._refused if end.peer.state is State.CLOSED else self._opened
        if self._streams.paths.is_open(end.peer) and self._medium.loses(end.peer.index) is None:
            delay_ns = self._medium.spread_ns(self._streams.paths.delay_ns(end.peer))
            self._world.push(self._world.now_ns + delay_ns, answer, end)

    def _accept(self, listener: Attachment, end: StreamEnd) -> None:
        if len(listener.streams) >= self._config.streams_max or end.remote in listener.streams:
            self.refused += 1
            return
        end.state = State.OPEN
        listener.streams[end.remote] = end
        if listener.knows_stream is not None:
            at_s = self._world.now() + self._config.stranger_s
            self._world.call_at(at_s, partial(self._check_stranger, end))

    def _check_stranger(self, end: StreamEnd) -> None:
        knows = end.attachment.knows_stream
        if end.state is State.OPEN and knows is not None and not knows(end.remote):
            self.refused += 1
            self._streams.close(end.attachment, end.remote)

    def _opened(self, end: StreamEnd) -> None:
        if end.state is State.CONNECTING:
            end.state = State.OPEN
            self._tell_opened(end)
            self._streams.transmit(end)
        elif end.state is State.CLOSED:
            self._streams.reset(end)

    def _refused(self, end: StreamEnd) -> None:
        if end.state is State.CONNECTING:
            self._streams.break_off(end)

    def _give_up(self, end: StreamEnd) -> None:
        if end.state is State.CONNECTING:
            self._streams.break_off(end)
            self._streams.reset(end)

    def _tell_opened(self, end: StreamEnd) -> None:
        events = end.attachment.stream_events
        if events is not None and end.state is State.OPEN:
            events.stream_opened(end.remote)
