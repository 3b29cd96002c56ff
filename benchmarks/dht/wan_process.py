"""The process of the wide-area shim: told of ports, it stands between them until its input ends."""

from __future__ import annotations

import json
import os
from contextlib import closing
from typing import Any

from ..child import Parent
from ..figures import percentile
from .wan_shim import Shim

READ_BYTES = 65_536


def main(parent: Parent) -> None:
    """Answer what the parent asks, and carry datagrams all the while."""
    parent.answer({"made": True})
    text = b""
    with closing(Shim(parent.settings["seed"])) as shim:
        while True:
            if not shim.turn(0):
                continue
            read = os.read(0, READ_BYTES)
            if not read:
                return
            *lines, text = (text + read).split(b"\n")
            for line in lines:
                parent.answer(answer(shim, json.loads(line)))


def answer(shim: Shim, question: dict[str, Any]) -> dict[str, Any]:
    """Take ports in, or tell how late datagrams were."""
    if "ports" in question:
        return {"outside": shim.add(question["ports"])}
    late = shim.lateness_s
    return {
        "shim_datagrams": shim.passed,
        "shim_late_p50_ms": percentile(late, 0.5) * 1e3 if late else None,
        "shim_late_p99_ms": percentile(late, 0.99) * 1e3 if late else None,
    }


if __name__ == "__main__":
    main(Parent())
