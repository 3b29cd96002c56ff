"""Hold a dialogue with a UPnP device over HTTP: each answer bounded in size and time, and nobody sends us elsewhere."""

from __future__ import annotations

from collections import Counter
from typing import TypeVar

import aiohttp

from ...nat.mapping.config import MappingConfig
from ...nat.mapping.igd import Dialogue, HttpAnswer, HttpRequest

T = TypeVar("T")


async def converse(dialogue: Dialogue[T], config: MappingConfig, dropped: Counter[str]) -> T:
    """Run a dialogue to its end and return what came of it; raises what it raises."""
    timeout = aiohttp.ClientTimeout(total=config.http_s)
    connector = aiohttp.TCPConnector(force_close=True, limit=1)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
    ) as session:
        answer: HttpAnswer | None = None
        try:
            request = next(dialogue)
            while True:
                answer = await _exchange(session, request, config, dropped)
                request = dialogue.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result


async def _exchange(
    session: aiohttp.ClientSession, request: HttpRequest, config: MappingConfig, dropped: Counter[str]
) -> HttpAnswer | None:
    headers = {"Accept-Encoding": "identity"}
    if request.action:
        headers |= {"SOAPAction": f'"{request.action}"', "Content-Type": 'text/xml; charset="utf-8"'}
    method = "POST" if request.action else "GET"
    try:
        async with session.request(
            method, str(request.url), data=request.body or None, headers=headers, allow_redirects=False
        ) as response:
            body = bytearray()
            while part := await response.content.readany():
                body += part
                if len(body) > config.http_bytes_max:
                    dropped["upnp: answer too large"] += 1
                    return None
            return HttpAnswer(response.status, bytes(body))
    except TimeoutError:
        dropped["upnp: answer too slow"] += 1
    except (aiohttp.ClientError, OSError, ValueError):
        dropped["upnp: no answer over HTTP"] += 1
    return None
