"""What `mesh99 demo` plays: processes that start, find each other and talk, and the story of it."""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .child_process import ChildProcess
from .client import Client
from .failure import Failure
from .output import Environment, short

AGENT_MODULE = "mesh99.cli.demo_agent"
FOUND_WITHIN_S = 5.0
ASK_AGAIN_S = 0.05

TEXT = (
    "Agents need direct lines to each other. Some of them live in data centres. A broker in the middle sees "
    "every message, slows every message down, and is missed by all when it fails. The weather was fine that "
    "day. With direct lines agents find each other, agree on keys, and send each message over the shortest "
    "path. Lunch was soup."
)


def play(environment: Environment) -> dict[str, Any]:
    """Play the demonstration in a directory of its own, leave nothing behind, and return its figures."""
    with tempfile.TemporaryDirectory(prefix="mesh99-demo-") as directory, _sigterm_interrupts():
        demo = Demo(environment, Path(directory))
        try:
            return demo.run()
        finally:
            demo.stop()


class Demo:
    """The processes of one demonstration, and what is told of them."""

    def __init__(self, environment: Environment, directory: Path) -> None:
        self.directory = directory
        self.story = Story(environment)
        self.children: dict[str, ChildProcess] = {}
        self.asker = Client(directory / "reader")

    def run(self) -> dict[str, Any]:
        """Play it through and return the figures."""
        self.story.title("A registry and three agents, each in its own process")
        url = self._start_registry()
        agents = self._start_agents(url)
        found_ms = self._find()
        answer = self._ask()
        self.children["registry"].stop()
        again = self._request()
        self.story.step(
            "registry stopped", f"the next request is answered all the same, in {again['ms']:.1f} ms"
        )
        self.story.end(answer["reply"]["text"])
        return {
            "agents": agents,
            "found_ms": found_ms,
            "request_ms": answer["ms"],
            "request_without_registry_ms": again["ms"],
            "path": answer["path"],
            "reply": answer["reply"],
        }

    def stop(self) -> None:
        """Stop every process that was started, all at the same time."""
        for child in self.children.values():
            child.begin_stop()
        for child in self.children.values():
            child.stop()

    def _start_registry(self) -> str:
        with self.story.working("starting a registry"):
            ready = self._child("registry", "registry", "serve", "--listen", "127.0.0.1:0").ready()
        self.story.step("registry", ready["url"])
        return str(ready["url"])

    def _start_agents(self, url: str) -> list[dict[str, Any]]:
        programs = {
            "writer": ["--agent", f"{AGENT_MODULE}:writer"],
            "counter": ["--agent", f"{AGENT_MODULE}:counter"],
            "reader": ["--name", "reader"],
        }
        common = ["--listen", "127.0.0.1:0", "--registry", url]
        with self.story.working("starting three agents"):
            for name, program in programs.items():
                self._child(name, "--home", str(self.directory / name), "up", *common, *program)
            agents = [self.children[name].ready() for name in programs]
        for agent in agents:
            self.story.step(f"agent {agent['name']}", f"{short(agent['node_id'])} at {agent['endpoints'][0]}")
        return agents

    def _find(self) -> float:
        """Let the reader find who can summarize; return how long the search took that found it."""
        with self.story.working("looking for an agent that can summarize"):
            self.asker.call(
                "status"
            )  # the first call of a process loads its HTTP client: no part of a search
            deadline = time.monotonic() + FOUND_WITHIN_S
            while True:
                begin = time.perf_counter()
                found = self.asker.call("find", capability="summarize")
                found_ms = round((time.perf_counter() - begin) * 1e3, 3)
                if found:
                    break
                if time.monotonic() > deadline:
                    raise Failure(
                        "no agent that can summarize was found", "mesh99 doctor looks for the reason"
                    )
                time.sleep(ASK_AGAIN_S)
        names = ", ".join(agent["name"] for agent in found)
        self.story.step("reader finds", f"summarize is offered by {names}: {found_ms:.1f} ms through the DHT")
        return found_ms

    def _ask(self) -> dict[str, Any]:
        with self.story.working("asking it for a summary"):
            answer = self._request()
        way = f"encrypted, path {answer['path']}, no broker in between"
        self.story.step("reader asks", f"the reply took {answer['ms']:.1f} ms: {way}")
        return answer

    def _request(self) -> dict[str, Any]:
        body = {"text": TEXT, "words": 40}
        answer: dict[str, Any] = self.asker.call(
            "request", type="Summarize", body=body, capability="summarize"
        )
        return answer

    def _child(self, name: str, *arguments: str) -> ChildProcess:
        self.children[name] = ChildProcess(name, *arguments)
        return self.children[name]


class Story:
    """Tell what happens while it happens; with --json nothing is told."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._console = None if environment.as_json else environment.console()
        self._begin = time.perf_counter()

    def title(self, text: str) -> None:
        if self._console:
            self._console.print(text, style="bold")

    @contextmanager
    def working(self, what: str) -> Iterator[None]:
        with self._environment.waiting(what):
            yield

    def step(self, what: str, text: str) -> None:
        if self._console:
            self._console.print(f"{time.perf_counter() - self._begin:6.2f} s  ", style="dim", end="")
            self._console.print(f"{what:<18}", style="cyan", end="")
            self._console.print(text)

    def end(self, reply: str) -> None:
        if self._console:
            self._console.print("\nThe reply", style="bold")
            self._console.print(reply, style="green")


@contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    """Let SIGTERM end the demonstration as Ctrl-C does: in order."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
