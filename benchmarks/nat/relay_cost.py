"""`python -m benchmarks.nat.relay_cost`: CPU per forwarded packet: our relay, our TURN server and coturn, on loopback.

One client sends bursts to a peer, which sends them back: each turn is two forwarded packets. To a TURN server they are
ChannelData; a mesh99 relay has them inside its own sessions with the two, and opens and seals each. The CPU is that of
the server's process, user and system time, over all packets that were forwarded; the client waits for each burst.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from random import Random
from types import TracebackType
from typing import Any, NamedTuple

import click
import psutil

from mesh99.nat.turn.client import TurnClient
from mesh99.nat.turn.client_credentials import ClientCredentials
from mesh99.wire.endpoint import Endpoint

from ..tables import new_table, number, show
from .own_relay import Ends

HOST = "127.0.0.1"
GOAL_US = 25
"""What is wanted of us, microseconds per forwarded packet."""

START_S, ANSWER_S = 10.0, 1.0
USER, PASSWORD = "bench", "mark"


class Work(NamedTuple):
    """What is sent."""

    packets: int
    size_bytes: int
    burst: int
    """Packets in flight: few enough that no buffer overflows."""
    indications: bool


class Client:
    """One client with one channel to one peer, in this process."""

    def __init__(self, server: Endpoint, indications: bool) -> None:
        self._indications = indications
        self._server = server
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

    def echo(self, packets: int, payload: bytes, burst: int) -> tuple[int, int]:
        """Send bursts there and back; return how many packets the server forwarded, and how many were lost."""
        message, before, forwarded = self._turn.send(payload, self._peer_at), self.received, 0
        for _ in range(packets // burst):
            for _ in range(burst):
                self._socket.sendto(message, (HOST, self._server.port))
            forwarded += self._answer_as_peer(burst)
            until = time.monotonic() + ANSWER_S
            while self.received - before < burst and time.monotonic() < until:
                self._receive(self._socket)
            forwarded += self.received - before
            before = self.received
        return forwarded, 2 * (packets // burst * burst) - forwarded

    def _answer_as_peer(self, burst: int) -> int:
        for count in range(burst):
            try:
                data, source = self._peer.recvfrom(2048)
            except TimeoutError:
                return count
            self._peer.sendto(data, source)
        return burst


@contextmanager
def relay() -> Iterator[tuple[int, int]]:
    """Run a node that relays; yield process id and port."""
    with tempfile.TemporaryDirectory() as home:
        options = ["--relay", "--relay-rate", "10Gbit", "--no-registry", "--no-port-mapping", "--home", home]
        with mesh99("up", "--listen", f"{HOST}:0", *options) as (process_id, ready):
            yield process_id, Endpoint.parse(ready["endpoints"][0]).port


@contextmanager
def turn_server() -> Iterator[tuple[int, int]]:
    """Run our TURN server; yield process id and port."""
    options = ["--rate", "0", "--user", f"{USER}:{PASSWORD}", "--allow", f"{HOST}/32"]
    with mesh99("relay", "serve", "--listen", f"{HOST}:0", *options) as (process_id, ready):
        yield process_id, Endpoint.parse(ready["listen"][0]).port


@contextmanager
def mesh99(*arguments: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Run a command of ours; yield process id and the line that says that it is ready."""
    command = [sys.executable, "-P", "-m", "mesh99.cli.main", *arguments, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.pid, json.loads(process.stdout.readline())
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


class System(NamedTuple):
    """A relay under measurement, and who talks through it."""

    run: Callable[[], AbstractContextManager[tuple[int, int]]]
    talk: Callable[[Endpoint, bool], AbstractContextManager[Ends | Client]]


SYSTEMS = {
    "mesh99 relay": System(relay, lambda server, indications: Ends(server)),
    "mesh99 TURN": System(turn_server, Client),
    "coturn": System(coturn, Client),
}


def measure(system: System, work: Work) -> tuple[float, float, int]:
    """Return microseconds of CPU per forwarded packet, forwarded packets per second, and how many were lost."""
    payload = bytes(work.size_bytes)
    with system.run() as (process_id, port):
        process = psutil.Process(process_id)
        with system.talk(Endpoint("udp", HOST, port), work.indications) as client:
            client.open()
            client.echo(work.burst * 20, payload, work.burst)
            before, began = process.cpu_times(), time.perf_counter()
            forwarded, lost = client.echo(work.packets, payload, work.burst)
            after, took_s = process.cpu_times(), time.perf_counter() - began
    cpu_s = after.user + after.system - before.user - before.system
    return cpu_s / forwarded * 1e6, forwarded / took_s, lost


@click.command(help=__doc__)
@click.option(
    "--packets", type=click.IntRange(1), default=20_000, show_default=True, help="Sent, and sent back."
)
@click.option(
    "--size", "size_bytes", type=click.IntRange(1, 1000), default=1000, show_default=True, help="Payload."
)
@click.option("--burst", type=click.IntRange(1, 64), default=16, show_default=True, help="In flight.")
@click.option(
    "--rounds", type=click.IntRange(1), default=3, show_default=True, help="Taken in turn; the median counts."
)
@click.option("--indications", is_flag=True, help="Send to TURN servers in indications, without a channel.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def main(packets: int, size_bytes: int, burst: int, indications: bool, rounds: int, as_json: bool) -> None:
    work = Work(packets, size_bytes, burst, indications)
    present = {name: each for name, each in SYSTEMS.items() if name != "coturn" or shutil.which("turnserver")}
    figures: dict[str, list[tuple[float, float, int]]] = {name: [] for name in present}
    for _ in range(rounds):
        for name, system in present.items():
            figures[name].append(measure(system, work))
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
