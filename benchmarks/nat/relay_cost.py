"""`python -m benchmarks.nat.relay_cost`: CPU per packet that a TURN server forwards, ours beside coturn, on loopback.

One client sends ChannelData to a peer, which sends it back: each turn is two forwarded packets. The CPU is that of the
server's process, user and system time, over all packets that came out; the client waits for each burst.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from types import TracebackType

import click
import psutil

from mesh99.nat.turn.client import TurnClient
from mesh99.nat.turn.client_credentials import ClientCredentials
from mesh99.wire.endpoint import Endpoint

from ..tables import new_table, number, show

HOST = "127.0.0.1"
GOAL_US = 25
"""What is wanted of us, microseconds per forwarded packet."""

BURST = 16
"""Packets in flight: few enough that no buffer overflows."""

START_S, ANSWER_S = 10.0, 1.0
USER, PASSWORD = "bench", "mark"


class Client:
    """One client with one channel to one peer, in this process."""

    def __init__(self, port: int, indications: bool) -> None:
        self._indications = indications
        self._server = Endpoint("udp", HOST, port)
        self._socket, self._peer = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for each in (self._socket, self._peer):
            each.bind((HOST, 0))
            each.settimeout(0.05)
        self._peer_at = Endpoint("udp", HOST, self._peer.getsockname()[1])
        self.received = 0
        credentials = ClientCredentials(USER, PASSWORD)
        self._turn = TurnClient(self._server, credentials, Random(), self._count)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._socket.close()
        self._peer.close()

    def _count(self, payload: bytes, peer: Endpoint, now: float) -> None:
        self.received += 1

    def open(self) -> None:
        """Allocate and let the peer in, as soon as the server is up."""
        told: list[bool] = []
        deadline = time.monotonic() + START_S
        while True not in told and time.monotonic() < deadline:
            self._turn.allocate(time.monotonic(), lambda stands, now: told.append(stands))
            self._settle(len(told) + 1, told)
        told.clear()
        admit = self._turn.permit if self._indications else self._turn.bind
        admit(self._peer_at, time.monotonic(), lambda stands, now: told.append(stands))
        self._settle(1, told)
        if told != [True]:
            raise click.ClickException(f"no way through port {self._server.port}: {self._turn.error}")

    def _settle(self, count: int, told: list[bool]) -> None:
        while len(told) < count:
            self._turn.handle_timeout(time.monotonic())
            for packet in self._turn.take_packets():
                self._socket.sendto(packet, (HOST, self._server.port))
            self._receive(self._socket)

    def _receive(self, from_socket: socket.socket) -> None:
        try:
            data, (host, port) = from_socket.recvfrom(2048)
        except (TimeoutError, ConnectionError):
            return
        self._turn.receive(data, Endpoint("udp", host, port), time.monotonic())

    def echo(self, packets: int, payload: bytes) -> int:
        """Send bursts there and back; return how many packets the server forwarded."""
        message, before, forwarded = self._turn.send(payload, self._peer_at), self.received, 0
        for _ in range(packets // BURST):
            for _ in range(BURST):
                self._socket.sendto(message, (HOST, self._server.port))
            forwarded += self._answer_as_peer()
            until = time.monotonic() + ANSWER_S
            while self.received - before < BURST and time.monotonic() < until:
                self._receive(self._socket)
            forwarded += self.received - before
            before = self.received
        return forwarded

    def _answer_as_peer(self) -> int:
        for count in range(BURST):
            try:
                data, source = self._peer.recvfrom(2048)
            except TimeoutError:
                return count
            self._peer.sendto(data, source)
        return BURST


@contextmanager
def mesh99() -> Iterator[tuple[int, int]]:
    """Run our server; yield process id and port."""
    command = [sys.executable, "-P", "-m", "mesh99.cli.main", "relay", "serve", "--json", "--rate", "0"]
    command += ["--listen", f"{HOST}:0", "--user", f"{USER}:{PASSWORD}", "--allow", f"{HOST}/32"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        try:
            yield process.pid, Endpoint.parse(ready["listen"][0]).port
        finally:
            process.terminate()


@contextmanager
def coturn() -> Iterator[tuple[int, int]]:
    """Run coturn with one thread for clients; yield process id and port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as home:
        command = ["turnserver", "-n", "--log-file", "stdout", "-L", HOST, "-p", str(port), "-m", "1"]
        command += ["--allow-loopback-peers", "--no-tls", "--no-dtls", "--no-cli", "-a", "-r", "bench"]
        command += ["-u", f"{USER}:{PASSWORD}", "--pidfile", f"{home}/pid", "--userdb", f"{home}/db"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, **quiet) as process:  # type: ignore[call-overload]
            try:
                yield process.pid, port
            finally:
                process.terminate()


def measure(
    process_id: int, port: int, packets: int, size_bytes: int, indications: bool
) -> tuple[float, float, int]:
    """Return microseconds of CPU per forwarded packet, forwarded packets per second, and how many were lost."""
    process = psutil.Process(process_id)
    with Client(port, indications) as client:
        client.open()
        client.echo(BURST * 20, bytes(size_bytes))
        before, began = process.cpu_times(), time.perf_counter()
        forwarded = client.echo(packets, bytes(size_bytes))
        after, took_s = process.cpu_times(), time.perf_counter() - began
    cpu_s = after.user + after.system - before.user - before.system
    return cpu_s / forwarded * 1e6, forwarded / took_s, 2 * (packets // BURST * BURST) - forwarded


SYSTEMS = {"mesh99": mesh99, "coturn": coturn}


@click.command(help=__doc__)
@click.option(
    "--packets", type=click.IntRange(BURST), default=20_000, show_default=True, help="Sent, and sent back."
)
@click.option(
    "--size", "size_bytes", type=click.IntRange(1, 1400), default=1000, show_default=True, help="Payload."
)
@click.option(
    "--rounds", type=click.IntRange(1), default=3, show_default=True, help="Taken in turn; the median counts."
)
@click.option("--indications", is_flag=True, help="Send in indications, without a channel.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def main(packets: int, size_bytes: int, indications: bool, rounds: int, as_json: bool) -> None:
    present = {name: run for name, run in SYSTEMS.items() if name == "mesh99" or shutil.which("turnserver")}
    figures: dict[str, list[tuple[float, float, int]]] = {name: [] for name in present}
    for _ in range(rounds):
        for name, run in present.items():
            with run() as (process_id, port):
                figures[name].append(measure(process_id, port, packets, size_bytes, indications))
    medians = {name: sorted(found)[len(found) // 2] for name, found in figures.items()}
    if as_json:
        keys = ("us_per_packet", "packets_per_s", "lost")
        click.echo(json.dumps({name: dict(zip(keys, found, strict=True)) for name, found in medians.items()}))
        return
    table = new_table(
        f"Forwarding {size_bytes} bytes over UDP", ("system", "CPU us/packet", "packets/s", "lost")
    )
    for name, (cost_us, per_s, lost) in medians.items():
        table.add_row(name, number(cost_us), number(per_s), str(lost))
    show(table, f"wanted of mesh99: at most {GOAL_US} us of CPU per forwarded packet")


if __name__ == "__main__":
    main()
