"""Each kind of box does what its name says, by our own tests and by coturn's."""

from __future__ import annotations

import shutil

import pytest

from . import check
from .lab import Lab
from .probe import probing
from .site import Host

pytestmark = pytest.mark.network_namespaces


@pytest.mark.parametrize("site", check.EXPECTED)
def test_a_box_does_what_its_kind_says(site: str) -> None:
    assert check.behaviour(site) == check.EXPECTED[site]


def test_coturn_sees_the_same() -> None:
    if shutil.which("turnutils_natdiscovery") is None:
        pytest.skip("not installed: coturn (tests/install_debian.sh)")
    sites = [site for site, expected in check.EXPECTED.items() if expected.filtering]
    expected = [(check.EXPECTED[site].mapping, check.EXPECTED[site].filtering) for site in sites]
    assert list(zip(sites, check.opinions(sites), strict=True)) == list(zip(sites, expected, strict=True))


@pytest.mark.parametrize("kind", ["full", "addr", "port", "sym", "symseq"])
def test_mappings_end_after_the_time_out_and_not_before(kind: str) -> None:
    lab = Lab([f"{kind}:timeout=1"], servers=2, delay_s=check.DELAY_S)
    with lab, probing(lab.hosts[0], lab.servers) as probe:
        assert probe.survives(silence_s=0.3)
        assert not probe.survives(silence_s=2.1)


def test_two_homes_of_one_carrier_and_two_hosts_of_one_home_share_its_address() -> None:
    with Lab(["port:hosts=2", "port+port:hosts=2"], servers=2, delay_s=check.DELAY_S) as lab:
        seen = {host.full_name: _seen_from(host, lab) for host in lab.hosts}
    assert len(seen) == 4
    assert len(set(seen.values())) == 2


def _seen_from(host: Host, lab: Lab) -> str:
    server = lab.servers[0]
    with server.socket(server.address, 5000) as listening, host.socket(host.address) as sock:
        listening.settimeout(5)
        sock.sendto(b"hello", (server.address, 5000))
        return str(listening.recvfrom(99)[1][0])
