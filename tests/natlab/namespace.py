"""A network namespace: made, configured, entered for a moment by this thread, and removed with all that runs in it.

Its name begins with the id of the process that owns it, so that what a dead owner left can be told from what a
living one uses.
"""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PREFIX = "natlab"
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """One namespace, named `natlab-OWNER-LAB-NAME`."""

    def __init__(self, prefix: str, name: str) -> None:
        self.name = name
        self.full_name = f"{prefix}-{name}"

    def make(self) -> None:
        """Make it: IPv4 only, with a loopback interface."""
        batch(commands=[f"netns add {self.full_name}"])
        self.set("ipv6.conf.all.disable_ipv6", 1)
        self.set("ipv6.conf.default.disable_ipv6", 1)
        self.ip("link set lo up")

    def ip(self, *commands: str) -> None:
        """Run commands of `ip` inside, in one go."""
        batch("-n", self.full_name, commands=commands)

    def set(self, key: str, value: int) -> None:
        """Set a network sysctl, such as `ipv4.ip_forward`."""
        with self.entered():
            Path("/proc/sys/net", *key.split(".")).write_text(str(value))

    def spawn(self, command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
        """Start a program inside; the options are those of Popen."""
        with self.entered():
            return subprocess.Popen(command, **options)

    def run(self, command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a program inside to its end, its output as text; CalledProcessError when it fails."""
        with self.entered():
            return subprocess.run(command, **{"check": True, "capture_output": True, "text": True, **options})

    def socket(self, address: str, port: int = 0, kind: int = socket.SOCK_DGRAM) -> socket.socket:
        """Open an IPv4 socket inside, bound to the address and port."""
        with self.entered():
            opened = socket.socket(socket.AF_INET, kind)
            opened.bind((address, port))
            return opened

    def traffic(self, interface: str) -> tuple[int, int]:
        """Count the bytes that an interface has received and sent."""
        with self.entered():
            table = Path("/proc/thread-self/net/dev").read_text()
        fields = next(line.split() for line in table.splitlines() if line.strip().startswith(f"{interface}:"))
        return int(fields[1]), int(fields[9])

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Let this thread, and what it starts, be inside; sockets stay where they were opened."""
        with open("/proc/thread-self/ns/net") as outside, open(f"/run/netns/{self.full_name}") as inside:
            _set_namespace(inside.fileno())
            try:
                yield
            finally:
                _set_namespace(outside.fileno())


def _set_namespace(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "cannot enter the network namespace")


def batch(*options: str, commands: Sequence[str]) -> None:
    """Run commands of `ip` in one process; RuntimeError with its words when one fails."""
    done = subprocess.run(
        ["ip", *options, "-batch", "-"], input="\n".join(commands), text=True, capture_output=True
    )
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(options)}: {done.stderr.strip()}")


def own_prefix(lab: int) -> str:
    """Name what all namespaces of this process's lab of that number begin with."""
    return f"{PREFIX}-{os.getpid()}-{lab}"
