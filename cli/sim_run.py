"""`mesh99 sim run`: one run of a scenario."""

from __future__ import annotations

import atexit
import gc
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .exit_codes import ExitCode
from .failure import Failure
from .options import MeshCommand, pass_environment
from .output import Environment
from .sim_interrupt import until_interrupted
from .sim_options import Asked, crypto_option, scenario_argument, scenario_options, seed_option
from .sim_result import end_of, show_result

if TYPE_CHECKING:
    from ..simulations.outcome import Outcome, RunOptions
    from ..simulations.scenario.schema import Scenario

GOES_ON = "the same command with --resume goes on from there"
NO_CHECKPOINT = "with --out DIR an interrupted run leaves a checkpoint there, and goes on with --resume"


@click.command("run", cls=MeshCommand)
@scenario_argument
@scenario_options
@seed_option
@crypto_option
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the result there, for report, replay and shrink.",
)
@click.option("--resume", is_flag=True, help="Go on with an interrupted run, from its checkpoint in --out.")
@click.option(
    "--trace",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write every event there, for diff.",
)
@click.option("--baseline", is_flag=True, help="Run the stock kademlia library on the same network, too.")
@pass_environment
def command(
    environment: Environment,
    asked: Asked,
    seed: int,
    crypto: str,
    out: Path | None,
    resume: bool,
    trace: Path | None,
    baseline: bool,
) -> None:
    """Run SCENARIO and print its figures.

    The same scenario and seed give the same digest: every packet is the same, at the same nanosecond. Ctrl-C ends it
    with what was measured so far.
    """
    from ..simulations.checkpoint.checkpoint import beside, going_on
    from ..simulations.outcome import RunOptions
    from ..simulations.report.document import file_name, write_outcome
    from .sim_view import run_view

    if resume and out is None:
        raise click.UsageError("--resume needs --out DIR: the checkpoint lies beside the result")
    checkpoint = None if out is None else beside(out / file_name(asked.scenario, seed))
    title = f"{asked.scenario.name}, {asked.scenario.population.nodes:,} nodes, seed {seed}"
    if resume and checkpoint is not None and checkpoint.exists():
        environment.note(going_on(checkpoint, asked.scenario, crypto))
    # What a run leaves goes with this process: to search all of it for circles first takes Python many seconds.
    atexit.register(gc.freeze)
    with until_interrupted() as stop:
        options = RunOptions(crypto=crypto, trace=trace, checkpoint=checkpoint, stop=stop)
        with run_view(environment, title, stop) as options.on_progress:
            outcome = _run(asked.scenario, seed, options, checkpoint if resume else None)
        if baseline:
            outcome = _with_baseline(environment, outcome, options)
    path = None if out is None else write_outcome(outcome, out)
    replay = asked.line(seed, crypto)
    show_result(environment, outcome, replay, path)
    advice = GOES_ON if checkpoint is not None and checkpoint.exists() else NO_CHECKPOINT
    ended = end_of(outcome, replay, advice, path)
    if ended is not None:
        raise ended


def _run(scenario: Scenario, seed: int, options: RunOptions, checkpoint: Path | None) -> Outcome:
    """Run a scenario, or go on with what was put aside of it."""
    from ..simulations.run import resume, run_outcome

    if checkpoint is None:
        return run_outcome(scenario, seed, options)
    if not checkpoint.exists():
        raise Failure(
            f"{checkpoint}: there is no interrupted run to go on with", NO_CHECKPOINT, ExitCode.USAGE
        )
    outcome = resume(checkpoint, options)
    if not outcome.interrupted:
        checkpoint.unlink(missing_ok=True)
    return outcome


def _with_baseline(environment: Environment, outcome: Outcome, options: RunOptions) -> Outcome:
    """Add what the stock library does in the same network, as figures and curves that begin with `baseline_`."""
    from ..simulations.agents.baseline import with_baseline
    from .sim_view import run_view

    options = replace(options, trace=None, checkpoint=None)
    title = f"stock kademlia in {outcome.scenario.name}"
    with run_view(environment, title, options.stop) as options.on_progress:
        return with_baseline(outcome, options)
