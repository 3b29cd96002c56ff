"""What a node needs of the world: the asyncio host gives the real one, the simulator another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..wire.endpoint import Endpoint


class Timer(Protocol):
    """A call that is due later."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """Time, and calls at a time."""

    def now(self) -> float:
        """Return monotonic seconds from an origin of its own."""
        ...

    def unix_now(self) -> float:
        """Return wall-clock seconds since 1970, for people and sequence numbers only."""
        ...

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Call back once `now()` has reached `when`."""
        ...

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Call back before anything else happens, but not within this call."""
        ...


class Network(Protocol):
    """Packets out. Packets in go straight to the pump."""

    def send(self, packet: bytes, destination: Endpoint) -> None:
        """Send one packet; never blocks, may lose it (UDP) or queue it within limits (TCP).

        An endpoint that is met through an extra socket opens it if there is none; what comes back through it comes from
        such an endpoint.
        """
        ...

    def close_socket(self, number: int) -> None:
        """Close an extra UDP socket, if there is one."""
        ...

    def flush(self, *, expects: bool = True) -> None:
        """Let go of what `send` held back to send it together; `expects`: what left may be answered soon."""
        ...

    def open_stream(self, destination: Endpoint) -> None:
        """Begin to connect over TCP; the pump is told how it ended."""
        ...

    def close_stream(self, destination: Endpoint) -> None:
        """Close the TCP connection with this remote endpoint, if there is one."""
        ...


class Disk(Protocol):
    """A few small files that outlive the process; raises OSError."""

    def read(self, name: str, size_bytes_max: int) -> bytes | None:
        """Return the first bytes of a file, or None when there is no such file."""
        ...

    def replace(self, name: str, data: bytes) -> None:
        """Write a file in one step: a crash of the process leaves the old or the new one."""
        ...


class Entropy(Protocol):
    """Bytes that nobody can guess: keys, ids, secrets."""

    def __call__(self, size_bytes: int) -> bytes: ...
