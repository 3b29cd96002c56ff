"""Libraries that come with the extra `sim`: imported when they are needed, missed in one line."""

from __future__ import annotations

import importlib
from typing import Any

from ...wire.errors import ConfigError

HINT = "pip install 'mesh99[sim]'"


def library(name: str, purpose: str) -> Any:
    """Import a module of an optional library; ConfigError tells what it is for and how to get it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigError(name.split(".")[0], f"is not installed, and needed for {purpose}", HINT) from error
