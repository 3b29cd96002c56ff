"""How a router is asked for ports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingConfig:
    """Say for how long ports are asked for, and how long a router may take."""

    life_s: int = 7200
    """Life asked for. Raising it leaves ports open longer after a crash; RFC 6886 recommends two hours."""

    renew_share: float = 0.5
    """Share of the life after which a mapping is renewed (RFC 6886, section 3.3). Raising it leaves less time for
    further tries."""

    renew_s_min: float = 30.0
    """Shortest time between two renewals, whatever life the router grants. Raising it loses mappings that live less."""

    resend_s: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0)
    """Pauses after a request is sent to the router, which is one hop away (RFC 6886, section 3.1). Raising their number
    finds slower routers, and goes on to UPnP later where there is no answer."""

    grace_s: float = 0.5
    """How long a router that answers NAT-PMP may take to answer PCP, which is preferred. Raising it maps later."""

    search_s: float = 2.0
    """How long answers to a search for UPnP routers are waited for. Raising it finds slower ones."""

    devices_max: int = 4
    """UPnP devices asked for ports in one search; anybody in the local network can answer it. Raising it costs a few
    connections each."""

    http_s: float = 3.0
    """Longest time of one exchange over HTTP. Raising it waits longer for routers that hang."""

    http_bytes_max: int = 64 * 1024
    """Longest answer read over HTTP; descriptions have 2 to 20 KiB. Raising it costs memory while one is read."""

    retry_s: tuple[float, ...] = (5.0, 20.0, 60.0)
    """Pauses before a renewal over HTTP that failed is tried again. Raising their number bears with longer outages,
    and finds a router that moved later."""

    again_s: float = 900.0
    """When to begin anew after nobody gave a port. Raising it notices another router later."""

    release_s: float = 1.0
    """How long a stop may wait for the router to take the ports back. Raising it delays the stop where it is gone."""
