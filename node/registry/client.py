"""RegistryClient: calls a registry, ours or Agent99's own, and trusts neither.

Every answer is bounded in size and time (http_client.py), error texts are cut and stripped of control
characters, and signed nodes are verified here again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

import msgspec
from yarl import URL

from ...wire.errors import ConfigError, MeshError, RegistryUnavailable, RemoteRejected
from ...wire.node_record import NodeRecord
from .config import ClientConfig
from .http_client import Answer, Http, HttpClient
from .p2p import signed_node
from .refusal import Refusal, unknown_agent

# The class has a method `list`, which hides the type from the annotations of its other methods.
Rows = list[dict[str, object]]
NodeRecords = list[NodeRecord]

_UUID = re.compile(r"[0-9A-Za-z-]{1,64}\Z")
_LACKS_CALL = (404, 405, 501)  # how servers say that they do not know a path or method


class RegistryClient:
    """Call one registry. Every call may raise RegistryUnavailable, or RemoteRejected when it says no."""

    def __init__(self, url: str, config: ClientConfig | None = None, http: Http | None = None) -> None:
        """Take the base URL (`https` and a path prefix count); raise ConfigError when it is none."""
        self._base = _parse_url(url)
        self.url = str(self._base.with_user(None))
        self._config = config or ClientConfig()
        self._http = http or HttpClient(self.url, self._config)

    async def __aenter__(self) -> RegistryClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        await self._http.close()

    async def register(self, packet: Mapping[str, object]) -> str:
        """List an agent; give the uuid it has there."""
        answer = await self._exchange("POST", "register", body=packet)
        if answer.status != 201:
            raise self._failure(answer)
        value = answer.json()
        uuid = value.get("uuid") if isinstance(value, dict) else None
        if not isinstance(uuid, str) or not _UUID.match(uuid):
            raise self._unavailable("it answered a registration without a uuid")
        return uuid

    async def heartbeat(self, uuid: str) -> bool:
        """Give an agent another life; False when the registry does not know it (any more).

        Agent99's registry has no such call and no lives: there the list tells, so that an agent that its
        restart lost registers again, and one that it still lists is not listed twice.
        """
        answer = await self._exchange("POST", "heartbeat", uuid)
        if answer.status == 204:
            return True
        if answer.status in _LACKS_CALL:
            error = answer.error()
            if error is not None and error["error"] == unknown_agent(uuid).text:
                return False
            return any(row.get("uuid") == uuid for row in await self.list())
        raise self._failure(answer)

    async def withdraw(self, uuid: str) -> bool:
        """Take an agent off the list; False when it was not on it."""
        answer = await self._exchange("DELETE", "withdraw", uuid)
        if answer.status not in (204, 404):
            raise self._failure(answer)
        return answer.status == 204

    async def discover(self, capability: str) -> Rows:
        """Give the packets of the agents that offer exactly this capability, in any case."""
        return self._rows(await self._exchange("GET", "discover", query={"capability": capability}))

    async def list(self) -> Rows:
        """Give the packets of all agents, oldest first."""
        return self._rows(await self._exchange("GET", ""))

    async def healthcheck(self) -> int:
        """Give the number of agents."""
        answer = await self._exchange("GET", "healthcheck")
        value = answer.json()
        count = value.get("agent_count") if isinstance(value, dict) else None
        if answer.status != 200 or not isinstance(count, int):
            raise self._failure(answer)
        return count

    async def nodes(self, limit: int = 20) -> NodeRecords:
        """Give up to `limit` signed nodes to start from, verified, one a node id.

        Agent99's registry has no such call: there its whole list is read, newest first.
        """
        limit = max(1, min(limit, self._config.nodes_max))
        answer = await self._exchange("GET", "p2p", "nodes", query={"limit": str(limit)})
        if answer.status in _LACKS_CALL:
            return _verified((await self.list())[::-1], limit)
        return _verified(self._rows(answer), limit)

    async def node(self, name: str) -> NodeRecord | None:
        """Give the signed node with this node id or uuid, verified; None when there is none."""
        answer = await self._exchange("GET", "p2p", "nodes", name)
        if answer.status == 200:
            rows: Sequence[object] = [answer.json()]
        elif answer.status not in _LACKS_CALL:
            raise self._failure(answer)
        elif answer.error() is not None:
            return None
        else:
            rows = [row for row in await self.list() if name in (row.get("uuid"), _claimed_id(row))][::-1]
        # Who asks for a node id gets that node or none; a uuid is the registry's own word.
        fits = [
            node
            for node in _verified(rows, 1)
            if name == node.node_id.text or len(name) != len(node.node_id.text)
        ]
        return fits[0] if fits else None

    @staticmethod
    def node_record_of(row: object) -> NodeRecord | None:
        """Give the signed node in an info packet, verified; None when there is none or it is forged."""
        if not isinstance(row, dict) or "p2p" not in row:
            return None
        try:
            return signed_node(row["p2p"]).node
        except Refusal:
            return None

    async def _exchange(
        self,
        method: str,
        *path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> Answer:
        url = self._base.with_path(
            self._base.raw_path.rstrip("/") + "/" + "/".join(quote(part, safe="") for part in path),
            encoded=True,
        ).with_query(query)
        data = None if body is None else msgspec.json.encode(body)
        return await self._http.exchange(method, url, data)

    def _rows(self, answer: Answer) -> Rows:
        if answer.status != 200:
            raise self._failure(answer)
        rows = answer.json()
        if not isinstance(rows, list):
            raise self._unavailable("it answered something else than a list of agents")
        return [row for row in rows[: self._config.rows_max] if isinstance(row, dict)]

    def _failure(self, answer: Answer) -> MeshError:
        """Tell a refusal of what we sent from a registry that is no registry, in trouble, or busy."""
        error = answer.error()
        if error is None or answer.status == 429 or not 400 <= answer.status < 500:
            reason = f": {self._clean(error['error'])}" if error else ", and not as a registry does"
            return self._unavailable(f"it answered {answer.status}{reason}")
        field = error.get("field")
        return RemoteRejected(
            str(answer.status),
            self._clean(error["error"]),
            self._clean(field) if isinstance(field, str) else None,
        )

    def _unavailable(self, reason: str) -> RegistryUnavailable:
        return RegistryUnavailable(self.url, reason)

    def _clean(self, text: object) -> str:
        """Make foreign text fit for a terminal and a log line."""
        cut = str(text)[: self._config.text_chars_max]
        return "".join(character if character.isprintable() else " " for character in cut)


def _verified(rows: Sequence[object], limit: int) -> NodeRecords:
    """Give the signed nodes among `rows`, one a node id, its highest sequence; check at most 2 * limit."""
    found: dict[bytes, NodeRecord] = {}
    for row in [row for row in rows if isinstance(row, dict) and "p2p" in row][: 2 * limit]:
        node = RegistryClient.node_record_of(row)
        if node is None:
            continue
        other = found.get(node.node_id)
        if other is None or other.sequence < node.sequence:
            found[node.node_id] = node
    return [*found.values()][:limit]


def _claimed_id(row: dict[str, object]) -> object:
    p2p = row.get("p2p")
    return p2p.get("node_id") if isinstance(p2p, dict) else None


def _parse_url(text: str) -> URL:
    hint = "a registry is named like http://127.0.0.1:4567"
    try:
        url = URL(text)
        port = url.port
    except (ValueError, TypeError) as error:
        raise ConfigError("registry", f"{text!r} is no URL: {error}", hint) from None
    if url.scheme not in ("http", "https") or not url.host or not port:
        raise ConfigError("registry", f"{text!r} is no http or https URL", hint)
    if url.query_string or url.fragment:
        raise ConfigError("registry", f"{text!r} must not hold a query or fragment", hint)
    return url
