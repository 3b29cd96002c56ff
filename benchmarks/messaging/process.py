"""One measured process: the server or the client of one system."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from ..child import Parent
from ..loops import run
from .cases import CASES
from .desk import Desk
from .systems import Adapter

WARM_UP_SHARE = 0.2  # of a case's time, before it counts


async def be_server(parent: Parent, adapter: Adapter) -> None:
    """Serve until the parent closes our input."""
    server = await adapter.serve(Desk(), parent.settings["variant"])
    parent.answer({"address": server.address})
    async for _ in parent.questions():
        pass
    await server.close()


async def be_client(parent: Parent, adapter: Adapter) -> None:
    """Run the cases that the parent asks for."""
    client = await adapter.connect(parent.settings["address"], parent.settings["variant"])
    await client.request(b"hello")
    parent.answer({"connected": True})
    async for question in parent.questions():
        case, seconds = CASES[question["case"]], float(question["seconds"])
        await case.run(client, seconds * WARM_UP_SHARE)
        parent.answer(await case.run(client, seconds))
    await client.close()


async def main(parent: Parent) -> None:
    """Play the part that the settings name; what goes wrong is the answer."""
    part = {"server": be_server, "client": be_client}[parent.settings["part"]]
    try:
        await part(parent, cast(Adapter, import_module(parent.settings["module"])))
    except Exception as error:
        parent.answer({"error": f"{type(error).__name__}: {error}"})
        raise


if __name__ == "__main__":
    the_parent = Parent()
    run(main(the_parent), the_parent.settings["loop"])
