"""The agents of `mesh99 demo`: ordinary ones, as anybody writes them.

`mesh99 up --agent mesh99.cli.demo_agent:writer` runs one by hand.
"""

from __future__ import annotations

import re
from collections import Counter

from ..node.messages import Message
from ..node.node import Node

COMMON_WORDS = frozenset(
    (
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "by",
        "for",
        "from",
        "in",
        "is",
        "it",
        "of",
        "on",
        "the",
        "to",
    )
)


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
    """Answer with the sentences whose words are the most frequent of the text, within the words allowed."""
    sentences = sentences_of(request.text)
    weights = Counter(word for word in words_of(request.text.lower()) if word not in COMMON_WORDS)
    chosen: list[int] = []
    left = request.words
    for index in sorted(range(len(sentences)), key=lambda index: -weight(sentences[index], weights)):
        length = len(words_of(sentences[index]))
        if length <= left:
            chosen.append(index)
            left -= length
    return Summary(text=" ".join(sentences[index] for index in sorted(chosen)), words=request.words - left)


@counter.on(Count)
async def count(request: Count) -> Counted:
    """Answer with the numbers of words and sentences."""
    return Counted(words=len(words_of(request.text)), sentences=len(sentences_of(request.text)))


def weight(sentence: str, weights: Counter[str]) -> float:
    """Return how much a sentence says, per word."""
    words = words_of(sentence.lower())
    return sum(weights[word] for word in words) / max(1, len(words))


def sentences_of(text: str) -> list[str]:
    return [sentence for sentence in re.split(r"(?<=[.!?])\s+", text.strip()) if sentence]


def words_of(text: str) -> list[str]:
    return re.findall(r"[\w'-]+", text)
