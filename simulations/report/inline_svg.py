"""Put a plot into a page: its colours become the page's, its ids its own, its text the page's font."""

from __future__ import annotations

import re

from .chart import Chart
from .markup import Markup, element
from .plots import svg
from .style import PAGE_COLOURS

OUTER = re.compile(r".*?(<svg\b[^>]*>)(.*)</svg>\s*\Z", re.DOTALL)
LEFT_OUT = re.compile(r"<metadata>.*?</metadata>|<defs>\s*<style\b.*?</style>\s*</defs>", re.DOTALL)
IDS = re.compile(r'(\bid="|\bhref="#|\burl\(#)')
VIEW_BOX = re.compile(r'viewBox="[^"]*"')
FONT = re.compile(r"font-family: [^;\"]*;? ?|(?<=px) '[^']*'")
COLOUR = re.compile("|".join(PAGE_COLOURS), re.IGNORECASE)


def inline_svg(chart: Chart, prefix: str) -> Markup:
    """Return a chart as an `svg` element that takes the colours of the page's style sheet; its ids get a prefix."""
    match = OUTER.match(svg(chart))
    assert match is not None, "matplotlib writes one svg element"
    head, body = match.groups()
    body = LEFT_OUT.sub("", body)
    body = IDS.sub(rf"\g<1>{prefix}-", body)
    body = COLOUR.sub(lambda colour: f"var({PAGE_COLOURS[colour[0].lower()]})", body)
    body = FONT.sub("", body)
    view_box = VIEW_BOX.search(head)
    assert view_box is not None, "matplotlib writes a viewBox"
    title_id = f"{prefix}-title"
    opened = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'{view_box[0]} role="img" aria-labelledby="{title_id}">'
    )
    name = element("title", f"{chart.title}. {chart.caption}", id=title_id)
    return Markup(f"{opened}{name}{body}</svg>")
