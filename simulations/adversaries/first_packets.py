"""First packets of handshakes as an attacker makes them: proper ones, as many as it likes, from wherever it says."""

from __future__ import annotations

from ...dht.messages import FindNode, encode_request
from ...wire.endpoint import Endpoint
from ...wire.handshake import HandshakeSettings, Initiation
from ...wire.identity import PublicKey
from ..host import Host
from ..stage import Stage

EARLY = encode_request(1, FindNode(bytes(32)))
"""The request with the longest answer."""


class FirstPackets:
    """Call nodes in the name of one host, outside of its Overlay."""

    def __init__(self, stage: Stage, host: Host) -> None:
        self.host = host
        self._network = stage.network
        self._entropy = stage.random(f"first packets {host.index}").randbytes
        config = host.overlay.config
        self._made = 0
        self._settings = HandshakeSettings(network=config.network, tcp_port=0, aes=config.aes)

    def initiation(self, key: PublicKey, *, once: bool = False) -> tuple[int, Initiation]:
        """Return a new handshake and its connection id; `once`: for an answer and no session."""
        local_id = int.from_bytes(self._entropy(8), "big")
        return local_id, Initiation(
            self.host.identity, key, self._settings, self._entropy, local_id, once=once
        )

    def packet(self, key: PublicKey) -> bytes:
        """Return a first packet with a request in it: every other one asks for no session."""
        self._made += 1
        return self.initiation(key, once=self._made % 2 == 0)[1].packet(early=EARLY)

    def send(self, packet: bytes, source: Endpoint, destination: Endpoint) -> None:
        """Send it, with whatever source address."""
        self._network.send(packet, self.host.index, source, destination)
