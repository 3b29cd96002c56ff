"""Count the requests that an Overlay sends, by kind; the same in a simulated host and in a real process."""

from __future__ import annotations

from collections import Counter

from ...dht.reading import decode
from ...dht.rpc import Request
from ...node.overlay.overlay import Overlay


class RequestCounter:
    """Sum over all Overlays that are watched; repetitions of a request count each."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def watch(self, overlay: Overlay) -> None:
        """Count what an Overlay sends from now on."""
        take_requests = overlay.dht.take_requests

        def counted() -> list[Request]:
            requests = take_requests()
            self.counts.update(type(decode(request.payload)[1]).__name__ for request in requests)
            return requests

        overlay.dht.take_requests = counted  # type: ignore[method-assign]
