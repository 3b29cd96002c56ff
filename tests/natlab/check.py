"""The lab checks itself: what each kind of box should do, and whether it does."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from . import coturn
from .lab import Lab
from .probe import Behaviour, probing

DELAY_S = 0.001

EXPECTED = {
    "none": Behaviour("EIM", "EIF", "preserved"),
    "fw": Behaviour("EIM", "APDF", "preserved"),
    "full": Behaviour("EIM", "EIF", "fixed", hairpin=False),
    "full:hairpin": Behaviour("EIM", "EIF", "fixed", hairpin=True),
    "addr": Behaviour("EIM", "ADF", "fixed", hairpin=False),
    "addr:hairpin": Behaviour("EIM", "ADF", "fixed", hairpin=True),
    "port": Behaviour("EIM", "APDF", "fixed", hairpin=False),
    "port:hairpin": Behaviour("EIM", "APDF", "fixed", hairpin=True),
    "port:preserve": Behaviour("EIM", "APDF", "preserved", hairpin=False),
    "sym": Behaviour("APDM", "APDF", "random", hairpin=False),
    "sym:hairpin": Behaviour("APDM", "APDF", "random", hairpin=True),
    "symseq": Behaviour("APDM", "APDF", "sequential", hairpin=False),
    "udpblock": Behaviour("blocked"),
    "cgnat": Behaviour("EIM", "APDF", "fixed", hairpin=False),
    "cgnatsym": Behaviour("APDM", "APDF", "random", hairpin=False),
    "full+port:hairpin": Behaviour("EIM", "APDF", "fixed", hairpin=True),
    "full+addr": Behaviour("EIM", "ADF", "fixed", hairpin=False),
}


def behaviour(site: str) -> Behaviour:
    """Build a site, and find out what its boxes do."""
    with Lab([site], servers=2, delay_s=DELAY_S) as lab, probing(lab.hosts[0], lab.servers) as probe:
        return probe.behaviour()


def opinions(sites: Sequence[str]) -> list[coturn.Opinion]:
    """Let coturn's client look at sites that let UDP through: at all of them at once, since it waits a lot."""
    with (
        Lab(sites, servers=1, delay_s=DELAY_S) as lab,
        coturn.serving(lab.servers[0]),
        ThreadPoolExecutor(len(sites)) as pool,
    ):
        return list(pool.map(lambda site: coturn.discover(site.hosts[0], lab.servers[0]), lab.sites))
