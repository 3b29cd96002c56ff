"""One measured process: all nodes of one system, or a part of them."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from ..child import Parent
from ..loops import run
from .phases import PHASES, SETTINGS, Life, Settings
from .systems import Adapter
from .ways import make_way


async def main(parent: Parent) -> None:
    """Run the phases that the parent asks for; what goes wrong is the answer."""
    settings = parent.settings
    try:
        way = make_way(settings["net"], settings["cpus"], settings["seed"])
        network = cast(Adapter, import_module(settings["module"])).make_network(way)
        life = Life(network, Settings(**{field: settings[field] for field in SETTINGS}))
        parent.answer({"made": True})
        async for question in parent.questions():
            answer = await PHASES[question["phase"]](life, question)
            parent.answer(answer | way.figures())
        await network.close()
        way.close()
    except Exception as error:
        parent.answer({"error": f"{type(error).__name__}: {error}"})
        raise


if __name__ == "__main__":
    the_parent = Parent()
    run(main(the_parent), the_parent.settings["loop"])
