"""The contact list on disk: how a node finds its network again without a registry."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ..wire.contact import Contact
from ..wire.endpoint import Endpoint
from ..wire.errors import ConfigError
from ..wire.identity import PublicKey

FILE_NAME = "contacts.json"
FILE_BYTES_MAX = 256 * 1024
"""A contact takes about 120 bytes; a file beyond this was not written by a node."""


def save_contacts(home: Path, contacts: list[Contact]) -> None:
    """Replace the saved contacts in one step, so that a crash leaves the old or the new list."""
    rows = [
        {"public_key": contact.public_key.hex(), "endpoint": str(contact.endpoint)} for contact in contacts
    ]
    temporary = home / f"{FILE_NAME}.{os.getpid()}.new"
    temporary.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    temporary.replace(home / FILE_NAME)


def load_contacts(home: Path) -> list[Contact]:
    """Return the saved contacts; none when there is no file. Raises ConfigError when it is damaged."""
    path = home / FILE_NAME
    hint = f"remove {path}; the node then joins through a registry or --peer"
    try:
        text = path.read_bytes()[: FILE_BYTES_MAX + 1]
    except FileNotFoundError:
        return []
    try:
        if len(text) > FILE_BYTES_MAX:
            raise ValueError("too long")
        return [_contact(row) for row in json.loads(text)]
    except (ValueError, KeyError, TypeError, ConfigError) as error:
        raise ConfigError("home", f"the saved contacts cannot be read: {error}", hint) from error


def _contact(row: dict[str, str]) -> Contact:
    key = bytes.fromhex(row["public_key"])
    if len(key) != 32:
        raise ValueError("a public key has 32 bytes")
    return Contact(PublicKey(key), Endpoint.parse(row["endpoint"]))
