"""The messages that writer.py and asker.py both know."""

from mesh99.node import Message


class Summarize(Message):
    """Ask for a summary."""

    text: str
    words: int = 50


class Summary(Message):
    """The summary."""

    text: str
