"""Find the Node object of a user's own program: `MODULE:NODE`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from ..node.node import Node
from .exit_codes import ExitCode
from .failure import Failure


def load_agent(reference: str) -> Node:
    """Import `MODULE` (the working directory counts) and return its `NODE`; raises Failure."""
    module_name, _, node_name = reference.partition(":")
    if not module_name or not node_name:
        raise _bad(reference, "it must be MODULE:NODE", "as in --agent my_agent:node")
    sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise _bad(reference, f"{module_name} needs {error.name}", "install it first") from error
        raise _bad(
            reference, f"there is no module {module_name}", "run this where the module lies"
        ) from error
    except Exception as error:
        text = f"{module_name} cannot be imported: {type(error).__name__}: {error}"
        raise _bad(reference, text, "--debug shows the trace") from error
    node = getattr(module, node_name, None)
    if not isinstance(node, Node):
        kind = "nothing" if node is None else f"a {type(node).__name__}"
        raise _bad(reference, f"{node_name} is {kind}, not a Node", "as in node = Node(name=...)")
    return node


def _bad(reference: str, problem: str, hint: str) -> Failure:
    return Failure(f"--agent {reference}: {problem}", hint, ExitCode.USAGE)
