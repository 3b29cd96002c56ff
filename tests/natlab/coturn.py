"""coturn in a lab: a STUN and TURN server, and its own opinion about a NAT."""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from .site import Host

PORT = 3478
USER, PASSWORD = "lab", "secret"
START_S = 10.0
RETRY_S = 0.02
DISCOVERY_S = 30.0
# RFC 8489, section 5: a Binding request without attributes.
BINDING_REQUEST = bytes.fromhex("000100002112a442") + bytes(12)
TERMS = {
    "Endpoint Independent Mapping": "EIM",
    "Address Dependent Mapping": "ADM",
    "Address and Port Dependent Mapping": "APDM",
    "Endpoint Independent Filtering": "EIF",
    "Address Dependent Filtering": "ADF",
    "Address and Port Dependent Filtering": "APDF",
}


class Opinion(NamedTuple):
    """What `turnutils_natdiscovery` says, in the terms of RFC 4787."""

    mapping: str
    filtering: str


@contextmanager
def serving(server: Host) -> Iterator[None]:
    """Run a TURN server that answers RFC 5780 tests from both addresses of a host, until the block ends."""
    first = server.address
    second = f"{first.rpartition('.')[0]}.2"
    with tempfile.TemporaryDirectory(prefix="natlab-") as folder:
        command = f"""
            turnserver -n -L {first} -L {second} -E {first} -p {PORT} --no-cli --no-tls --no-dtls
            --lt-cred-mech --user {USER}:{PASSWORD} --realm lab
            --userdb {folder}/users --pidfile {folder}/pid --log-file stdout
        """
        process = server.spawn(
            command.split(), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _wait_until_it_answers(server)
            yield
        finally:
            process.kill()
            process.wait()


def discover(host: Host, server: Host) -> Opinion:
    """Let coturn's client look at the boxes between a host and a server that serves."""
    done = host.run(["turnutils_natdiscovery", "-m", "-f", server.address], timeout=DISCOVERY_S)
    found = {term for phrase, term in TERMS.items() if re.search(rf"(?:with|NAT) {phrase}", done.stdout)}
    mapping = [term for term in found if term.endswith("M")]
    filtering = [term for term in found if term.endswith("F")]
    if len(mapping) != 1 or len(filtering) != 1:
        raise RuntimeError(f"turnutils_natdiscovery says neither this nor that:\n{done.stdout}")
    return Opinion(mapping[0], filtering[0])


def _wait_until_it_answers(server: Host) -> None:
    deadline = time.monotonic() + START_S
    with server.socket(server.address) as sock:
        sock.settimeout(RETRY_S)
        while time.monotonic() < deadline:
            sock.sendto(BINDING_REQUEST, (server.address, PORT))
            try:
                sock.recv(1500)
                return
            except ConnectionError:
                time.sleep(RETRY_S)
            except TimeoutError:
                continue
    raise RuntimeError("turnserver does not answer")
