"""Programs connect pairs of sites, directly where that can be and through a relay where it cannot."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from . import campaign, figures, matrix, picture
from .ice import Ice
from .matrix import Cell, Outcome, measure, pairs
from .mesh import Mesh
from .peer import Program
from .report import Sites, document, read_document, report

needs_a_lab = [pytest.mark.network_namespaces, pytest.mark.slow, pytest.mark.timeout(180)]
DELAY_S = 0.005  # the path is what is tested, not how long it takes to it
NAMES = {"D": "direct", "R": "relay"}


def in_a_lab(*sites: str) -> list[object]:
    """Make cases of sites."""
    return [pytest.param(tuple(each.split("/")), marks=needs_a_lab, id=each) for each in sites]


# A fixed selection, one of each way to meet; `python -m tests.natlab ci` has all pairs.
@pytest.mark.parametrize(
    "sites",
    in_a_lab(
        "none/port",
        "fw/full",
        "port/port",
        "port/symseq",
        "port/sym",
        "sym/sym",
        "none/udpblock",
        "port/udpblock",
        "cgnat/cgnat",
        "port:hosts=2:isolated",
    ),
)
def test_nodes_connect(sites: tuple[str, ...]) -> None:
    wanted = figures.wanted_path(sites)
    assert wanted is not None
    assert measure(Mesh(), sites, delay_s=DELAY_S).path == NAMES[wanted]


@pytest.mark.parametrize(
    ("sites", "path"),
    [
        pytest.param(*case, marks=needs_a_lab, id=case[0])
        for case in (("port/port", "direct"), ("port/sym", "relay"))
    ],
)
def test_ice_connects(sites: str, path: str) -> None:
    if shutil.which("turnserver") is None:
        pytest.skip("not installed: coturn (tests/install_debian.sh)")
    pytest.importorskip("aioice")
    # Where TURN is at hand, ICE may end up there though a direct path exists: what was answered first stays.
    program = Ice(turn=path == "relay")
    assert measure(program, sites.split("/"), delay_s=DELAY_S).path == path


def cell(sites: tuple[str, ...], *outcomes: Outcome, program: str = "mesh99") -> Cell:
    return Cell(program, "warm", sites, outcomes)


FAST = Outcome("direct", 100.0, 100.0, "direct")
LATE = Outcome("direct", 210.0, 300.0, "relay")
RELAYED = Outcome("relay", 150.0, 150.0, "relay")
FAILED = Outcome("none", error="nothing came")


def test_a_cell_shows_the_path_and_the_median_time() -> None:
    sites = ("port", "sym")
    assert str(cell(sites, FAST, FAST)) == "D 100"
    assert str(cell(sites, FAST, LATE, FAST)) == "D 100 (R 210)"
    assert str(cell(sites, FAST, RELAYED, FAST)) == "D2+R1 100"
    assert str(cell(sites, FAILED, FAST)) == "-1+D1 100"
    assert str(cell(sites, FAILED)) == "fail"


def test_what_is_wanted_is_what_the_simulator_holds_itself_to() -> None:
    wanted = {sites: figures.wanted_path(sites) for sites in pairs(matrix.KINDS)}
    with_udp = [path for sites, path in wanted.items() if "udpblock" not in sites]
    assert (len(wanted), len(with_udp), with_udp.count("D")) == (36, 28, 26)
    assert wanted["sym", "symseq"] == "R"
    assert figures.wanted_path(("port:hosts=2:isolated",)) == "R"
    assert figures.wanted_path(("port:timeout=5", "port")) is None


def test_each_pair_has_its_limit() -> None:
    limits = {sites: figures.limit_ms(sites) for sites in pairs(matrix.KINDS)}
    assert limits["fw", "full"] == 280
    assert limits["port", "symseq"] == 320
    assert limits["port", "sym"] == 1500
    assert limits["sym", "sym"] == 220
    assert limits["none", "udpblock"] == 1500


def test_what_is_over_its_figure_is_said() -> None:
    assert figures.faults(cell(("port", "port"), FAST)) == []
    assert figures.faults(cell(("port", "port"), LATE)) == ["300 ms, 280 wanted"]
    assert figures.faults(cell(("port", "port"), RELAYED)) == ["R instead of D"]
    slow = Outcome("direct", 400.0, 900.0, "relay")
    assert figures.faults(cell(("port", "sym"), slow)) == ["first byte by relay 400 ms, 220 wanted"]


def test_a_report_has_each_program_and_how_they_compare() -> None:
    kinds = ["port", "sym"]
    ours = [cell(("port", "port"), FAST), cell(("port", "sym"), LATE), cell(("sym", "sym"), RELAYED)]
    theirs = [
        cell(("port", "port"), LATE, program="aioice"),
        cell(("port", "sym"), FAILED, program="aioice"),
        cell(("sym", "sym"), LATE, program="aioice"),
    ]
    lines = report([*ours, *theirs], kinds).splitlines()
    assert "| port | D 100 | D 300 (R 210) |" in lines
    assert "| port | D 300 (R 210) | fail |" in lines
    assert "| port | 0.33 |  |" in lines
    assert "mesh99: 3 of 3 pairs connected, 2 of 3 pairs with UDP direct" in lines
    assert "- port / sym: nothing came" in lines


def test_a_picture_has_a_panel_for_each_program_and_a_number_for_each_pair() -> None:
    ours = [cell(("port", "port"), FAST), cell(("port", "sym"), LATE), cell(("sym", "sym"), RELAYED)]
    theirs = [cell(("port", "port"), FAILED, program="aioice")]
    drawn = ElementTree.fromstring(picture.svg([*ours, *theirs]))
    texts = ["".join(each.itertext()) for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("symseq") == 4
    assert {"mesh99", "aioice + coturn", "100", "300", "R 210", "150", "fail"} <= set(texts)
    fills = [each.get("fill") for each in drawn.iter("{http://www.w3.org/2000/svg}rect")]
    assert [fills.count(picture.COLOURS[path]) for path in ("D", "R", "")] == [3, 2, 2]


def test_a_document_is_read_as_it_was_written() -> None:
    cells = [cell(("port", "sym"), FAST, LATE, FAILED)]
    assert json.loads(document(cells))[0]["cell"] == "-1+D2 200 (R 210)"
    assert read_document(document(cells)) == cells


def test_programs_take_turns_and_a_later_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    course: list[tuple[str, Sites]] = []
    said: list[str] = []

    def attempt(program: Program, sites: Sites, delay_s: float, loss: float) -> Outcome:
        course.append((program.start(sites), sites))
        return FAST

    def go(*pairs: Sites) -> list[Cell]:
        programs: dict[str, Program] = {"mesh99": Mesh(), "aioice": Ice(turn=True)}
        kept = tmp_path / "kept.json"
        return campaign.Campaign(
            programs=programs, pairs=pairs, runs=2, delay_s=0.02, kept=kept, say=said.append
        ).run()

    monkeypatch.setattr(campaign, "attempt", attempt)
    one, other = ("port", "port"), ("udpblock", "none")
    assert [str(cell) for cell in go(one)] == ["D 100", "D 100"]
    assert course == [("warm", one), ("cold", one)] * 2
    assert [cell.start for cell in go(one, other)] == ["warm", "cold", "cold", "cold"]
    assert course[4:] == [("cold", other)] * 4
    assert "1 pairs left, about 0 min" in said


def test_a_run_that_fails_in_the_lab_is_one_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> Outcome:
        raise TimeoutError("a peer is not ready")

    monkeypatch.setattr(matrix, "measure", fail)
    outcome = matrix.attempt(Mesh(), ("port", "port"), 0.02, 0.0)
    assert outcome == Outcome("none", error="TimeoutError: a peer is not ready")
