"""The contact list on disk: how a node finds its network again without a registry."""

from __future__ import annotations

import json

from ..wire.contact import Contact
from ..wire.endpoint import Endpoint
from ..wire.errors import ConfigError
from ..wire.identity import PublicKey
from .ports import Disk

FILE_NAME = "contacts.json"
FILE_BYTES_MAX = 256 * 1024
"""A contact takes about 120 bytes; a file beyond this was not written by a node."""


def save_contacts(disk: Disk, contacts: list[Contact]) -> None:
    """Replace the saved contacts in one step, so that a crash leaves the old or the new list; raises OSError."""
    rows = [
        {"public_key": contact.public_key.hex(), "endpoint": str(contact.endpoint)} for contact in contacts
    ]
    disk.replace(FILE_NAME, (json.dumps(rows, indent=1) + "\n").encode())


def load_contacts(disk: Disk) -> list[Contact]:
    """Return the saved contacts; none when there is no file. Raises ConfigError when it is damaged."""
    text = disk.read(FILE_NAME, FILE_BYTES_MAX + 1)
    if text is None:
        return []
    try:
        if len(text) > FILE_BYTES_MAX:
            raise ValueError("too long")
        return [_contact(row) for row in json.loads(text)]
    except (ValueError, KeyError, TypeError, ConfigError) as error:
        hint = f"remove {disk}/{FILE_NAME}; the node then joins through a registry or --peer"
        raise ConfigError("home", f"the saved contacts cannot be read: {error}", hint) from error


def _contact(row: dict[str, str]) -> Contact:
    key = bytes.fromhex(row["public_key"])
    if len(key) != 32:
        raise ValueError("a public key has 32 bytes")
    return Contact(PublicKey(key), Endpoint.parse(row["endpoint"]))
