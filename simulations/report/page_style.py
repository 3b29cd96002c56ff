"""The style sheet of a report page: light and dark, wide and narrow, screen and paper; nothing is loaded."""

from __future__ import annotations

from .style import BASELINE, BASELINE_STYLE, GRID, INK, MUTED, PAPER, SHADE, STYLES


def style_sheet() -> str:
    """Return the whole style sheet."""
    light = _variables(LIGHT, {f"line-{number}": style.colour for number, style in enumerate(STYLES)})
    dark = _variables(DARK, {f"line-{number}": style.dark for number, style in enumerate(STYLES)})
    return (
        f":root {{ color-scheme: light dark; {light} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
        f"{RULES}"
        f"@media print {{ :root {{ color-scheme: light; {light} }}\n{PAPER_RULES} }}\n"
    )


def _variables(*values: dict[str, str]) -> str:
    return " ".join(f"--{name}: {value};" for part in values for name, value in part.items())


LIGHT = {
    "ink": INK,
    "muted": MUTED,
    "grid": GRID,
    "paper": PAPER,
    "shade": SHADE,
    "baseline": BASELINE,
    "page": "#f6f7f9",
    "good": "#1a6e3c",
    "bad": "#b3261e",
    "bad-shade": "#fdeceb",
}

DARK = {
    "ink": "#e8ebef",
    "muted": "#a2acb8",
    "grid": "#313841",
    "paper": "#181c21",
    "shade": "#252b33",
    "baseline": BASELINE_STYLE.dark,
    "page": "#0f1216",
    "good": "#65d391",
    "bad": "#ff8a80",
    "bad-shade": "#3a1f1e",
}

RULES = """
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
main { max-width: 76rem; margin: 0 auto; padding: 1.5rem clamp(0.8rem, 3vw, 2.5rem) 4rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0.5rem 0; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 0.75rem; }
h3 { font-size: 1.05rem; margin: 0; overflow-wrap: anywhere; }
p { margin: 0.4rem 0; max-width: 46rem; }
.about, .quiet, figcaption span, caption { color: var(--muted); }
.verdict { font-weight: 600; }
.held { color: var(--good); }
.failed { color: var(--bad); font-weight: 600; }
.charts { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 33rem), 1fr)); }
figure, article { margin: 0; padding: 1rem; background: var(--paper); border: 1px solid var(--grid);
  border-radius: 0.5rem; min-width: 0; }
article { margin: 1rem 0; }
article.bad { border-left: 4px solid var(--bad); }
figcaption strong, figcaption span { display: block; }
figcaption span { font-size: 0.875rem; }
figure .plot { overflow-x: auto; margin-top: 0.75rem; }
svg { display: block; width: 100%; min-width: 26rem; height: auto; }
svg * { stroke-linejoin: round; stroke-linecap: butt; }
.scroll { overflow-x: auto; background: var(--paper); border: 1px solid var(--grid); border-radius: 0.5rem;
  margin: 0.75rem 0; }
.scroll:focus-visible, summary:focus-visible { outline: 2px solid var(--line-0); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: 0.875rem; }
caption { text-align: left; padding: 0.6rem 0.75rem; }
th, td { padding: 0.35rem 0.75rem; text-align: left; border-top: 1px solid var(--grid); vertical-align: top; }
thead th { white-space: nowrap; }
thead th.number { text-align: right; }
tbody th { font-weight: 600; min-width: 8rem; overflow-wrap: anywhere; }
td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
tr.baseline td, tr.baseline th { color: var(--muted); font-weight: 400; border-top: 0; }
ul.failures { list-style: none; margin: 0.6rem 0; padding: 0; }
ul.failures li { background: var(--bad-shade); border-radius: 0.375rem; padding: 0.5rem 0.75rem;
  margin: 0.4rem 0; overflow-wrap: anywhere; }
ul.failures small { display: block; color: var(--muted); }
pre { margin: 0.5rem 0; padding: 0.75rem; overflow-x: auto; background: var(--shade); border-radius: 0.375rem;
  font: 0.8125rem/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: pre-wrap;
  overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 11rem), 1fr)); gap: 0.6rem 1rem;
  margin: 0.75rem 0; }
dt { font-size: 0.8125rem; color: var(--muted); overflow-wrap: anywhere; }
dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
summary { cursor: pointer; padding: 0.25rem 0; color: var(--muted); }
"""

PAPER_RULES = """
@page { margin: 15mm; }
body { background: none; font-size: 10pt; }
main { max-width: none; padding: 0; }
figure, article, tr { break-inside: avoid; }
h2, caption, thead, figcaption { break-after: avoid; }
figure, article, .scroll { border-color: #bbbbbb; }
.charts { grid-template-columns: 1fr; }
svg { min-width: 0; max-height: 11cm; }
.scroll, figure .plot { overflow: visible; }
table { font-size: 8pt; }
th, td { padding: 1mm 1.5mm; }
summary { list-style: none; }
details::details-content { content-visibility: visible; height: auto; }
"""
