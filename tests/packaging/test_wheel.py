"""The wheel holds every module of the tree, nothing else, and works away from the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ("wire", "dht", "nat", "node", "cli", "simulations")
LEFT_OUT = (".git", ".venv*", ".*_cache", "build", "dist", "*.egg-info", "__pycache__")

IMPORT_ALL = """
import importlib, pkgutil, mesh99
names = [module.name for module in pkgutil.walk_packages(mesh99.__path__, "mesh99.")]
for name in names:
    importlib.import_module(name)
print(mesh99.__file__)
print(len(names))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build from a copy: setuptools would pick up what an earlier build left in `build/`."""
    folder = tmp_path_factory.mktemp("wheel")
    left_out = shutil.ignore_patterns(*LEFT_OUT)
    shutil.copytree(ROOT, folder / "tree", ignore=left_out, symlinks=True)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    _run([*command, str(folder / "tree")])
    (built,) = folder.glob("mesh99-*.whl")
    return built


def _run(command: list[str], cwd: Path | None = None) -> str:
    pure = {name: value for name, value in os.environ.items() if name != "MESH99_COMPILED"}
    done = subprocess.run(
        command, cwd=cwd, env=pure, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _modules_of_the_tree() -> set[str]:
    inside = [path for folder in PACKAGE for path in (ROOT / folder).rglob("*.py")]
    return {str(path.relative_to(ROOT)) for path in inside} | {"__init__.py"}


def test_the_wheel_holds_the_modules_of_the_tree_and_no_others(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    modules = {name.removeprefix("mesh99/") for name in names if name.endswith(".py")}
    assert modules == _modules_of_the_tree()
    assert "mesh99/py.typed" in names


def test_the_wheel_holds_no_tests_benchmarks_or_examples(wheel: Path) -> None:
    second = {Path(name).parts[1] for name in zipfile.ZipFile(wheel).namelist() if name.startswith("mesh99/")}
    assert second.isdisjoint({"tests", "benchmarks", "examples", "docs", ".view", ".ci"})


def test_the_wheel_carries_licence_and_description(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        text = archive.read(metadata).decode()
        assert any(name.endswith("/LICENSE") for name in archive.namelist())
    assert "License-Expression: MIT" in text
    assert "# mesh99" in text


def test_the_installed_wheel_imports_and_runs_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    (packages,) = environment.glob("lib/python*/site-packages")
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--quiet"]
    _run([*install, "--disable-pip-version-check", str(wheel)])
    # Dependencies come from the environment that runs the tests; .pth files in there are not followed.
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")

    origin, modules = _run([str(python), "-I", "-c", IMPORT_ALL], cwd=tmp_path).split()
    assert Path(origin).is_relative_to(environment)
    assert int(modules) >= len(_modules_of_the_tree()) - 1
    assert "Usage" in _run([str(environment / "bin" / "mesh99"), "--help"], cwd=tmp_path)
