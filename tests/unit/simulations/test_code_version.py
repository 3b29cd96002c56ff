"""The version of the code that a result names."""

from __future__ import annotations

import platform
from pathlib import Path

from mesh99.simulations.code_version import PACKAGE, code_version, differences, sources_hash


def test_it_names_the_sources_python_and_the_libraries() -> None:
    version = code_version()
    assert version.startswith(f"sources {sources_hash(PACKAGE)}, python {platform.python_version()}, ")
    assert "msgpack " in version
    assert "pynacl " in version


def test_any_change_of_a_source_shows(tmp_path: Path) -> None:
    (tmp_path / "wire").mkdir()
    path = tmp_path / "wire" / "some.py"
    hashes = []
    for content in ("a = 1\n", "a = 2\n"):
        path.write_text(content)
        hashes.append(sources_hash(tmp_path))
    hashes.append(sources_hash(path.rename(tmp_path / "wire" / "other.py").parents[1]))
    (tmp_path / "wire" / "notes.txt").write_text("no source")
    assert sources_hash(tmp_path) == hashes[2]
    assert len(set(hashes)) == 3


def test_differences_are_told_in_words() -> None:
    assert differences("sources 1, python 3.11.7", "sources 1, python 3.11.7") == ()
    assert differences("sources 1, python 3.11.7", "sources 2, msgpack 1") == (
        "sources: recorded with 1, here is 2",
        "python: recorded with 3.11.7, here is nothing",
        "msgpack: recorded with nothing, here is 1",
    )
