"""A home network in network namespaces: a host behind a real router (miniupnpd on nftables), and hosts outside.

    host 192.168.77.2 --- 192.168.77.1 router 20.0.0.1 --- 20.0.<n>.1 outside

The router gives each connection a port of its own choice (a hard NAT), so that nobody gets in but by a mapping.
Namespaces are named by the process that made them; those of processes that died are taken away at the next start.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

PREFIX = "mesh99-router"
HOST, ROUTER, OUTSIDE = "192.168.77.2", "192.168.77.1", "20.0.0.1"
DEADLINE_S = 20.0

RULES = """
table inet filter {{
  chain input {{ type filter hook input priority 0; {input} }}
  chain forward {{
    type filter hook forward priority 0; policy drop;
    {forward}
    ct state established,related accept
    iifname lan accept
    jump miniupnpd
  }}
  chain miniupnpd {{}}
  chain prerouting {{ type nat hook prerouting priority -100; jump prerouting_miniupnpd; }}
  chain postrouting {{
    type nat hook postrouting priority 100;
    jump postrouting_miniupnpd
    oifname wan masquerade random
  }}
  chain prerouting_miniupnpd {{}}
  chain postrouting_miniupnpd {{}}
}}
"""

CONFIGURATION = """
ext_ifname=wan
listening_ip=lan
enable_natpmp={natpmp}
enable_upnp={upnp}
force_igd_desc_v1={igd_v1}
{more}
secure_mode=yes
min_lifetime=2
uuid=00000000-0000-0000-0000-000000000001
allow 1024-65535 192.168.77.0/24 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
"""


def missing() -> str:
    """Return why the lab cannot be built here, or nothing."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    absent = [name for name in ("ip", "nft", "miniupnpd") if shutil.which(name) is None]
    if absent:
        return f"{', '.join(absent)}: not installed (tests/install_debian.sh)"
    tried = subprocess.run(
        ["ip", "netns", "add", f"{PREFIX}-{os.getpid()}-try"], capture_output=True, text=True
    )
    if tried.returncode:
        return f"no network namespaces here: {tried.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", f"{PREFIX}-{os.getpid()}-try"], check=True)
    return ""


class RouterLab:
    """Build the network; `run` starts programs in it. Leave it by `close`, whatever happened."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._stack = ExitStack()
        self._router: subprocess.Popen[bytes] | None = None
        self._outsiders = 0
        _sweep()
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop the router and take every namespace away."""
        self._stack.close()

    def command(self, name: str, *arguments: str) -> list[str]:
        """Return a command that runs in a namespace."""
        return ["ip", "netns", "exec", self._namespace(name), *arguments]

    def outsider(self, name: str) -> str:
        """Add a host outside and return its address."""
        self._outsiders += 1
        address = f"20.0.{self._outsiders}.1"
        self._add(name)
        self._link("net", f"port{self._outsiders}", name, "eth0")
        _ip("-n", self._namespace("net"), "link", "set", f"port{self._outsiders}", "master", "bridge")
        self._address(name, "eth0", f"{address}/16")
        return address

    def serve(
        self,
        *,
        pcp: bool = True,
        natpmp: bool = True,
        upnp: bool = True,
        igd_v1: bool = False,
        more: str = "",
    ) -> None:
        """Start the router's daemon, speaking some of its protocols only."""
        if not pcp:
            # Version 2 in the first byte of the payload; the daemon has no switch of its own for it.
            self.rule("input", "udp", "dport", "5351", "@th,64,8", "2", "drop")
        words = {True: "yes", False: "no"}
        configuration = self.directory / "miniupnpd.conf"
        configuration.write_text(
            CONFIGURATION.format(natpmp=words[natpmp], upnp=words[upnp], igd_v1=words[igd_v1], more=more)
        )
        pid_file = self.directory / "miniupnpd.pid"
        log = self._stack.enter_context((self.directory / "miniupnpd.log").open("wb"))
        program = ("miniupnpd", "-d", "-f", str(configuration), "-P", str(pid_file))
        self._router = subprocess.Popen(self.command("router", *program), stdout=log, stderr=log)
        self._stack.callback(self._stop_router)
        self.until(
            lambda: b"HTTP listening" in self.log() or b"Listening for NAT-PMP" in self.log(), "router"
        )

    def rule(self, chain: str, *rule: str) -> None:
        """Put a rule first in a chain of the router."""
        _run(*self.command("router", "nft", "insert", "rule", "inet", "filter", chain, *rule))

    def mapped(self) -> list[tuple[str, int, str]]:
        """Return what the router lets in: transport, outer port, inner endpoint."""
        text = _run(
            *self.command("router", "nft", "-n", "list", "chain", "inet", "filter", "prerouting_miniupnpd")
        )
        found = re.findall(r"@nh,72,8 (0x\w+) th dport (\d+) dnat ip to ([\d.:]+)", text)
        return sorted(({17: "udp", 6: "tcp"}[int(number, 16)], int(port), to) for number, port, to in found)

    def log(self) -> bytes:
        """Return what the router's daemon said."""
        return (self.directory / "miniupnpd.log").read_bytes()

    def until(self, condition: object, what: str) -> None:
        """Wait until a condition holds; fails after a while, with the router's log."""
        assert callable(condition)
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail(f"{what}: not within {DEADLINE_S:g} s; {self.log()[-2000:].decode()}")
            time.sleep(0.1)

    def _build(self) -> None:
        for name in ("router", "host", "net"):
            self._add(name)
        _ip("-n", self._namespace("net"), "link", "add", "bridge", "type", "bridge")
        _ip("-n", self._namespace("net"), "link", "set", "bridge", "up")
        self._link("router", "lan", "host", "eth0")
        self._link("net", "port0", "router", "wan")
        _ip("-n", self._namespace("net"), "link", "set", "port0", "master", "bridge")
        self._address("router", "lan", f"{ROUTER}/24")
        self._address("router", "wan", f"{OUTSIDE}/16")
        self._address("host", "eth0", f"{HOST}/24")
        _ip("-n", self._namespace("host"), "route", "add", "default", "via", ROUTER)
        _run(*self.command("router", "sysctl", "-qw", "net.ipv4.ip_forward=1"))
        _run(*self.command("router", "nft", "-f", "-"), text=RULES.format(input="", forward=""))

    def _add(self, name: str) -> None:
        namespace = self._namespace(name)
        _ip("netns", "add", namespace)
        self._stack.callback(_delete, namespace)
        _ip("-n", namespace, "link", "set", "lo", "up")

    def _link(self, one: str, one_end: str, other: str, other_end: str) -> None:
        here, there = self._namespace(one), self._namespace(other)
        _ip("-n", here, "link", "add", one_end, "type", "veth", "peer", "name", other_end, "netns", there)
        _ip("-n", here, "link", "set", one_end, "up")
        _ip("-n", there, "link", "set", other_end, "up")

    def _address(self, name: str, interface: str, address: str) -> None:
        _ip("-n", self._namespace(name), "address", "add", address, "dev", interface)

    def _namespace(self, name: str) -> str:
        return f"{PREFIX}-{os.getpid()}-{name}"

    def _stop_router(self) -> None:
        if self._router is not None:
            self._router.terminate()
            try:
                self._router.wait(5)
            except subprocess.TimeoutExpired:
                self._router.kill()
                self._router.wait()


def _sweep() -> None:
    """Take away what was left by processes that are no more."""
    for line in _ip("netns", "list").splitlines():
        found = re.match(rf"{PREFIX}-(\d+)-", line)
        if found and not Path(f"/proc/{found[1]}").exists():
            _delete(line.split()[0])


def _delete(namespace: str) -> None:
    """Take a namespace away, and first what still runs in it: it would keep it alive without a name."""
    within = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True)
    for pid in within.stdout.split():
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    subprocess.run(["ip", "netns", "del", namespace], capture_output=True)


def _ip(*arguments: str) -> str:
    return _run("ip", *arguments)


def _run(*command: str, text: str | None = None) -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout
