"""The control server: a running node answers the `mesh99` command over a Unix socket in its home.

Only the owner of the home reaches it, and a home holds one node (control_socket.py). Whatever comes in that
is not a proper call is answered with a 4xx and a JSON body.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
from aiohttp import web

from ..wire.errors import ConfigError, DeadlineExceeded, LookupFailed, MeshError, RemoteError, Unreachable
from .control_commands import COMMANDS, Arguments, Command, Controlled
from .control_protocol import SOCKET_NAME, FailureReply, failure
from .control_socket import listen, lock_home
from .control_streams import STREAMS, Stream, Watched

log = logging.getLogger(__name__)

HTTP_STATUS: tuple[tuple[type[MeshError], int], ...] = (
    (ConfigError, 400),
    (LookupFailed, 404),
    (DeadlineExceeded, 504),
    (Unreachable, 502),
    (RemoteError, 502),
    (MeshError, 409),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlConfig:
    """Limits of the control server."""

    body_bytes_max: int = 16 * 1024 * 1024
    """Largest call; raising it lets one call hold that much memory."""
    connections_max: int = 64
    """Open connections; each may hold one call. More are closed at once."""
    silence_s: float = 10.0
    """How long a connection may stay without a whole call; raising it lets idle ones hold a place longer."""


class Served(Controlled, Watched, Protocol):
    """A node, as far as its control socket is concerned."""


class ControlServer:
    """Serve the calls of one node on the socket in its home."""

    def __init__(self, node: Served, home: Path, config: ControlConfig | None = None) -> None:
        self.node = node
        self.home = home
        self.config = config or ControlConfig()
        self._lock: int | None = None
        self._server: asyncio.Server | None = None
        self._http: _ControlHttp | None = None

    async def start(self) -> None:
        """Take the home and listen; ConfigError when a node runs there or others may enter the home."""
        self._lock = lock_home(self.home)
        try:
            listener = listen(self.home, self._lock)
            self._http = _ControlHttp(self)
            self._server = await asyncio.get_running_loop().create_unix_server(self._http, sock=listener)
        except BaseException:
            self._unlock()
            raise

    async def stop(self) -> None:
        """Stop listening, cancel the calls under way, and free the home; a second call does nothing."""
        if self._server is None or self._http is None:
            return
        self._server.close()
        await self._http.shutdown(timeout=0.1)
        self._server = self._http = None
        (self.home / SOCKET_NAME).unlink(missing_ok=True)
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Run one call; every outcome is a JSON body, or one a line."""
        try:
            name = name_of(request)
            if name in STREAMS:
                arguments = await arguments_of(request, name, STREAMS[name])
                return await stream(request, STREAMS[name].events(self.node, arguments))
            arguments = await arguments_of(request, name, COMMANDS[name])
            return reply({"result": await COMMANDS[name].run(self.node, arguments)}, 200)
        except MeshError as error:
            status = next(status for kind, status in HTTP_STATUS if isinstance(error, kind))
            return reply(failure(error), status)
        except web.HTTPException as error:
            return refusal(error.status, error.reason)
        except web.RequestPayloadError as error:
            return refusal(400, str(error))
        except Exception as error:
            log.error("control call %s failed", request.path, exc_info=error)
            return reply(failure(error), 500)


class _ControlHttp(web.Server):
    """aiohttp's low-level server: no routes, no sessions, just calls."""

    def __init__(self, control: ControlServer) -> None:
        super().__init__(control.answer, request_factory=self._request, handler_cancellation=True)
        self.config = control.config

    def _request(self, message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
        loop, size_max = asyncio.get_running_loop(), self.config.body_bytes_max
        return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=size_max)

    def __call__(self) -> web.RequestHandler:
        return _Connection(self)


class _Connection(web.RequestHandler):
    """One connection, one call: bounded in number and in silence, and no answer is anything but JSON."""

    def __init__(self, http: _ControlHttp) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(
            http,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]
            auto_decompress=False,
            lingering_time=0,
        )
        self._http = http
        self._silence: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        config = self._http.config
        if len(self._http.connections) > config.connections_max:
            self.force_close()
            return
        self._silence = asyncio.get_running_loop().call_later(config.silence_s, self.force_close)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.call_begins()
        super().connection_lost(exc)

    def call_begins(self) -> None:
        """Stop counting the silence."""
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer bytes that are no HTTP."""
        return refusal(status, message or "bad request")


def refusal(status: int, reason: str) -> web.Response:
    """Answer a call that is none: wrong path, method, size or bytes."""
    first_line = reason.strip().partition("\n")[0]
    text = f"not a control call: {first_line}"
    return reply(
        FailureReply(error=text, hint="POST /call/{command}", kind="ConfigError", exit_code=2), status
    )


def reply(body: object, status: int) -> web.Response:
    """Return a JSON answer, the only one of its connection."""
    response = web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")
    response.force_close()
    return response


def name_of(request: web.BaseRequest) -> str:
    """Return the name of the call; raises HTTPException when there is none of it."""
    path, _, name = request.path.rpartition("/")
    if path != "/call" or name not in COMMANDS | STREAMS:
        raise web.HTTPNotFound(reason="no such command")
    if request.method != "POST":
        raise web.HTTPMethodNotAllowed(request.method, ["POST"])
    return name


async def arguments_of(request: web.BaseRequest, name: str, call: Command | Stream) -> Arguments:
    """Return what the call shall take; raises ConfigError when the body is not that."""
    body = await request.read()
    if isinstance(request.protocol, _Connection):
        request.protocol.call_begins()
    try:
        return msgspec.json.decode(body or b"{}", type=call.arguments)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ConfigError(f"arguments of {name}", str(error)) from None


async def stream(request: web.BaseRequest, events: AsyncGenerator[object, None]) -> web.StreamResponse:
    """Answer with one line of JSON for each event; an error is the last line."""
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    response.force_close()
    await response.prepare(request)
    with suppress(ConnectionError):  # the other side has gone
        async with aclosing(events), aclosing(results(request, events)) as lines:
            async for line in lines:
                await response.write(msgspec.json.encode(line) + b"\n")
    return response


async def results(
    request: web.BaseRequest, events: AsyncGenerator[object, None]
) -> AsyncGenerator[object, None]:
    """Iterate over what each line says."""
    try:
        async for event in events:
            yield {"result": event}
    except MeshError as error:
        yield failure(error)
    except Exception as error:
        log.error("control call %s failed", request.path, exc_info=error)
        yield failure(error)
