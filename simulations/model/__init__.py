"""Tier T0: lookups in a network of up to millions of nodes, as a vectorised model that needs no nodes."""

from __future__ import annotations

from importlib.util import find_spec

from ...wire.errors import ConfigError

if find_spec("numpy") is None:
    raise ConfigError("tier", "the model needs numpy", "pip install 'mesh99[sim]'")
