"""HttpClient: one registry's calls over HTTP, each bounded in size and time.

Redirects and compression are refused: a registry that nobody trusts may not send its callers elsewhere, and a few KiB
may unpack to gigabytes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Protocol

import aiohttp
import msgspec
from yarl import URL

from ...wire.errors import RegistryUnavailable
from .config import ClientConfig

_KEEPALIVE_S = 10.0  # under the server's idle limit, so that no call meets a connection being closed


@dataclass(frozen=True, slots=True)
class Answer:
    """What a registry answered."""

    status: int
    body: bytes

    def json(self) -> object:
        """Give the parsed body, or None when it is no JSON."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None

    def error(self) -> dict[str, object] | None:
        """Give the error object that registries answer with, or None."""
        value = self.json()
        return value if isinstance(value, dict) and isinstance(value.get("error"), str) else None


class Http(Protocol):
    """How a client's calls reach its registry."""

    async def exchange(self, method: str, url: URL, body: bytes | None) -> Answer:
        """Send one request and give its answer; raise RegistryUnavailable when there is none."""
        ...

    async def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        ...


class HttpClient:
    """Call one registry over HTTP; `name` is how errors name it."""

    def __init__(self, name: str, config: ClientConfig) -> None:
        self._name = name
        self._config = config
        self._session: aiohttp.ClientSession | None = None

    async def exchange(self, method: str, url: URL, body: bytes | None) -> Answer:
        """Send one request and give its answer; raise RegistryUnavailable when there is none."""
        try:
            async with self._opened().request(method, url, data=body, allow_redirects=False) as response:
                return await self._read(response)
        except TimeoutError:
            raise self._unavailable(f"no answer within {self._config.timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise self._unavailable(_reason(error)) from None

    async def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(keepalive_timeout=_KEEPALIVE_S),
                timeout=aiohttp.ClientTimeout(total=self._config.timeout_s),
                headers={"Content-Type": "application/json", "Accept-Encoding": "identity"},
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session

    async def _read(self, response: aiohttp.ClientResponse) -> Answer:
        if 300 <= response.status < 400:
            raise self._unavailable("it redirects elsewhere: name that URL instead")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise self._unavailable("it compresses answers that were asked for as they are")
        body = bytearray()
        while part := await response.content.readany():
            body += part
            if len(body) > self._config.answer_bytes_max:
                raise self._unavailable(f"its answer has more than {self._config.answer_bytes_max} bytes")
        return Answer(response.status, bytes(body))

    def _unavailable(self, reason: str) -> RegistryUnavailable:
        return RegistryUnavailable(self._name, reason)


def _reason(error: Exception) -> str:
    """Say in a few words why a call failed."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name does not resolve"
    if isinstance(error, aiohttp.ClientSSLError):
        return "its TLS certificate or handshake is not accepted"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "it closed the connection"
    return "it does not speak HTTP as a registry does"
