"""How a command says that it did not work: one error, one hint, one exit code."""

from __future__ import annotations

import click

from .exit_codes import ExitCode


class Failure(Exception):
    """What a person reads when a command ends badly: `error: ...`, `hint: ...`."""

    def __init__(self, text: str, hint: str | None = None, exit_code: int = ExitCode.NOT_DONE) -> None:
        super().__init__(text)
        self.hint = hint
        self.exit_code = exit_code


def failure_of(error: BaseException) -> Failure:
    """Turn any exception into what a person reads."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, click.ClickException):
        return usage_failure(error)
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return Failure("interrupted", None, ExitCode.INTERRUPTED)
    # The node's modules load late: most commands end well, or with a Failure, and do without them.
    from ..node.control_protocol import failure

    told = failure(error)
    if told["exit_code"] == ExitCode.INTERNAL:
        return Failure(told["error"], "run it again with --debug to see the trace", ExitCode.INTERNAL)
    return Failure(told["error"], told["hint"], told["exit_code"])


def usage_failure(error: click.ClickException) -> Failure:
    """Turn click's complaint about the command line into a line and the place that helps."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f"{context.command_path} --help" if context else None
    text = error.format_message().rstrip(".")
    begins_with_acronym = text[1:2].isupper()
    return Failure(text if begins_with_acronym else text[:1].lower() + text[1:], hint, ExitCode.USAGE)
