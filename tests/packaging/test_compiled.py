"""The core can be compiled: mypyc takes every module of it but those that setup.py names, with the reason."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def setup() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "setup.py"))


def test_what_is_not_compiled_is_there_and_part_of_the_core(setup: dict[str, Any]) -> None:
    core = {str(path.relative_to(ROOT)) for pattern in setup["CORE"] for path in ROOT.glob(pattern)}
    assert set(setup["INTERPRETED"]) < core
    assert {"wire/session.py", "dht/lookup.py", "node/overlay/overlay.py"} < set(setup["compiled"]())


def test_mypyc_translates_the_rest(tmp_path: Path) -> None:
    """Compile no further than to C: what the C compiler makes of it takes a minute more."""
    ask = f"import runpy; runpy.run_path({str(ROOT / 'setup.py')!r})['extensions']()"
    done = subprocess.run(
        [sys.executable, "-c", ask], cwd=tmp_path, capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sources = sorted((tmp_path / "build").rglob("__native*.c"))
    assert len(sources) > len(runpy.run_path(str(ROOT / "setup.py"))["compiled"]())
    assert sum(source.stat().st_size for source in sources) > 1_000_000
