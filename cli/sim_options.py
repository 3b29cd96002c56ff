"""What `mesh99 sim run`, `sweep` and others take alike: a scenario, and changes to it."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from .exit_codes import ExitCode
from .failure import Failure

if TYPE_CHECKING:
    from ..simulations.scenario.schema import Scenario

Command = TypeVar("Command", bound=Callable[..., Any])

scenario_argument = click.argument("scenario_name", metavar="SCENARIO")

crypto_option = click.option(
    "--crypto",
    default="simulated",
    show_default=True,
    type=click.Choice(["simulated", "real"]),
    help="Cipher suite: a cheap one, or that of real nodes; the order of events is the same.",
)

seed_option = click.option(
    "--seed", default=1, show_default=True, type=click.IntRange(0), metavar="S", help="Of all randomness."
)

CHANGES = (
    click.option("--nodes", type=click.IntRange(1), metavar="N", help="Honest nodes."),
    click.option(
        "--hours",
        type=click.FloatRange(0, min_open=True),
        metavar="H",
        help="Virtual hours that are measured.",
    ),
    click.option("--tier", metavar="TIER", help="model, heap, agents or processes."),
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="KEY=VALUE",
        help="Change the scenario: churn.session.scale=2h, partition.0.share=25%. [repeatable]",
    ),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A scenario as the command line asks for it."""

    scenario: Scenario
    words: tuple[str, ...]
    """The part of the command line that says so."""

    def line(self, seed: int, crypto: str) -> str:
        """Return the command that runs it."""
        more = ("--crypto", crypto) if crypto == "real" else ()
        return shlex.join(["mesh99", "sim", "run", *self.words, "--seed", str(seed), *more])


def scenario_options(command: Command) -> Command:
    """Add the options that change a scenario; the command gets `asked` instead of them and of the name."""

    @wraps(command)
    def with_scenario(*arguments: Any, scenario_name: str, **options: Any) -> Any:
        changes = {name: options.pop(name) for name in ("nodes", "hours", "tier", "settings")}
        return command(*arguments, asked=asked(scenario_name, **changes), **options)

    decorated: Any = with_scenario
    for option in reversed(CHANGES):
        decorated = option(decorated)
    return cast(Command, decorated)


def asked(
    name: str, nodes: int | None, hours: float | None, tier: str | None, settings: tuple[str, ...]
) -> Asked:
    """Return a scenario with the changes of a command line."""
    from ..simulations.scenario.catalog import load
    from ..simulations.scenario.changes import with_changes
    from ..wire.errors import ConfigError

    given = {"--nodes": nodes, "--hours": hours, "--tier": tier}
    words = [
        name,
        *(word for flag, value in given.items() if value is not None for word in (flag, str(value))),
    ]
    changes = {"population.nodes": nodes, "duration": None if hours is None else f"{hours!r}h", "tier": tier}
    texts = {key: str(value) for key, value in changes.items() if value is not None}
    words += [word for text in settings for word in ("--set", text)]
    try:
        scenario = with_changes(load(name), {**texts, **_settings(settings)})
    except ConfigError as error:
        # Wrong usage whatever the cause, a file that is not there included.
        raise Failure(str(error), error.hint, ExitCode.USAGE) from error
    return Asked(scenario, tuple(words))


def _settings(settings: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in settings:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise click.BadParameter(f"{text!r} is no KEY=VALUE", param_hint="--set")
        found[key.strip()] = value.strip()
    return found
