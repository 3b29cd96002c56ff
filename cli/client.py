"""Ask the node that runs in a home, over its control socket.

Nothing of the node is loaded for a question, and plain `http.client` is enough to ask it: aiohttp would take
longer to load than all else that such a command does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .exit_codes import ExitCode
from .failure import Failure

if TYPE_CHECKING:
    from http.client import HTTPResponse

TIMEOUT_S = 30.0
REPLY_BYTES_MAX = 128 * 1024 * 1024  # a message of the largest size, as JSON


class Client:
    """Calls to the node of one home."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def call(self, command: str, *, wait_s: float = TIMEOUT_S, **arguments: Any) -> Any:
        """Run one command in the node and return its result; raises Failure.

        `wait_s` is how long a silent node is waited for: over any time-out that is in the arguments.
        """
        with self._answer(command, arguments, wait_s, wait_s) as answer:
            return result_of(json.loads(answer.read(REPLY_BYTES_MAX)))

    def watch(self, command: str, **arguments: Any) -> Iterator[Any]:
        """Run one command that has ever more results; raises Failure, also when the node stops."""
        with self._answer(command, arguments, TIMEOUT_S, None) as answer:
            while line := answer.readline(REPLY_BYTES_MAX):
                yield result_of(json.loads(line))
        raise Failure(f"the node in {self.home} has stopped", None, ExitCode.NO_NODE)

    @contextmanager
    def _answer(
        self, command: str, arguments: dict[str, Any], wait_s: float, pause_s: float | None
    ) -> Iterator[HTTPResponse]:
        """Ask and yield the answer, of which each part may take `pause_s`; raises Failure."""
        from http.client import HTTPException

        from .control_connection import ControlConnection

        connection = ControlConnection(self.home, wait_s)
        try:
            connection.request("POST", f"/call/{command}", json.dumps(arguments), {"Connection": "close"})
            sock = connection.sock
            with connection.getresponse() as answer:
                sock.settimeout(pause_s)
                yield answer
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError) as error:
            raise no_node(self.home) from error
        except TimeoutError as error:
            text = f"the node in {self.home} does not answer"
            raise Failure(text, "it may be overloaded or stopped: look at its output") from error
        except (OSError, HTTPException, ValueError) as error:
            text = f"the node in {self.home} broke off: {error or type(error).__name__}"
            raise Failure(text, "is it still running? mesh99 doctor looks into it") from error
        finally:
            connection.close()


def result_of(reply: Any) -> Any:
    """Return the result in a reply; Failure when it holds an error, ValueError when it is no reply."""
    if not isinstance(reply, dict):
        raise ValueError("its answer is no reply")
    if "result" in reply:
        return reply["result"]
    hint = reply.get("hint")
    exit_code = reply.get("exit_code")
    raise Failure(
        str(reply.get("error", "no reason given")),
        str(hint) if hint else None,
        exit_code if isinstance(exit_code, int) else ExitCode.INTERNAL,
    )


def no_node(home: Path) -> Failure:
    """Return the failure for a home in which nothing runs."""
    where = "" if home == Path.home() / ".mesh99" else f"--home {home} "
    return Failure(f"no node is running in {home}", f"start one: mesh99 {where}up", ExitCode.NO_NODE)
