"""An agent that asks whoever offers `summarize`: python examples/asker.py [TEXT]."""

import asyncio
import sys

from summaries import Summarize, Summary

from mesh99.node import Node

TEXT = "Agents that talk to each other directly need nobody in the middle who could read what they say."


async def main(text: str) -> None:
    """Ask once and print the answer."""
    async with Node(name="asker") as node:
        request = Summarize(text=text, words=6)
        answer = await node.request(request, capability="summarize", timeout_s=5, reply=Summary)
        print(answer.text)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else TEXT))
