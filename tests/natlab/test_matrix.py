"""Programs connect pairs of sites, directly where that can be and through a relay where it cannot."""

from __future__ import annotations

import json
import shutil

import pytest

from .ice import Ice
from .matrix import Cell, Outcome, document, measure, pairs, table
from .mesh import Mesh

needs_a_lab = [pytest.mark.network_namespaces, pytest.mark.slow, pytest.mark.timeout(180)]
DELAY_S = 0.005  # the path is what is tested, not how long it takes to it


def in_a_lab(*cases: tuple[str, str]) -> list[object]:
    """Make cases `SITE[/SITE]`, path."""
    return [pytest.param(*case, marks=needs_a_lab, id=case[0]) for case in cases]


@pytest.mark.parametrize(
    ("sites", "path"),
    in_a_lab(
        ("none/port", "direct"),
        ("full/sym", "direct"),
        ("addr/addr", "direct"),
        ("fw/port", "direct"),
        ("port/port", "direct"),
        ("cgnat/cgnat", "direct"),
        ("sym/sym", "relay"),
        ("udpblock/none", "tcp"),
        ("port/udpblock", "relay"),
        ("port:hosts=2:isolated", "relay"),
    ),
)
def test_nodes_connect(sites: str, path: str) -> None:
    assert measure(Mesh(), sites.split("/"), delay_s=DELAY_S).path == path


@pytest.mark.parametrize(("sites", "path"), in_a_lab(("port/port", "direct"), ("port/sym", "relay")))
def test_ice_connects(sites: str, path: str) -> None:
    if shutil.which("turnserver") is None:
        pytest.skip("not installed: coturn (tests/install_debian.sh)")
    pytest.importorskip("aioice")
    # Where TURN is at hand, ICE may end up there though a direct path exists: what was answered first stays.
    program = Ice(turn=path == "relay")
    assert measure(program, sites.split("/"), delay_s=DELAY_S).path == path


def test_a_cell_shows_the_path_and_the_median_time() -> None:
    direct, slow, relayed = (
        Outcome("direct", 90.0, 100.0),
        Outcome("direct", 90.0, 300.0),
        Outcome("relay", 5.0, 5.0),
    )
    assert str(Cell(("port", "sym"), (direct, slow, direct))) == "D 100"
    assert str(Cell(("port", "sym"), (direct, relayed, slow))) == "D2+R1 100"
    assert str(Cell(("port", "sym"), (Outcome("none"), direct))) == "-1+D1 100"
    assert str(Cell(("port", "sym"), (Outcome("none"),))) == "fail"


def test_a_table_has_each_pair_once() -> None:
    cells = [Cell(pair, (Outcome("direct", 1.0, 2.0),)) for pair in pairs(["port", "sym"])]
    assert [cell.sites for cell in cells] == [("port", "port"), ("port", "sym"), ("sym", "sym")]
    assert table(cells, ["port", "sym"]).splitlines() == [
        "|  | port | sym |",
        "| --- | --- | --- |",
        "| port | D 2 | D 2 |",
        "| sym |  | D 2 |",
    ]
    assert json.loads(document(cells))[0]["outcomes"] == [
        {"path": "direct", "first_ms": 1.0, "final_ms": 2.0}
    ]
