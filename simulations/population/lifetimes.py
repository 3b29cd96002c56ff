"""How long sessions and absences last: Weibull, exponential, Pareto or fixed.

A network that is looked at at some moment has been up for long before. What is left of a session that is under way
then is not distributed as a whole session is: long sessions are met more often (in proportion to their length), and are
met anywhere between their ends. `residual` draws from that equilibrium, so that a population that begins with it is
stationary from its first second.
"""

from __future__ import annotations

from math import gamma, inf
from random import Random

from ..scenario.schema import Lifetimes


def mean_s(lifetimes: Lifetimes) -> float:
    """Return the mean; infinite for a Pareto distribution of shape 1 or less."""
    shape, scale = lifetimes.shape, float(lifetimes.scale)
    if lifetimes.distribution == "weibull":
        return scale * gamma(1 + 1 / shape)
    if lifetimes.distribution == "pareto":
        return scale * shape / (shape - 1) if shape > 1 else inf
    return scale


def draw_s(lifetimes: Lifetimes, random: Random) -> float:
    """Draw a whole lifetime."""
    shape, scale = lifetimes.shape, float(lifetimes.scale)
    if lifetimes.distribution == "weibull":
        return random.weibullvariate(scale, shape)
    if lifetimes.distribution == "pareto":
        return scale * random.paretovariate(shape)
    return random.expovariate(1 / scale) if lifetimes.distribution == "exponential" else scale


def residual_s(lifetimes: Lifetimes, random: Random) -> float:
    """Draw what is left of a lifetime that is met at a random moment; a whole one where there is no equilibrium."""
    return random.random() * _met_s(lifetimes, random)


def _met_s(lifetimes: Lifetimes, random: Random) -> float:
    """Draw a lifetime with a probability in proportion to its length."""
    shape, scale = lifetimes.shape, float(lifetimes.scale)
    if lifetimes.distribution == "weibull":
        # (x / scale) ** shape is exponential, and Gamma(1 + 1 / shape) when weighted by x.
        return float(scale * random.gammavariate(1 + 1 / shape, 1.0) ** (1 / shape))
    if lifetimes.distribution == "pareto":
        # Weighted by x, the tail loses one power.
        return scale * random.paretovariate(shape - 1) if shape > 1 else inf
    if lifetimes.distribution == "exponential":
        return random.gammavariate(2.0, scale)
    return scale
