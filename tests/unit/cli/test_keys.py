"""`mesh99 keys show`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mesh99.wire.identity_file import FILE_NAME, load_or_create


def test_no_key_is_exit_code_1_and_none_is_made(mesh99: Any, home: Path) -> None:
    result = mesh99("--json", "keys", "show")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "error: there is no key" in result.stderr
    assert list(home.iterdir()) == []


def test_the_public_half_is_shown(document: Callable[..., Any], mesh99: Any, home: Path) -> None:
    identity = load_or_create(home, os.urandom)
    shown = document("keys", "show")
    assert shown == {
        "node_id": identity.node_id.text,
        "short_id": identity.node_id.short,
        "public_key": identity.public_key.text,
        "file": str(home / FILE_NAME),
    }
    assert identity.node_id.text in mesh99("keys", "show").stdout


def test_a_key_that_others_may_read_is_refused(mesh99: Any, home: Path) -> None:
    load_or_create(home, os.urandom)
    (home / FILE_NAME).chmod(0o644)
    result = mesh99("keys", "show")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert "hint: " in result.stderr
