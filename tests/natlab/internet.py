"""The public part of a lab: a namespace where all links end, and the forwarder that carries packets between them."""

from __future__ import annotations

import ctypes
import fcntl
import json
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .namespace import Namespace

DEFAULT_DELAY_S = 0.02
GATEWAY, GATEWAY_MAC = "20.0.0.1", "02:00:00:00:ff:ff"
ETH_P_IP = 0x0800
RECEIVE_BUFFER_BYTES = 8 << 20
ANSWER_S = 10.0
FORWARDER = str(Path(__file__).with_name("forwarder.py"))
# linux/sockios.h and linux/ethtool.h: set transmit checksums, scatter-gather, TSO and GSO.
SIOCETHTOOL = 0x8946
SO_RCVBUFFORCE = 33
OFFLOADS = (0x17, 0x19, 0x1F, 0x24)


class Internet:
    """Links that are numbered in the order of their making, and what happens to packets that cross them."""

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self.costs: list[tuple[float, float]] = []
        self.routes: dict[str, int | None] = {}
        self._sockets: list[socket.socket] = []
        self._control: socket.socket | None = None
        self._forwarder: subprocess.Popen[Any] | None = None

    def attach(self, namespace: Namespace, interface: str, addresses: Sequence[str]) -> int:
        """Give a namespace a link to the internet, and say which number it has."""
        link = len(self.costs)
        mac = self._mac(link)
        self.namespace.ip(
            f"link add link{link} type veth peer name {interface} address {mac} netns {namespace.full_name}",
            f"link set link{link} up",
        )
        # Segments are made and checksums computed before the forwarder sees a packet, as by a network card.
        _switch_offloads_off(self.namespace, f"link{link}")
        _switch_offloads_off(namespace, interface)
        namespace.ip(
            *(f"addr add {address}/32 dev {interface}" for address in addresses),
            f"link set {interface} up",
            f"neigh add {GATEWAY} lladdr {GATEWAY_MAC} dev {interface} nud permanent",
            f"route add {GATEWAY} dev {interface} scope link",
            f"route add default via {GATEWAY} dev {interface}",
        )
        self._sockets.append(self._packet_socket(f"link{link}"))
        self.costs.append((DEFAULT_DELAY_S, 0.0))
        self.route(dict.fromkeys(addresses, link))
        return link

    def start(self) -> None:
        """Start to forward."""
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(ANSWER_S)
        links = [f"{self._mac(n).replace(':', '')}:{sock.fileno()}" for n, sock in enumerate(self._sockets)]
        with theirs:
            self._forwarder = self.namespace.spawn(
                [sys.executable, "-IS", FORWARDER, str(theirs.fileno()), *links],
                # Ctrl-C is for the owner; this ends with the control socket.
                start_new_session=True,
                pass_fds=[theirs.fileno(), *(sock.fileno() for sock in self._sockets)],
            )
        while self._sockets:
            self._sockets.pop().close()
        self.route(self.routes)
        for link, (delay_s, loss) in enumerate(self.costs):
            self.set_cost(link, delay_s, loss)

    def route(self, routes: dict[str, int | None]) -> None:
        """Say behind which link each address is; None takes it out of the internet."""
        self.routes |= routes
        self._command(routes=routes)

    def set_cost(self, link: int, delay_s: float | None = None, loss: float | None = None) -> None:
        """Set what each crossing of a link costs, in either direction; what is None stays as it is."""
        old_delay_s, old_loss = self.costs[link]
        cost = (old_delay_s if delay_s is None else delay_s, old_loss if loss is None else loss)
        self.costs[link] = cost
        self._command(link=link, delay_s=cost[0], loss=cost[1])

    def cut(self, link: int, other: int, is_cut: bool) -> None:
        """Let nothing pass between two links any more, or again; a link and itself mean that link and all others."""
        self._command(cut=[link, other], is_cut=is_cut)

    def close(self) -> None:
        """Stop forwarding."""
        for sock in self._sockets:
            sock.close()
        if self._control is not None:
            self._control.close()
        if self._forwarder is not None:
            self._forwarder.wait()

    def _command(self, **command: Any) -> None:
        if self._control is not None:
            self._control.send(json.dumps(command).encode())
            self._control.recv(16)

    def _packet_socket(self, interface: str) -> socket.socket:
        with self.namespace.entered():
            opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
        opened.bind((interface, ETH_P_IP))
        return opened

    @staticmethod
    def _mac(link: int) -> str:
        return f"02:00:00:00:00:{link:02x}"


def _switch_offloads_off(namespace: Namespace, interface: str) -> None:
    """Do what `ethtool --offload` does, without needing it."""
    with namespace.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for offload in OFFLOADS:
            value = ctypes.create_string_buffer(struct.pack("=II", offload, 0))
            request = struct.pack("@16sP16x", interface.encode(), ctypes.addressof(value))
            fcntl.ioctl(sock, SIOCETHTOOL, request)
