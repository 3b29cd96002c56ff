"""The rules of the house that no tool checks: sizes, imports, order, left-overs, exported names."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ("wire", "dht", "nat", "node", "cli", "simulations")
SANS_IO = ("wire", "dht", "nat", "node/overlay", "node/messages", "simulations")
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
# Spelled in two halves, so that this file does not find itself.
LEFT_OVER = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "NotImplemented" + "Error")))
EVERYWHERE = (*PACKAGE, "tests", "benchmarks", "examples")
FOREIGN_PATH = re.compile(r"(?<![\w.])/(home|Users|root|opt|work|mnt)/\w")

# What a user may import from a folder itself. Adding a name is a decision, taking one away breaks somebody.
EXPORTED = {
    "mesh99": "",
    "mesh99.wire": "Contact DecodeError Endpoint Identity MeshError NodeId NodeRecord PublicKey Record",
    "mesh99.dht": "Dht DhtConfig GetResult Hop LookupResult Outcome Publication PutResult Request",
    "mesh99.node": "DeadlineExceeded Header InvalidMessage LookupFailed MeshError Message NoPath Node NodeConfig "
    "NodeId NodeRecord RemoteRejected",
    "mesh99.node.messages": "CallsConfig Dispatcher DispatcherConfig Envelope Header Headers InvalidMessage Message "
    "PendingCalls",
    "mesh99.node.registry": "ClientConfig Presence PresenceConfig RegistryClient RegistryConfig packet_for",
    "mesh99.simulations": "run_scenario scenarios",
}

Rule = Callable[[ast.Module], Iterator[str]]


def _files(folders: tuple[str, ...], suffixes: tuple[str, ...] = (".py",)) -> list[Path]:
    found = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in suffixes]
    return sorted(path for path in found if not _is_hidden(path))


def _is_hidden(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return any(part.startswith(".") or part in ("build", "dist", "__pycache__") for part in parts)


SOURCES = _files(EVERYWHERE)
TEXTS = [*_files((*EVERYWHERE, "docs"), (".py", ".md", ".sh", ".svg")), *sorted(ROOT.glob("*.md"))]


def _offences(rule: Rule, files: list[Path]) -> list[str]:
    assert files
    return [
        f"{path.relative_to(ROOT)}:{offence}"
        for path in files
        for offence in rule(ast.parse(path.read_text()))
    ]


def test_a_file_holds_one_idea() -> None:
    lines = {str(path.relative_to(ROOT)): path.read_text().count("\n") for path in SOURCES}
    assert {name: count for name, count in lines.items() if count > FILE_LINES_MAX} == {}


def test_a_function_fits_a_glance() -> None:
    assert _offences(long_functions, SOURCES) == []


def test_our_folders_are_never_imported_by_their_bare_names() -> None:
    assert _offences(bare_imports, SOURCES) == []


def test_imports_inside_the_package_are_relative() -> None:
    assert _offences(absolute_imports, _files(PACKAGE)) == []


def test_no_order_comes_from_a_set() -> None:
    assert _offences(ordered_sets, _files(SANS_IO)) == []


def test_no_error_is_swallowed() -> None:
    assert _offences(swallowed_errors, SOURCES) == []


def test_no_left_overs() -> None:
    assert [str(path) for path in TEXTS if LEFT_OVER.search(path.read_text())] == []


def test_no_path_of_one_machine() -> None:
    found = {str(path): FOREIGN_PATH.findall(path.read_text()) for path in TEXTS}
    assert {path: matches for path, matches in found.items() if matches} == {}


def long_functions(tree: ast.Module) -> Iterator[str]:
    """Find functions over the limit."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield f"{node.lineno}: {node.name} has {lines} lines"


def bare_imports(tree: ast.Module) -> Iterator[str]:
    """Find `import node` and its like: it works in the checkout only, and collides in a user's process."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        else:
            continue
        yield from (f"{node.lineno}: {name}" for name in names if name.split(".")[0] in PACKAGE)


def absolute_imports(tree: ast.Module) -> Iterator[str]:
    """Find `from mesh99.x import y`, which tools that follow paths cannot follow."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "mesh99":
            yield f"{node.lineno}: {node.module}"


def swallowed_errors(tree: ast.Module) -> Iterator[str]:
    """Find `except Exception: pass`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and [type(step) for step in node.body] == [ast.Pass]:
            caught = ast.unparse(node.type) if node.type else "BaseException"
            if caught in ("Exception", "BaseException"):
                yield f"{node.lineno}: except {caught}: pass"


@pytest.mark.parametrize("name", EXPORTED)
def test_exported_names_are_those_agreed(name: str) -> None:
    assert set(getattr(importlib.import_module(name), "__all__", ())) == set(EXPORTED[name].split())


def test_every_folder_with_exports_is_in_the_list() -> None:
    inits = [path for path in _files(PACKAGE) if path.name == "__init__.py" and "__all__" in path.read_text()]
    modules = {".".join(("mesh99", *path.parent.relative_to(ROOT).parts)) for path in inits}
    assert modules == {name for name in EXPORTED if EXPORTED[name]}


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("for x in {1, 2}:\n    pass", [1]),
        ("seen: set[bytes] = set()\nfor x in seen:\n    pass", [2]),
        ("class A:\n    def f(self):\n        self.s = set()\n        return [x for x in self.s]", [4]),
        ("seen = frozenset(y)\nfirst = list(seen)", [2]),
        ("def f(ids: set[int]):\n    return tuple(ids | {3})", [2]),
        ("seen = set()\nseen.pop()", [2]),
        ("seen = set()\nfor x in sorted(seen):\n    print(x in seen, len(seen))", []),
        ("seen = {}\nfor x in seen:\n    pass", []),
        ("a = set(b)\nc = {x for x in a}", []),
    ],
)
def test_the_search_for_ordered_sets_sees_what_it_should(source: str, lines: list[int]) -> None:
    assert [int(found.split(":")[0]) for found in ordered_sets(ast.parse(source))] == lines


def ordered_sets(tree: ast.Module) -> Iterator[str]:
    """Find the places where the order of a set's items could show: it differs from process to process.

    Names count as sets when the file annotates or assigns them so anywhere. Building another set is fine.
    """
    sets = _set_names(tree)
    set_builders = [node for node in ast.walk(tree) if isinstance(node, ast.SetComp)]
    unordered = {id(generator) for builder in set_builders for generator in builder.generators}
    for node in ast.walk(tree):
        if isinstance(node, ast.For) and _is_set(node.iter, sets):
            yield f"{node.lineno}: for over a set"
        elif isinstance(node, ast.comprehension) and id(node) not in unordered and _is_set(node.iter, sets):
            yield f"{node.iter.lineno}: comprehension over a set"
        elif isinstance(node, ast.Call) and _takes_order(node, sets):
            yield f"{node.lineno}: order of a set is used"


def _takes_order(call: ast.Call, sets: set[str]) -> bool:
    function = call.func
    if isinstance(function, ast.Name) and function.id in ("list", "tuple", "iter", "enumerate", "zip"):
        return any(_is_set(argument, sets) for argument in call.args)
    return isinstance(function, ast.Attribute) and function.attr == "pop" and _is_set(function.value, sets)


def _set_names(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and _is_set_type(node.annotation):
            names.add(ast.unparse(node.target))
        elif isinstance(node, ast.arg) and node.annotation is not None and _is_set_type(node.annotation):
            names.add(node.arg)
        elif isinstance(node, ast.Assign) and _is_set(node.value, set()):
            names.update(ast.unparse(target) for target in node.targets)
    return names


def _is_set_type(annotation: ast.expr) -> bool:
    return re.match(r"(set|frozenset|AbstractSet)\b", ast.unparse(annotation)) is not None


def _is_set(node: ast.expr, sets: set[str]) -> bool:
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in ("set", "frozenset")
    if isinstance(node, ast.BinOp):
        return _is_set(node.left, sets) or _is_set(node.right, sets)
    return isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node) in sets
