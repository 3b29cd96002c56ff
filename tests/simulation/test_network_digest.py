"""Everything that a network can do at once: the same seed gives the same packets in any process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from network_world import NetworkWorld

from mesh99.simulations.scenario.schema import Nat

SUPPORT = Path(__file__).resolve().parents[1] / "support"

NAT: dict[str, Any] = {
    "endpoint_independent": 0.1,
    "address_restricted": 0.1,
    "port_restricted": 0.3,
    "symmetric": 0.2,
    "symmetric_sequential": 0.1,
    "udp_blocked": 0.05,
    "mapping_timeout": 5.0,
    "hairpin": True,
    "carrier_grade": 0.5,
}

IN_A_PROCESS = "import sys; sys.path.insert(0, sys.argv[1]); sys.path.insert(0, sys.argv[2])\n" + (
    "from test_network_digest import digest\nprint(digest(int(sys.argv[3])))"
)


def digest(seed: int) -> str:
    """Let 60 hosts behind all kinds of boxes answer each other over bad lines and through partitions."""
    hosts = NetworkWorld(
        seed,
        {
            "loss": 0.02,
            "burst_loss": 0.02,
            "duplicate": 0.02,
            "reorder": 0.05,
            "uplink": 50_000.0,
            "downlink": 80_000.0,
            "queue": 8_000,
        },
        {"model": "coordinates", "asymmetry": 0.2, "jitter": 0.2},
        nat=Nat(**NAT),
    )
    random = hosts.world.random(0, "test")
    for index in (1, 2):
        hosts.network.place_behind(index, None)
    peers = hosts.peers(60)
    partitions = hosts.network.partitions
    partitions.swizzle_clog(range(20, 30), 20.0)
    hosts.world.call_at(5.0, lambda: partitions.begin("one-way", range(30, 40)))
    names = [peer.open(peers[0]) for peer in peers[1:20]]
    for _ in range(300):
        for peer in random.sample(peers, 10):
            known = [source for _, _, source in peer.received[-3:]] + [peers[0].endpoint, peers[1].endpoint]
            peer.send(random.randbytes(random.randrange(1200)), random.choice(known))
        for peer, name in zip(peers[1:20], names, strict=True):
            if name in peer.opened and name not in peer.closed:
                peer.send(random.randbytes(300), name)
        hosts.run(0.1)
    heard = sum(len(peer.received) for peer in peers)
    return f"{hosts.network.digest()} {hosts.network.events_digest()} {heard} {dict(hosts.network.lost)}"


def _in_a_process(seed: int, hash_seed: str) -> str:
    command = [sys.executable, "-c", IN_A_PROCESS, str(SUPPORT), str(Path(__file__).parent), str(seed)]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_seed_fixes_every_packet_in_any_process() -> None:
    here = digest(5)
    assert here == _in_a_process(5, "1") == _in_a_process(5, "2")
    assert here != digest(6)


def test_everything_happened() -> None:
    lost = digest(5).partition("{")[2]
    for reason in ("loss", "burst", "nat", "partition", "downlink", "uplink"):
        assert f"'{reason}'" in lost
