"""Every error mesh99 raises, in one tree.

MeshError
  ConfigError                     a value given by a person is wrong; names the field
  LocalError                      this program used its own objects wrongly
    NodeClosed                    the node is not running (any more)
    AlreadyStarted                the node was started twice
    PayloadTooLarge               a message or record is over its limit
    InvalidMessage                a message does not fit its class; names the field
    QueueFull                     the line to a peer holds all it may; wait and try again
  RemoteError                     a peer did something wrong or said no
    DecodeError                   bytes that do not parse; never leaves the layer that reads the network
    HandshakeFailed               no session: wrong key, network or version
    RemoteRejected                the peer answered a request with an error
  Unreachable                     nobody is at fault; trying later may help
    LookupFailed                  nothing was found in the overlay
    NotStored                     no holder took a value
    NoPath                        no endpoint of the peer answered
    RegistryUnavailable           a registry did not answer
    NoMapping                     the router opened no port
  DeadlineExceeded                the time given ran out; says what was waited for

Each error carries its facts as fields; `str()` is one line for people and `hint` says what to do about it.
"""

from __future__ import annotations

from typing import ClassVar


class MeshError(Exception):
    """Base of every error of this package; `hint` is advice for a person, or None."""

    hint: str | None = None


class ConfigError(MeshError):
    """A configuration value is wrong."""

    def __init__(self, field: str, problem: str, hint: str | None = None) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem
        self.hint = hint


class LocalError(MeshError):
    """This program used its own objects wrongly."""


class NodeClosed(LocalError):
    """The node is not running."""

    hint = "start it with `async with node:` or `await node.start()`"

    def __init__(self, action: str) -> None:
        super().__init__(f"cannot {action}: the node is not running")
        self.action = action


class AlreadyStarted(LocalError):
    """The node was started twice."""

    def __init__(self) -> None:
        super().__init__("the node is already running")


class PayloadTooLarge(LocalError):
    """A payload is over its limit."""

    def __init__(self, what: str, size_bytes: int, size_bytes_max: int) -> None:
        super().__init__(f"{what} of {size_bytes} bytes is over the limit of {size_bytes_max}")
        self.what = what
        self.size_bytes = size_bytes
        self.size_bytes_max = size_bytes_max
        self.hint = "send it in parts"


class QueueFull(LocalError):
    """A bounded queue has no room."""

    hint = "the peer reads slower than this node writes: wait for it, or send less"

    def __init__(self, what: str, size_bytes_max: int) -> None:
        super().__init__(f"{what} holds its limit of {size_bytes_max} bytes")
        self.what = what
        self.size_bytes_max = size_bytes_max


class InvalidMessage(LocalError):
    """A message does not fit its class; `field` is the path of what is at fault, or empty."""

    def __init__(self, type_name: str, field: str, problem: str, hint: str | None = None) -> None:
        super().__init__(f"{type_name}.{field}: {problem}" if field else f"{type_name}: {problem}")
        self.type_name = type_name
        self.field = field
        self.problem = problem
        self.hint = hint


class RemoteError(MeshError):
    """A peer did something wrong or said no."""


class DecodeError(RemoteError):
    """Bytes that do not parse; `offset` is where reading stopped."""

    def __init__(self, what: str, reason: str, offset: int = 0) -> None:
        super().__init__(f"{what}: {reason} at byte {offset}")
        self.what = what
        self.reason = reason
        self.offset = offset


class HandshakeFailed(RemoteError):
    """No session could be made; `reason` is one of `key`, `network`, `version`, `identity`, `cipher`."""

    HINTS: ClassVar[dict[str, str]] = {
        "key": "the peer holds another key than expected: ask for its node id again",
        "network": "the peer is in another network: compare --network on both sides",
        "version": "the peer speaks another protocol version: update the older side",
        "identity": "the peer's signing key does not belong to its session key: do not trust it",
        "cipher": "both sides must share a cipher",
    }

    def __init__(self, peer: str, reason: str) -> None:
        super().__init__(f"handshake with {peer} failed: wrong {reason}")
        self.peer = peer
        self.reason = reason
        self.hint = self.HINTS.get(reason)


class RemoteRejected(RemoteError):
    """The peer answered with an error; `field` names the part of the message at fault, or is None."""

    def __init__(self, code: str, text: str, field: str | None = None) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
        self.field = field


class Unreachable(MeshError):
    """Nobody is at fault; trying later may help."""


class LookupFailed(Unreachable):
    """Nothing was found in the overlay."""

    def __init__(self, what: str, hint: str | None = None) -> None:
        super().__init__(f"{what} was not found")
        self.what = what
        self.hint = hint


class NotStored(Unreachable):
    """No holder took a value; `refused` tells how many said why."""

    def __init__(self, key: str, refused: dict[str, int]) -> None:
        reasons = ", ".join(f"{reason} ({count})" for reason, count in refused.items())
        super().__init__(f"nobody stores {key}" + (f": {reasons}" if reasons else ""))
        self.refused = refused
        self.hint = None if refused else "is this node joined? see `mesh99 peers`"


class NoPath(Unreachable):
    """No endpoint of the peer answered."""

    hint = "the peer may be down, or a firewall is in between"

    def __init__(self, peer: str, tried: tuple[str, ...] = ()) -> None:
        super().__init__(f"{peer} does not answer" + (f" at {', '.join(tried)}" if tried else ""))
        self.peer = peer
        self.tried = tried


class RegistryUnavailable(Unreachable):
    """A registry did not answer."""

    hint = "is it running? start one with `mesh99 registry serve`"

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"registry {url} is not available: {reason}")
        self.url = url
        self.reason = reason


class NoMapping(Unreachable):
    """The router opened no port; `code` is its error code in UPnP, 0 when it gave none."""

    hint = "switch UPnP or NAT-PMP on in the router, or forward the port there by hand"

    def __init__(self, router: str, reason: str, code: int = 0) -> None:
        super().__init__(f"router {router} opened no port: {reason}")
        self.router = router
        self.reason = reason
        self.code = code


class TurnRefused(Unreachable):
    """A TURN server gave no allocation; `code` is its error code, None when it gave none."""

    def __init__(self, server: str, code: int | None, reason: str) -> None:
        super().__init__(f"{server} relays nothing for this node: {reason}" + (f" ({code})" if code else ""))
        self.server = server
        self.code = code
        self.reason = reason
        wrong = "check --turn-user or --turn-secret"
        self.hint = wrong if code in (401, 441) else "is it running, and open in the firewall?"


class DeadlineExceeded(MeshError):
    """The time given ran out."""

    hint = "allow more time, or see with `mesh99 doctor` what is wrong"

    def __init__(self, waited_for: str, timeout_s: float) -> None:
        super().__init__(f"no {waited_for} within {round(timeout_s, 2):g} s")
        self.waited_for = waited_for
        self.timeout_s = timeout_s
