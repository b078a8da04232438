"""Draws the comparison with the peers as SVG: a bar of CPU-seconds per million messages for each work, with its runs as ticks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from commands.bench.peers import Result

WIDTH, ROW, TOP, LEFT = 440, 46, 40, 20
"""Of the longest bar, of a bar with its title, and the space before them, in pixels."""
OWN, OTHER = "#0b6fa4", "#b8c4cc"


def draw(results: Sequence[Result]) -> str:
    """Returns a picture with a bar for each work; the first work is that of this project."""
    longest = max((cost for each in results for cost in each.costs), default=1.0)
    bars = "".join(f'<g transform="translate({LEFT},{TOP + number * ROW})">{_bar(each, results[0], longest)}</g>'
                   for number, each in enumerate(results))
    width, height = LEFT + WIDTH + 210, TOP + len(results) * ROW + 10
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>'
            f'<text x="{LEFT}" y="20" font-weight="bold">CPU-seconds per million messages, without JIT (less is better)</text>'
            f'{bars}</svg>\n')


def _bar(result: Result, own: Result, longest: float) -> str:
    title = f'<text y="12">{escape(result.about)}</text>'
    if result.problems:
        return title + '<text y="32" fill="#a33b3b">void</text>'
    length, colour = result.median / longest * WIDTH, OWN if result is own else OTHER
    runs = [cost / longest * WIDTH for cost in result.costs]
    ticks = "".join(f'<path d="M{run:.1f} 18v16" stroke="#222"/>' for run in runs)
    figure = f'<text x="{max(runs) + 8:.0f}" y="31">{_figure(result, own)}</text>'
    return f'{title}<rect y="18" width="{length:.1f}" height="16" fill="{colour}"/>{ticks}{figure}'


def _figure(result: Result, own: Result) -> str:
    ratio = "" if result is own or own.problems else f"; own / this: {own.median / result.median:.2f}"
    return f"{result.median:.1f}{ratio}"
