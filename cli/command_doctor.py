"""`mesh99 doctor`: look at everything a node needs, and say what to do about what is wrong."""

from __future__ import annotations

import click

from .exit_codes import ExitCode
from .failure import Failure
from .options import MeshCommand, pass_environment
from .output import Environment

STYLES = {"ok": "green", "warn": "yellow", "bad": "bold red"}


@click.command("doctor", cls=MeshCommand)
@pass_environment
def command(environment: Environment) -> None:
    """Examine this machine and this node; exit code 1 when something is bad."""
    from dataclasses import asdict

    from .doctor import examine

    with environment.waiting("examining"):
        findings = examine(environment.home)
    environment.result([asdict(finding) for finding in findings], lambda: None)
    if not environment.as_json:
        console = environment.console()
        for finding in findings:
            console.print(f"{finding.state:<6}", style=STYLES[finding.state], end="")
            environment.line(f"{finding.check:<18}{finding.text}")
            if finding.hint:
                environment.line(f"{'':<24}hint: {finding.hint}")
    bad = [finding.check for finding in findings if finding.state == "bad"]
    if bad:
        raise Failure(f"bad: {', '.join(bad)}", None, ExitCode.NOT_DONE)
