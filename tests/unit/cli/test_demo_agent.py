"""The agents of the demonstration do what they say."""

from __future__ import annotations

from mesh99.cli.demo import TEXT
from mesh99.cli.demo_agent import Count, Counted, Summarize, Summary, count, summarize


async def test_a_summary_keeps_whole_sentences_in_their_order_and_within_the_words_allowed() -> None:
    summary = await summarize(Summarize(text=TEXT, words=40))
    assert isinstance(summary, Summary)
    assert summary.words == len(summary.text.split()) <= 40
    assert "direct lines" in summary.text
    assert "soup" not in summary.text
    positions = [TEXT.index(sentence) for sentence in summary.text.split(". ") if sentence]
    assert positions == sorted(positions)


async def test_no_text_and_no_room_are_an_empty_summary() -> None:
    assert await summarize(Summarize(text="", words=10)) == Summary(text="", words=0)
    assert await summarize(Summarize(text="Many words, many.", words=2)) == Summary(text="", words=0)


async def test_count() -> None:
    assert await count(Count(text="It's one. Two!")) == Counted(words=3, sentences=2)
