"""The registry's way with HTTP: reading requests within bounds, answering in JSON only.

aiohttp's low-level server instead of its Application: eight calls need no router, and every answer, the 404s,
405s and those to malformed requests included, comes out of here as JSON.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
from aiohttp import web

from .refusal import Refusal

_QUERY_FIELDS_MAX = 16  # no call takes more than two
_log = logging.getLogger("mesh99.registry")


class Connection(web.RequestHandler):
    """One HTTP connection; answers what aiohttp cannot parse in JSON too, and without a trace."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a failed request and close; a fault of ours goes to the log, one of the caller's does
        not."""
        if isinstance(exc, ConnectionError) or request.writer.output_size > 0:
            raise ConnectionError("the caller is gone, or has half an answer")
        if status >= 500:
            _log.error("%s %s failed", request.method, request.path, exc_info=exc)
        response = json_response({"error": "malformed HTTP" if status < 500 else "internal error"}, status)
        response.force_close()
        return response


class Busy(asyncio.Protocol):
    """A connection over the limit: closed at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Drop it; a reset costs less than an answer."""
        transport.abort()  # type: ignore[attr-defined]


def json_response(value: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Answer with compact JSON, as Agent99 does."""
    return raw_response(msgspec.json.encode(value), status, headers)


def raw_response(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Answer with bytes that are JSON already."""
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")


def path_of(request: web.BaseRequest) -> tuple[str, ...]:
    """Split the path into decoded segments: `/withdraw/x` is ("withdraw", "x"), `/` is ("",)."""
    return tuple(_text(unquote(segment)) for segment in request.rel_url.raw_path.split("/")[1:])


def query_of(request: web.BaseRequest) -> dict[str, str]:
    """Decode the query string; a repeated field keeps its last value, as in Sinatra."""
    try:
        pairs = parse_qsl(
            request.rel_url.raw_query_string, keep_blank_values=True, max_num_fields=_QUERY_FIELDS_MAX
        )
    except ValueError:
        raise Refusal(400, f"the query has more than {_QUERY_FIELDS_MAX} fields") from None
    return {_text(name): _text(value) for name, value in pairs}


async def read_body(request: web.BaseRequest, size_bytes_max: int, timeout_s: float) -> bytes:
    """Read the whole body; raise Refusal when it is too large, slow, compressed or broken."""
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise Refusal(415, "the body must not be compressed")
    too_large = Refusal(413, f"the body has more than {size_bytes_max} bytes")
    if (request.content_length or 0) > size_bytes_max:
        raise too_large
    await _invite(request)
    body = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            while part := await request.content.readany():
                body += part
                if len(body) > size_bytes_max:
                    raise too_large
    except TimeoutError:
        raise Refusal(408, f"the body did not arrive within {timeout_s:g} s") from None
    except web.RequestPayloadError:
        raise Refusal(400, "the body is broken off") from None
    return bytes(body)


async def _invite(request: web.BaseRequest) -> None:
    """Send `100 Continue` to a client that waits for it (curl does, for a second)."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        writer: Any = request.writer
        await writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        writer.output_size = 0  # counts the answer proper, which has not begun


def _text(raw: str) -> str:
    """Replace what came as raw bytes outside UTF-8, which no answer or database row could hold."""
    return raw.encode("utf-8", "replace").decode()
