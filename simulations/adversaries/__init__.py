"""Adversaries: parties whose nodes run the real Overlay with one part replaced, one kind a file."""

from __future__ import annotations

from ..stage import Stage
from .adversary import Adversary
from .censor import Censor
from .eclipse import Eclipse
from .flooder import Flooder
from .liar import Liar
from .lying_observer import LyingObserver
from .lying_registry import LyingRegistry
from .lying_relay import LyingRelay
from .poisoner import Poisoner
from .replayer import Replayer
from .slow_loris import SlowLoris
from .sybil import Sybil

KINDS: dict[str, type[Adversary]] = {
    "sybil": Sybil,
    "eclipse": Eclipse,
    "poisoner": Poisoner,
    "censor": Censor,
    "liar": Liar,
    "flooder": Flooder,
    "slow-loris": SlowLoris,
    "lying-observer": LyingObserver,
    "lying-relay": LyingRelay,
    "lying-registry": LyingRegistry,
    "replayer": Replayer,
}


def build_adversaries(stage: Stage) -> list[Adversary]:
    """Return the adversaries of a scenario; each begins with `start`."""
    specs = enumerate(stage.scenario.adversary)
    return [KINDS[spec.kind](stage, spec, number) for number, spec in specs]
