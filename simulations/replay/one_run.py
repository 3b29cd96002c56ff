"""Run what stands on stdin and print the digest: the program of the processes that same_twice starts."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ..outcome import RunOptions
from ..run import run_outcome
from ..scenario.reading import parse


def main() -> None:
    """Read `definition`, `seed`, `crypto` and `trace` as JSON, run, and write `digest`."""
    request = json.load(sys.stdin)
    trace = None if request["trace"] is None else Path(request["trace"])
    options = RunOptions(crypto=request["crypto"], trace=trace)
    outcome = run_outcome(parse(request["definition"]), request["seed"], options)
    json.dump({"digest": outcome.digest}, sys.stdout)


if __name__ == "__main__":
    main()
