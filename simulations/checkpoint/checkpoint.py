"""A run that was interrupted, put aside in a file, and taken up again to the same end as if nothing had been.

A file holds a line that names the format, a line of JSON (what runs, and by which code), and the graph of all objects
of the run. Objects of other code cannot be trusted to fit, so a checkpoint of another version is refused; the same run
can always be made again from its seed.

The tiers whose runs cannot be written (coroutines cannot; the model is quick) leave the header alone, and going on
means the same run again from its start. Real processes can do neither.

Reading a checkpoint can run any code that its writer chose, as with every pickle: take up only files of your own.
"""

from __future__ import annotations

import json
import pickle
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ...wire.errors import ConfigError
from ..code_version import code_version, differences
from ..outcome import Outcome
from ..scenario.reading import parse, write
from ..scenario.schema import Scenario
from . import object_graph

MAGIC = b"mesh99 checkpoint 1\n"
HEADER_BYTES_MAX = 1 << 20
"""A scenario has a few kilobytes; more means that the file is something else."""

SUFFIX = ".checkpoint"
NONE_HINT = "an interrupted `mesh99 sim run ... --out DIR` leaves one beside its result"
OTHER_HINT = "run it again from the start: the same seed gives the same run within one version"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointHeader:
    """What was put aside."""

    scenario: str
    """Its definition, as TOML."""
    seed: int
    crypto: str
    virtual_s: float
    """How far it came."""
    code: str
    whole: bool = True
    """The objects of the run follow; False: it starts again."""

    @property
    def text(self) -> str:
        """Say in a line what going on means."""
        if self.whole:
            return f"goes on at {self.virtual_s:.1f} virtual seconds"
        return "runs of this tier cannot be written, so the same run is made again from its start"


def beside(result: Path) -> Path:
    """Return where the checkpoint of a run lies whose result is in a file."""
    return result.with_suffix(SUFFIX)


def going_on(path: Path, scenario: Scenario, crypto: str) -> str:
    """Say in a line what going on means; raises ConfigError when the checkpoint is of another run than is asked for."""
    header = header_of(path)
    if header.crypto != crypto:
        raise ConfigError(str(path), f"is of a run with --crypto {header.crypto}, not {crypto}")
    if parse(header.scenario, str(path)) != scenario:
        raise ConfigError(
            str(path),
            "is of a run with other settings",
            "ask for the same ones to go on, or run without --resume to begin anew",
        )
    return header.text


def save(run: object, path: Path, *, scenario: str, seed: int, crypto: str, virtual_s: float) -> None:
    """Write a run and all that belongs to it; no half file is left. Raises ConfigError."""
    header = CheckpointHeader(
        scenario=scenario, seed=seed, crypto=crypto, virtual_s=virtual_s, code=code_version()
    )
    _write(path, header, lambda file: object_graph.dump(run, file))


def save_start(outcome: Outcome, path: Path) -> None:
    """Write what is needed to make an interrupted run again from its start; raises ConfigError."""
    header = CheckpointHeader(
        scenario=write(outcome.scenario),
        seed=outcome.seed,
        crypto=outcome.crypto,
        virtual_s=outcome.figures.get("virtual_s", 0.0),
        code=code_version(),
        whole=False,
    )
    _write(path, header, lambda file: None)


def start_of(header: CheckpointHeader, path: Path) -> Scenario:
    """Return the scenario of a run that starts again; raises ConfigError when that would be another run."""
    _refuse_other_code(header, path)
    scenario = parse(header.scenario, str(path))
    if scenario.tier == "processes":
        raise ConfigError(str(path), "runs of real processes cannot go on", "run it again from the start")
    return scenario


def header_of(path: Path) -> CheckpointHeader:
    """Read what a checkpoint holds; raises ConfigError."""
    with _opened(path) as file:
        return _read_header(file, path)


def load(path: Path) -> Any:
    """Read a run back, ready to go on; raises ConfigError when other code wrote it, or when it is damaged."""
    with _opened(path) as file:
        header = _read_header(file, path)
        _refuse_other_code(header, path)
        try:
            return object_graph.load(file)
        except (EOFError, zlib.error, pickle.UnpicklingError) as error:
            raise ConfigError(str(path), f"is damaged: {error}", OTHER_HINT) from error
        except FileNotFoundError as error:
            raise ConfigError(
                str(error.filename), "is gone: the trace of the run that was put aside"
            ) from error


def _write(path: Path, header: CheckpointHeader, dump: Callable[[BinaryIO], None]) -> None:
    unfinished = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            file.write(MAGIC + json.dumps(asdict(header)).encode() + b"\n")
            dump(file)
        unfinished.replace(path)
    except OSError as error:
        raise ConfigError(str(path), f"cannot be written: {error.strerror or error}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _refuse_other_code(header: CheckpointHeader, path: Path) -> None:
    changed = differences(header.code, code_version())
    if changed:
        raise ConfigError(str(path), f"was written by another version ({'; '.join(changed)})", OTHER_HINT)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read: {error.strerror or error}", NONE_HINT) from error


def _read_header(file: BinaryIO, path: Path) -> CheckpointHeader:
    if file.read(len(MAGIC)) != MAGIC:
        raise ConfigError(str(path), "is no checkpoint", NONE_HINT)
    try:
        return CheckpointHeader(**json.loads(file.readline(HEADER_BYTES_MAX)))
    except (TypeError, ValueError) as error:
        raise ConfigError(str(path), "is damaged: its header cannot be read", OTHER_HINT) from error
