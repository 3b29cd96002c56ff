"""The place of a node's control socket: its home, held by one node at a time.

The directory is 0700, the socket 0600. A node holds a lock on the directory for as long as it runs (the system
drops it when the process dies, however it dies), so a socket that is left over is told from a live one
without a race.
"""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import stat
from pathlib import Path

from ..wire.errors import ConfigError
from .control_protocol import SOCKET_NAME, SOCKET_PATH_BYTES_MAX

log = logging.getLogger(__name__)


def lock_home(home: Path) -> int:
    """Create `home` if need be and lock it for one node; return the descriptor that holds the lock."""
    directory = open_home(home)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(directory)
        raise already_running(home) from error
    except OSError as error:
        # A file system without locks: the socket alone must tell.
        log.debug("no lock on %s: %s", home, error)
    return directory


def open_home(home: Path) -> int:
    """Open the directory, made if need be; ConfigError when that fails or others may enter it."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        hint = "choose another with --home DIR"
        raise ConfigError("home", f"cannot use {home}: {error.strerror}", hint) from error
    if os.fstat(directory).st_mode & 0o077:
        os.close(directory)
        raise ConfigError("home", f"{home} is open to other users", f"chmod 700 {home}")
    return directory


def listen(home: Path, directory: int) -> socket.socket:
    """Return a socket bound in `home`, mode 0600, in the place of one that a dead node left.

    Where the path is too long for a socket, the open descriptor of the directory makes a short one.
    """
    path = home / SOCKET_NAME
    fits = len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX
    address = str(path) if fits else f"/proc/self/fd/{directory}/{SOCKET_NAME}"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        clear_stale(home, address)
        bind(listener, address, home)
        path.chmod(0o600)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def bind(listener: socket.socket, address: str, home: Path) -> None:
    """Bind the socket; raises ConfigError with the system's reason."""
    try:
        listener.bind(address)
    except OSError as error:
        hint = "choose another home, not too deep and on a local disk"
        raise ConfigError("home", f"cannot listen in {home}: {error.strerror or error}", hint) from error


def clear_stale(home: Path, address: str) -> None:
    """Remove the socket of a dead node; ConfigError when a live one, or no socket, is in its place."""
    path = home / SOCKET_NAME
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ConfigError("home", f"{path} is not a socket", "move it away")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(address)
        except ConnectionRefusedError:
            path.unlink()
        except BlockingIOError as error:  # alive, its backlog is full
            raise already_running(home) from error
        else:
            raise already_running(home) from FileExistsError(path)


def already_running(home: Path) -> ConfigError:
    """Return the error for a home that a live node holds."""
    hint = "stop it first, or give this one its own: mesh99 --home DIR up"
    return ConfigError("home", f"a node is already running there ({home})", hint)
