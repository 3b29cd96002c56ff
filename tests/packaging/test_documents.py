"""The documents say what is true: links lead somewhere, and the README's code is that of the examples."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_code_of_the_readme_stands_in_the_examples() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    examples = [path.read_text() for path in sorted((ROOT / "examples").glob("*.py"))]
    assert len(blocks) >= 3
    assert [block for block in blocks if not any(block in example for example in examples)] == []


def test_files_that_the_documents_name_exist() -> None:
    named = {
        (page.name, match)
        for page in PAGES
        for match in re.findall(r"`((?:wire|dht|nat|node|cli|simulations)/[\w/]+\.py)`", page.read_text())
    }
    assert sorted(name for name in named if not (ROOT / name[1]).exists()) == []
