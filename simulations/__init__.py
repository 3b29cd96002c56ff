"""Many nodes on a virtual clock: the same code as in the real world, and the same bytes for the same seed."""

from .run import run_scenario, scenarios

__all__ = ["run_scenario", "scenarios"]
