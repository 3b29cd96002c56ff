"""One measured process: all nodes of one system."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from ..child import Parent
from ..loops import run
from .phases import PHASES, Life
from .systems import Adapter


async def main(parent: Parent) -> None:
    """Run the phases that the parent asks for; what goes wrong is the answer."""
    settings = parent.settings
    try:
        network = cast(Adapter, import_module(settings["module"])).make_network()
        life = Life(network, settings["nodes"], settings["keys"], settings["budget_s"], settings["seed"])
        parent.answer({"made": True})
        async for question in parent.questions():
            parent.answer(await PHASES[question["phase"]](life))
        await network.close()
    except Exception as error:
        parent.answer({"error": f"{type(error).__name__}: {error}"})
        raise


if __name__ == "__main__":
    the_parent = Parent()
    run(main(the_parent), the_parent.settings["loop"])
