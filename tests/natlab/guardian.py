"""Clean up after a lab, whatever ends its owner: the end of a pipe tells, even when the owner was killed.

Run as `python guardian.py PREFIX` in a session of its own, standard input being a pipe that the owner holds open.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

NAMESPACES = Path("/run/netns")
OWN_NAMESPACE = Path("/proc/self/ns/net")
ROUNDS = 5  # a process that is being started while we look is seen in the next round


def remove(prefix: str) -> None:
    """Kill all that runs in the namespaces of a prefix, and delete them."""
    names = [path.name for path in NAMESPACES.glob(f"{prefix}-*")]
    for _ in range(ROUNDS):
        if not _kill_inside(names):
            break
        time.sleep(0.02)
    deletions = "\n".join(f"netns delete {name}" for name in names)
    subprocess.run(["ip", "-force", "-batch", "-"], input=deletions, text=True, stderr=subprocess.DEVNULL)


def _kill_inside(names: list[str]) -> int:
    """Kill what is in the namespaces; say how many that were."""
    doomed = {_identity(NAMESPACES / name) for name in names} - {None, _identity(OWN_NAMESPACE)}
    killed = 0
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and _identity(process / "ns" / "net") in doomed:
            # It may have ended by itself by now.
            with suppress(ProcessLookupError):
                os.kill(int(process.name), signal.SIGKILL)
                killed += 1
    return killed


def _identity(namespace: Path) -> tuple[int, int] | None:
    """Tell what is the same for all names of a namespace; None when it is gone, or not ours to look at."""
    try:
        found = namespace.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def remove_stale(prefix: str) -> None:
    """Remove what owners that live no more have left."""
    left = {tuple(path.name.split("-")[:2]) for path in NAMESPACES.glob(f"{prefix}-*")}
    for name, owner in left:
        if not Path("/proc", owner).exists():
            remove(f"{name}-{owner}")


if __name__ == "__main__":
    sys.stdin.buffer.read()
    remove(sys.argv[1])
