"""What a benchmark knows of a system: its adapter, its version, and whether it is installed here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec

# Debian's own Python modules (OpenDHT's binding has no package elsewhere), and where it keeps daemons.
DEBIAN_PACKAGES = "/usr/lib/python3/dist-packages"
DAEMON_FOLDERS = "/usr/sbin:/usr/local/sbin"


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A system under measurement."""

    name: str
    module: str
    """Adapter module; it is imported only in the process that measures it."""
    variant: str = ""
    """Handed to the adapter, where one adapter serves several rows (udp, tcp)."""
    distributions: tuple[str, ...] = ()
    """Python distributions it needs; the first one names its version."""
    commands: tuple[str, ...] = ()
    """Programs it needs."""
    install: str = ""
    """What to type where a part is missing."""

    def missing(self) -> str | None:
        """Say what is not installed and how to install it, or None."""
        parts = [name for name in self.distributions if distribution_version(name) is None]
        parts += [name for name in self.commands if command_path(name) is None]
        return f"not installed: {', '.join(parts)} ({self.install})" if parts else None

    def version(self) -> str:
        """Name the versions of its parts."""
        parts = [f"{name} {distribution_version(name) or '?'}" for name in self.distributions]
        parts += [f"{name} {command_version(name)}" for name in self.commands]
        return ", ".join(parts) or f"Python {sys.version.split()[0]}"


def core() -> str:
    """Tell whether the core of the mesh99 that is installed here is `compiled` (setup.py) or `interpreted`."""
    found = find_spec("mesh99.dht.lookup")
    is_compiled = found is not None and str(found.origin).endswith(tuple(EXTENSION_SUFFIXES))
    return "compiled" if is_compiled else "interpreted"


def distribution_version(name: str) -> str | None:
    """Find the version of a Python distribution, here or among Debian's own."""
    for found in metadata.distributions(name=name, path=[*sys.path, DEBIAN_PACKAGES]):
        return found.version
    return None


def command_path(name: str) -> str | None:
    """Find a program, daemons included."""
    return shutil.which(name, path=os.environ.get("PATH", os.defpath) + ":" + DAEMON_FOLDERS)


def command_version(name: str) -> str:
    """Ask a program for its version."""
    path = command_path(name)
    if path is None:
        return "?"
    text = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    number = re.search(r"\d+(\.\d+)+", text)
    return number.group() if number else "?"


def choose(systems: tuple[System, ...], names: str | None) -> list[System]:
    """Pick systems by comma-separated names, all for None; raises KeyError with an unknown name."""
    by_name = {system.name: system for system in systems}
    return list(systems) if names is None else [by_name[name.strip()] for name in names.split(",")]
