"""Api: the registry's calls, from request to answer.

  Agent99's calls                                   ours
  GET    /                  all packets           POST /heartbeat/:uuid     another life: 204, or 404
  GET    /healthcheck       {"agent_count": n}    GET  /p2p/nodes?limit=n   signed nodes to start from
  GET    /discover?capability=x                   GET  /p2p/nodes/:id       one, by node id or uuid
  POST   /register          201 {"uuid": u}
  DELETE /withdraw/:uuid    204, or 404

Everything bad is answered 4xx with {"error": text} and, where one part is at fault, "field".
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from functools import partial
from typing import TypeVar

from aiohttp import web

from .config import RegistryConfig
from .http import json_response, path_of, query_of, raw_response, read_body
from .rate import RateLimiter
from .refusal import Refusal
from .service import Registry

_NODES_LIMIT_DEFAULT = 20  # k of the DHT: what one lookup can use

_log = logging.getLogger("mesh99.registry")
_T = TypeVar("_T")
_Handler = Callable[..., Awaitable[web.StreamResponse]]
_Pages = Callable[[int, float], list[tuple[int, str]]]


class Api:
    """Answer requests out of a registry that lives on `thread`, the only one that touches it."""

    def __init__(
        self, registry: Registry, config: RegistryConfig, thread: Executor, clock: Callable[[], float]
    ) -> None:
        self._registry = registry
        self._config = config
        self._thread = thread
        self._clock = clock
        self._rate = RateLimiter(config)
        self._routes: list[tuple[str, str, _Handler]] = [
            ("GET", "/", self._list),
            ("GET", "/healthcheck", self._healthcheck),
            ("GET", "/discover", self._discover),
            ("POST", "/register", self._register),
            ("DELETE", "/withdraw/:uuid", self._withdraw),
            ("POST", "/heartbeat/:uuid", self._heartbeat),
            ("GET", "/p2p/nodes", self._nodes),
            ("GET", "/p2p/nodes/:id", self._node),
        ]

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, all of it within the time limit."""
        try:
            async with asyncio.timeout(self._config.answer_timeout_s):
                response = await self._checked(request)
                await response.prepare(request)
                await response.write_eof()
                return response
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError("the caller read too slowly") from None

    async def _checked(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            if not self._rate.allow(request.remote or "", self._clock()):
                raise Refusal(429, "too many requests from this address: slow down")
            return await self._dispatch(request)
        except Refusal as refusal:
            headers = {"Retry-After": "1"} if refusal.status == 429 else None
            return json_response(refusal.body(), refusal.status, headers)
        except sqlite3.Error as error:
            _log.error("the store failed: %s", error)
            if request.writer.output_size > 0:
                raise ConnectionResetError("half an answer is out") from None
            return json_response({"error": "the registry cannot use its store"}, 503, {"Retry-After": "5"})

    async def _dispatch(self, request: web.BaseRequest) -> web.StreamResponse:
        path = path_of(request)
        handlers = {
            method: (handler, arguments)
            for method, pattern, handler in self._routes
            if (arguments := _match(pattern, path)) is not None
        }
        if not handlers:
            raise Refusal(404, "there is no such call")
        method = "GET" if request.method == "HEAD" else request.method
        if method not in handlers:
            allowed = ", ".join(handlers)
            return json_response({"error": f"the method must be {allowed}"}, 405, {"Allow": allowed})
        handler, arguments = handlers[method]
        return await handler(request, *arguments)

    async def _healthcheck(self, request: web.BaseRequest) -> web.StreamResponse:
        return json_response({"agent_count": await self._run(self._registry.agent_count, self._clock())})

    async def _register(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await read_body(request, self._config.body_bytes_max, self._config.body_timeout_s)
        agent = await self._run(self._registry.register, body, self._clock())
        _log.info("%s registered %s", request.remote, agent)
        return json_response({"uuid": agent}, 201)

    async def _withdraw(self, request: web.BaseRequest, agent: str) -> web.StreamResponse:
        await self._run(self._registry.withdraw, agent)
        _log.info("%s withdrew %s", request.remote, agent)
        return web.Response(status=204)

    async def _heartbeat(self, request: web.BaseRequest, agent: str) -> web.StreamResponse:
        await self._run(self._registry.heartbeat, agent, self._clock())
        return web.Response(status=204)

    async def _list(self, request: web.BaseRequest) -> web.StreamResponse:
        return await self._paged(request, self._registry.agents)

    async def _discover(self, request: web.BaseRequest) -> web.StreamResponse:
        capability = query_of(request).get("capability")
        if capability is None:
            raise Refusal(400, "is missing: /discover?capability=...", "capability")
        return await self._paged(request, partial(self._registry.discover, capability))

    async def _nodes(self, request: web.BaseRequest) -> web.StreamResponse:
        limit = _whole_number(query_of(request).get("limit", str(_NODES_LIMIT_DEFAULT)), "limit")
        rows = await self._run(self._registry.nodes, limit, self._clock())
        return raw_response(b"[" + b",".join(rows) + b"]")

    async def _node(self, request: web.BaseRequest, name: str) -> web.StreamResponse:
        return raw_response(await self._run(self._registry.node, name, self._clock()))

    async def _paged(self, request: web.BaseRequest, pages: _Pages) -> web.StreamResponse:
        """Answer an array page by page, so that a long one needs no more memory than a page."""
        page = await self._run(pages, 0, self._clock())
        if len(page) < self._config.page_rows:
            return raw_response(f"[{_joined(page)}]".encode())
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        await response.write(f"[{_joined(page)}".encode())
        while page := await self._run(pages, page[-1][0], self._clock()):
            await response.write(f",{_joined(page)}".encode())
        await response.write(b"]")
        return response

    async def _run(self, call: Callable[..., _T], *arguments: object) -> _T:
        """Call into the registry on its thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(call, *arguments))


def _match(pattern: str, path: tuple[str, ...]) -> list[str] | None:
    """Give the path's values for the pattern's `:names`, or None when it is another path."""
    parts = pattern.split("/")[1:]
    if len(parts) != len(path):
        return None
    arguments = []
    for part, segment in zip(parts, path, strict=True):
        if part.startswith(":") and segment:
            arguments.append(segment)
        elif part != segment:
            return None
    return arguments


def _joined(page: list[tuple[int, str]]) -> str:
    return ",".join(packet for _, packet in page)


def _whole_number(text: str, field: str) -> int:
    # int() would take "1_000", digits of other scripts, and thousands of digits.
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Refusal(400, "must be a whole number", field)
    return int(text)
