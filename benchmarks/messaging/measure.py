"""One round of one system: start both ends, wait for quiet before each case, run it, stop both ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..child import Child
from ..placement import Placement
from ..quiet import foreign_load, resident_mb, wait_for_quiet
from ..rounds import Round
from ..system import System
from .cases import ARRIVAL_TIMEOUT_S

START_TIMEOUT_S = 20.0
PROCESS = "benchmarks.messaging.process"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What is the same for every system of a run."""

    placement: Placement
    loop: str
    seconds: float
    """Time of one case in one round."""
    quiet_wait_s: float
    """How long a case may wait for other programs to calm down."""
    cases: tuple[str, ...]


def measure(system: System, conditions: Conditions) -> Round:
    """Run all cases once; raises ChildFailed."""
    with both_ends(system, conditions) as (server, client):
        return {case: run_case(case, server, client, conditions) for case in conditions.cases}


def run_case(case: str, server: Child, client: Child, conditions: Conditions) -> dict[str, Any]:
    """Run one case and add what surrounded it: foreign load and memory."""
    wait_for_quiet(conditions.quiet_wait_s)
    question = {"case": case, "seconds": conditions.seconds}
    with foreign_load() as foreign:
        figures = client.ask(question, 2 * conditions.seconds + 2 * ARRIVAL_TIMEOUT_S + START_TIMEOUT_S)
    client_mb, server_mb = resident_mb(client.process_id), resident_mb(server.process_id)
    return figures | {
        "foreign_cores": foreign.cores,
        "slowdown": foreign.slowdown,
        "rss_mb": max(client_mb, server_mb),
        "client_rss_mb": client_mb,
        "server_rss_mb": server_mb,
    }


@contextmanager
def both_ends(system: System, conditions: Conditions) -> Iterator[tuple[Child, Child]]:
    """Start a server and a client on their cores, and stop both."""
    settings = {
        "system": system.name,
        "module": system.module,
        "variant": system.variant,
        "loop": conditions.loop,
    }
    placement = conditions.placement
    server = Child(PROCESS, settings | {"part": "server", "cpus": placement.server}, START_TIMEOUT_S)
    try:
        address = server.ready["address"]
        client_settings = settings | {"part": "client", "cpus": placement.client, "address": address}
        client = Child(PROCESS, client_settings, START_TIMEOUT_S)
        try:
            yield server, client
        finally:
            client.close()
    finally:
        server.close()
