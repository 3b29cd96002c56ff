"""An agent that offers `summarize` until it is interrupted."""

import asyncio
import contextlib

from summaries import Summarize, Summary

from mesh99.node import Node

node = Node(name="writer", capabilities=["summarize"])


@node.on(Summarize)
async def summarize(request: Summarize) -> Summary:
    """Answer with the first words."""
    return Summary(text=" ".join(request.text.split()[: request.words]))


async def main() -> None:
    """Join, and serve whoever asks."""
    async with node:
        print("ready:", node.node_id, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
