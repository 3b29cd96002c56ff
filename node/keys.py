"""Keys as people write them: a text of their own, or the printed key of content."""

from __future__ import annotations

from ..wire.errors import ConfigError
from ..wire.identity import NodeId, PublicKey
from ..wire.record import CONTENT_OWNER, value_key

CONTENT_PREFIX = "content:"
"""Begins the key of content, so that no text of 52 letters is taken for one."""

KEY_BYTES_MAX = 4096
"""Longest text of a key; only its hash travels, so this bounds what a slip of the pen can cost."""

CONTENT_HINT = (
    f"a key of content is `{CONTENT_PREFIX}` and 52 letters and digits, as `mesh99 put --content` prints it"
)


def content_text(key: bytes) -> str:
    """Return the printed form of a key of content."""
    return CONTENT_PREFIX + NodeId(key).text


def is_content(text: str) -> bool:
    """Tell whether a text is meant as the key of content."""
    return text.startswith(CONTENT_PREFIX)


def place_of(text: str) -> tuple[bytes, PublicKey | None]:
    """Return the key in the DHT and whose record is sought there, None for anybody's; raises ConfigError."""
    if not is_content(text):
        return value_key(_checked(text)), None
    try:
        return NodeId.parse(text.removeprefix(CONTENT_PREFIX)), CONTENT_OWNER
    except ConfigError:
        raise ConfigError("key", f"{text!r} is not one of content", CONTENT_HINT) from None


def own_place(text: str) -> bytes:
    """Return the key of what a person puts under a text or watches there; raises ConfigError for a key of content."""
    if is_content(text):
        raise ConfigError("key", f"{text!r} is one of content, which never changes", "choose another key")
    return value_key(_checked(text))


def _checked(text: str) -> str:
    size = len(text.encode())
    if not 0 < size <= KEY_BYTES_MAX:
        raise ConfigError("key", f"{size} bytes where 1 to {KEY_BYTES_MAX} are needed")
    return text
