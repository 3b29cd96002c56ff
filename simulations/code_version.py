"""Which code makes a run: the same seed promises the same bytes only within one version of it and of the libraries."""

from __future__ import annotations

import platform
from functools import cache
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]

FOLDERS = ("wire", "dht", "nat", "node", "simulations")
"""What can change a run. The command line is left out, and scenario files: a result holds its own definition."""

LIBRARIES = ("cryptography", "PyNaCl", "msgspec", "msgpack", "numpy", "kademlia")
"""What takes part in making packets, drawing numbers or running nodes."""


@cache
def code_version() -> str:
    """Return the hash of the sources and the versions of Python and the libraries."""
    libraries = [f"{name.lower()} {_version(name)}" for name in LIBRARIES]
    return ", ".join([f"sources {sources_hash(PACKAGE)}", f"python {platform.python_version()}", *libraries])


def sources_hash(package: Path) -> str:
    """Return the hash of the names and contents of a package's source files."""
    digest = blake2b(digest_size=8)
    for folder in FOLDERS:
        for path in sorted((package / folder).rglob("*.py")):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(package).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()


def differences(recorded: str, here: str) -> tuple[str, ...]:
    """Say in words in what two versions differ; empty when they are the same."""
    before, now = _parts(recorded), _parts(here)
    names = [*before, *(name for name in now if name not in before)]
    return tuple(
        f"{name}: recorded with {before.get(name, 'nothing')}, here is {now.get(name, 'nothing')}"
        for name in names
        if before.get(name) != now.get(name)
    )


def _parts(code: str) -> dict[str, str]:
    pairs = (part.partition(" ") for part in code.split(", ") if part)
    return {name: text for name, _, text in pairs}


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "absent"
