"""The options that every command takes, before or after its name, and the groups that load commands late."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from .exit_codes import ExitCode
from .failure import failure_of
from .output import Environment

pass_environment = click.make_pass_decorator(Environment, ensure=True)


def common_options(home_variable: str | None = None) -> list[click.Parameter]:
    """Return new --home, --json, --verbose and --debug options; one that is given sets the Environment."""
    return [
        _option(
            ["--home"],
            "home",
            "Directory of the node [default: ~/.mesh99].",
            envvar=home_variable,
            show_envvar=True,
            metavar="DIR",
            type=click.Path(path_type=Path, file_okay=False),
        ),
        _option(["--json"], "as_json", "Print one JSON document.", is_flag=True),
        _option(["-v", "--verbose"], "verbose", "Say more on stderr.", is_flag=True),
        _option(["--debug"], "debug", "Say everything, and show the trace of an error.", is_flag=True),
    ]


def _option(flags: list[str], field: str, help: str, **settings: Any) -> click.Option:
    def set_field(context: click.Context, _: click.Parameter, value: object) -> None:
        if value:
            setattr(context.ensure_object(Environment), field, value)

    return click.Option([*flags, field], help=help, expose_value=False, callback=set_field, **settings)


class MeshCommand(click.Command):
    """A command with the common options after its own."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.params.extend(common_options())


class MeshGroup(click.Group):
    """A group whose commands each live in `command_<name>.py`, loaded when they are needed."""

    command_class = MeshCommand
    group_class = type

    def __init__(self, *arguments: Any, late: Mapping[str, str] | None = None, **settings: Any) -> None:
        """Take `late`: names of commands and the modules, relative to this package, that hold them."""
        super().__init__(*arguments, **settings)
        self.late = late or {}

    def list_commands(self, context: click.Context) -> list[str]:
        return [*self.late, *super().list_commands(context)]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.late:
            return super().get_command(context, name)
        module = importlib.import_module(f".{self.late[name]}", __package__)
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def main(self, *arguments: Any, **settings: Any) -> Any:
        """Run the command line; every way to end is an exit code, every error a line and a hint."""
        environment = Environment()
        settings.update(standalone_mode=False, obj=environment, prog_name="mesh99")
        try:
            status = super().main(*arguments, **settings)
        except click.exceptions.NoArgsIsHelpError as error:
            environment.note(error.format_message())
            sys.exit(ExitCode.USAGE)
        except (Exception, KeyboardInterrupt) as error:
            if environment.debug:
                sys.excepthook(type(error), error, error.__traceback__)
            failure = failure_of(error)
            environment.fail(failure)
            sys.exit(failure.exit_code)
        sys.exit(status if isinstance(status, int) else ExitCode.DONE)


timeout_option = click.option(
    "--timeout",
    "timeout_s",
    default=5.0,
    show_default=True,
    type=click.FloatRange(0.001, 3600),
    metavar="S",
    help="Seconds to wait.",
)

explain_option = click.option(
    "--explain", is_flag=True, help="Show who was asked, what they said, and how long each step took."
)

watch_option = click.option(
    "--watch",
    is_flag=True,
    help="Go on with a line for each change, until Ctrl-C; with --json an object a line.",
)

until_eof_option = click.option(
    "--until-eof", is_flag=True, help="Stop when standard input ends, for a program that starts this one."
)
