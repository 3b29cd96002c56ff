"""What setup.cfg cannot say: with MESH99_COMPILED=1 the core of the package is compiled, by mypyc.

    MESH99_COMPILED=1 pip install .

needs a C compiler and the headers of Python, and takes a minute or two. What is built does the same with a fifth less
CPU per request, and fits one platform and one version of Python. Without it the package is pure Python.
"""

from __future__ import annotations

import os
import sys
import tempfile
from configparser import ConfigParser
from pathlib import Path
from typing import Any

from setuptools import setup

ROOT = Path(__file__).resolve().parent
MYPY = "mypy>=2.4,<2.5"  # as in setup.cfg: what type checks in one may not in another

CORE = ("wire/*.py", "dht/*.py", "node/overlay/*.py", "node/pump.py", "node/datagram_socket.py")
"""What works for each datagram."""

STRUCTS = "mypyc drops what stands in brackets beside the base class Struct"
EXTENDED = "interpreted classes are derived from its classes"
INTERPRETED = {
    "dht/entry.py": STRUCTS,
    "dht/forms.py": STRUCTS,
    "dht/peer_timing.py": STRUCTS,
    "dht/statistics.py": "reads its own __slots__",
    "wire/crypto.py": EXTENDED,
    "wire/errors.py": EXTENDED,
    "wire/established.py": STRUCTS,
    "wire/handshake_payload.py": STRUCTS,
    "wire/identity.py": "its classes are derived from bytes",
    "wire/noise.py": "copies its state by its __dict__",
}
"""Modules of the core that mypyc cannot take, and why."""


def compiled() -> list[str]:
    """Return the modules to compile, in order."""
    names = {str(path.relative_to(ROOT)) for pattern in CORE for path in ROOT.glob(pattern)}
    return sorted(name for name in names - set(INTERPRETED) if not name.endswith("__init__.py"))


def extensions() -> Any:
    """Translate them to C, as one library: calls between them are then calls in C."""
    from mypyc.build import mypycify

    # mypyc takes the name of a module from the folders that it lies in.
    package = Path(tempfile.mkdtemp()) / "mesh99"
    package.symlink_to(ROOT)
    files = [str(package / name) for name in compiled()]
    # Most of the work is done behind Python's API: what -O3 makes is no quicker. One large file takes twice as long.
    return mypycify(
        ["--config-file=", *files], group_name="mesh99", multi_file=True, opt_level="1", debug_level="0"
    )


def requirements() -> list[str]:
    """Return what the build needs besides setuptools: mypyc, and the types of all that the core imports."""
    description = ConfigParser()
    description.read(ROOT / "setup.cfg")
    return [MYPY, *description["options"]["install_requires"].split()]


if __name__ == "__main__":
    # Named, it is no module of the package, although it lies where the package begins.
    parts: dict[str, Any] = {"script_name": Path(__file__).name}
    if os.environ.get("MESH99_COMPILED") == "1":
        parts["setup_requires"] = requirements()
        if "editable_wheel" in sys.argv:
            sys.exit("error: a compiled core is a copy of the sources\nhint: pip install ., without -e")
        if "bdist_wheel" in sys.argv:
            parts["ext_modules"] = extensions()
    setup(**parts)
