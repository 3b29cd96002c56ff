"""What somebody sees who listens on the wire: a real request between two real processes, captured by tcpdump."""

from __future__ import annotations

import json
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ASKED, ANSWERED, CONTROL = (f"canary-{word}-5f0e9c1ab7d2" for word in ("asked", "answered", "control"))
DEADLINE_S = 30.0

AGENT = f"""
from mesh99.node import Message, Node, NodeConfig
from mesh99.node.overlay.config import OverlayConfig

class Canary(Message):
    text: str

agent = Node(listen="127.0.0.1:0", config=NodeConfig(overlay=OverlayConfig(prefer_tcp={{prefer_tcp}})))

@agent.on(Canary)
def answer(request: Canary) -> Canary:
    assert request.text == "{ASKED}"
    return Canary(text="{ANSWERED}")
"""


class Packet(NamedTuple):
    """One captured packet."""

    transport: str
    source_port: int
    destination_port: int
    payload: bytes


def read_pcap(path: Path) -> list[Packet]:
    """Read the packets that a capture holds so far (libpcap's file format, Ethernet frames, IPv4)."""
    data = path.read_bytes() if path.exists() else b""
    packets: list[Packet] = []
    offset = 24
    while offset + 16 <= len(data):
        (size,) = struct.unpack_from("<I", data, offset + 8)
        frame = data[offset + 16 : offset + 16 + size]
        offset += 16 + size
        if len(frame) == size:
            packets.append(parse(frame[14:]))
    return packets


def parse(packet: bytes) -> Packet:
    """Take an IPv4 packet apart."""
    inner = packet[4 * (packet[0] & 15) :]
    source_port, destination_port = struct.unpack_from(">HH", inner)
    if packet[9] == socket.IPPROTO_TCP:
        return Packet("tcp", source_port, destination_port, inner[4 * (inner[12] >> 4) :])
    return Packet("udp", source_port, destination_port, inner[8:])


@contextmanager
def capture(port: int, path: Path) -> Iterator[None]:
    """Capture all that goes to and from a port of loopback, until the block ends."""
    program = shutil.which("tcpdump")
    if program is None:
        pytest.skip("tcpdump is not installed")
    command = [program, "-i", "lo", "-U", "-Z", "root", "-s", "0", "-w", str(path), f"port {port}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        while said and "listening on" not in said:
            said += process.stderr.readline()
            if process.poll() is not None:
                pytest.skip(f"tcpdump cannot run here: {said.strip()}")
        try:
            yield
        finally:
            process.terminate()
            process.wait(DEADLINE_S)


def seen(path: Path, port: int, text: str) -> bool:
    """Wait until a text was captured on its way to a port."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if any(
            text.encode() in packet.payload for packet in read_pcap(path) if packet.destination_port == port
        ):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_captured_request_holds_nothing_of_what_was_said(
    place: Any, tmp_path: Path, transport: str
) -> None:
    (tmp_path / "canary_agent.py").write_text(AGENT.format(prefer_tcp=transport == "tcp"))
    agent = ("--agent", "canary_agent:agent", "--no-registry")
    server = place.agent("server", *agent, cwd=tmp_path)
    port = int(server.udp.rpartition(":")[2])
    file = tmp_path / "lo.pcap"
    with capture(port, file):
        asker = place.agent("asker", *agent, "--peer", f"127.0.0.1:{port}", cwd=tmp_path)
        body = json.dumps({"text": ASKED})
        answer = asker.ask("request", "--to", server.node_id, "Canary", body)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
            plain.sendto(CONTROL.encode(), ("127.0.0.1", port))
        # Packets are captured in order: once the last one is there, all are.
        assert seen(file, port, CONTROL)
    assert answer["reply"] == {"text": ANSWERED}
    assert answer["path"] == ("tcp" if transport == "tcp" else "direct")
    packets = [packet for packet in read_pcap(file) if packet.transport == transport and packet.payload]
    assert [packet for packet in packets if packet.destination_port == port]
    assert [packet for packet in packets if packet.source_port == port]
    everything = file.read_bytes()
    for text in (ASKED, ANSWERED, "Canary", "server", "asker"):
        assert text.encode() not in everything
