"""Run a program until it is told to stop.

Ctrl-C, SIGTERM or the end of standard input (where asked for) ends it in order; a second Ctrl-C at once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(program: Coroutine[Any, Any, None], *, until_eof: bool = False) -> None:
    """Run an endless coroutine, on uvloop when it is installed; it is cancelled when it is time to stop."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(_until_stopped(program, until_eof))
    else:
        uvloop.run(_until_stopped(program, until_eof))


async def _until_stopped(program: Coroutine[Any, Any, None], until_eof: bool) -> None:
    loop = asyncio.get_running_loop()
    task = loop.create_task(program)

    def release() -> None:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
        if until_eof:
            loop.remove_reader(sys.stdin)

    def stop() -> None:
        release()
        task.cancel()

    def read_input() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            stop()

    for number in SIGNALS:
        loop.add_signal_handler(number, stop)
    if until_eof:
        try:
            loop.add_reader(sys.stdin, read_input)
        except PermissionError:  # a file or /dev/null: no pipe that somebody holds, so it has ended already
            stop()
    try:
        with suppress(asyncio.CancelledError):
            await task
    finally:
        release()
