"""The agents of `mesh99 demo`: ordinary ones, as anybody writes them.

`mesh99 up --agent mesh99.cli.demo_agent:writer` runs one by hand.
"""

from __future__ import annotations

import re
from collections import Counter

from ..node.messages import Message
from ..node.node import Node

LETTERS_MIN = 4  # shorter words are mostly "the" and its like


class Summarize(Message):
    """Ask for a summary."""

    text: str
    words: int = 30


class Summary(Message):
    """The sentences that say most, in their order."""

    text: str
    words: int


class Count(Message):
    """Ask how long a text is."""

    text: str


class Counted(Message):
    """The length of a text."""

    words: int
    sentences: int


writer = Node(name="writer", capabilities=["summarize"])
counter = Node(name="counter", capabilities=["count"])


@writer.on(Summarize)
async def summarize(request: Summarize) -> Summary:
    """Answer with the sentences whose words come back most in the text, within the words allowed."""
    sentences = sentences_of(request.text)
    counts = Counter(words_of(request.text.lower()))
    weights = [weight(sentence, counts) for sentence in sentences]
    chosen: list[int] = []
    left = request.words
    for index in sorted(range(len(sentences)), key=lambda index: -weights[index]):
        length = len(words_of(sentences[index]))
        if weights[index] and length <= left:
            chosen.append(index)
            left -= length
    return Summary(text=" ".join(sentences[index] for index in sorted(chosen)), words=request.words - left)


@counter.on(Count)
async def count(request: Count) -> Counted:
    """Answer with the numbers of words and sentences."""
    return Counted(words=len(words_of(request.text)), sentences=len(sentences_of(request.text)))


def weight(sentence: str, counts: Counter[str]) -> float:
    """Return how much a sentence says, per word: a word that comes once in the text says nothing of it."""
    words = words_of(sentence.lower())
    return sum(counts[word] for word in words if counts[word] > 1 and len(word) >= LETTERS_MIN) / max(
        1, len(words)
    )


def sentences_of(text: str) -> list[str]:
    return [sentence for sentence in re.split(r"(?<=[.!?])\s+", text.strip()) if sentence]


def words_of(text: str) -> list[str]:
    return re.findall(r"[\w'-]+", text)
