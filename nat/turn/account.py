"""TurnAccount: which TURN server to use, and as who."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...wire.errors import ConfigError
from .client_credentials import ClientCredentials
from .credentials import time_limited_password

PORT = 3478
"""Where TURN servers listen (RFC 8656, section 6)."""

NAME_LIFE_S = 3600
"""How long a time-limited name is good: it has to be so for an allocation to be made."""

HINT = "write turn:HOST[:PORT][?transport=udp|tcp], as in turn:relay.example:3478?transport=tcp"


@dataclass(frozen=True, slots=True)
class TurnAccount:
    """Name a server, and how to prove that one may use it: a user's password, or the secret that makes passwords."""

    host: str
    port: int = PORT
    transport: str = "udp"
    username: str = ""
    password: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)

    @classmethod
    def parse(cls, uri: str, user: str = "", secret: str = "") -> TurnAccount:
        """Read a TURN URI (RFC 7065) and `NAME:PASSWORD`, or a name and the server's secret; raises ConfigError."""
        scheme, _, rest = uri.partition(":")
        where, _, query = rest.partition("?")
        transport = query.removeprefix("transport=") if query else "udp"
        host, port = _split(where)
        if scheme != "turn" or not host or transport not in ("udp", "tcp") or not 0 < port < 2**16:
            raise ConfigError("turn", f"{uri!r} is no address of a TURN server", HINT)
        username, _, password = user.partition(":")
        if not secret and not (username and password):
            raise ConfigError("turn", "nobody is named", "say who you are there: --turn-user NAME:PASSWORD")
        return cls(host, port, transport, username or "mesh99", password, secret)

    def credentials(self, unix_now: float) -> ClientCredentials:
        """Return what requests are signed with, good for an allocation that is made now."""
        if not self.secret:
            return ClientCredentials(self.username, self.password)
        username = f"{int(unix_now) + NAME_LIFE_S}:{self.username}"
        return ClientCredentials(username, time_limited_password(self.secret, username))

    def __str__(self) -> str:
        """Write the server as a URI."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"turn:{host}:{self.port}" + (
            "" if self.transport == "udp" else f"?transport={self.transport}"
        )


def _split(where: str) -> tuple[str, int]:
    """Return host and port of `HOST[:PORT]` or `[IPv6][:PORT]`; port 0 when there is no sense in it."""
    if where.startswith("["):
        host, _, port = where[1:].partition("]")
        port = port.removeprefix(":")
    else:
        host, _, port = where.partition(":")
    if not port:
        return host, PORT
    return host, int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else 0
