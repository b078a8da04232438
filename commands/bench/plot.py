"""Draws the runs of the file benchmark as SVG: CPU-seconds over the share of the input, straight where the cost is steady."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from commands.bench.flink import Measured, Run
from commands.bench.marginal import FROM, TO, Sample

WIDTH, HEIGHT, LEFT, TOP = 420, 260, 60, 50
"""Of one panel's axes, and the space before them, in pixels."""
PANEL = LEFT + WIDTH + 40
COLOURS = ("#0b6fa4", "#d9822b", "#5c8a3a", "#8a4fa3", "#a33b3b")


def draw(measured: Sequence[Measured]) -> str:
    """Returns a picture with a panel for each work."""
    highest = max(run.samples[-1].net for each in measured for run in each.runs)
    panels = "".join(f'<g transform="translate({number * PANEL + LEFT},{TOP})">{_panel(each, highest)}</g>'
                     for number, each in enumerate(measured))
    width, height = len(measured) * PANEL, TOP + HEIGHT + 60
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>{panels}</svg>\n')


def _panel(measured: Measured, highest: float) -> str:
    counted = f'<rect x="{FROM * WIDTH}" width="{(TO - FROM) * WIDTH:.0f}" height="{HEIGHT}" fill="#eef3f6"/>'
    frame = f'<path d="M0 0V{HEIGHT}H{WIDTH}" fill="none" stroke="#444"/>'
    lines = "".join(_line(run, highest, COLOURS[number % len(COLOURS)]) for number, run in enumerate(measured.runs))
    return counted + frame + lines + _labels(measured, highest)


def _line(run: Run, highest: float, colour: str) -> str:
    points = " ".join(_point(sample, highest) for sample in run.samples)
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def _point(sample: Sample, highest: float) -> str:
    return f"{sample.read * WIDTH:.1f},{HEIGHT - sample.net / highest * HEIGHT:.1f}"


def _labels(measured: Measured, highest: float) -> str:
    texts = [(0, -24, "start", _title(measured)), (0, -8, "start", "CPU-seconds without JIT"), (-6, 10, "end", f"{highest:.0f}"),
             (-6, HEIGHT, "end", "0"), (0, HEIGHT + 18, "middle", "0 %"), (WIDTH, HEIGHT + 18, "middle", "100 %"),
             (FROM * WIDTH, HEIGHT + 18, "middle", f"{100 * FROM:.0f} %"),
             (WIDTH / 2, HEIGHT + 38, "middle", "share of the input read")]
    return "".join(f'<text x="{x:.0f}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>' for x, y, anchor, text in texts)


def _title(measured: Measured) -> str:
    if measured.problems:
        return f"{measured.work.name}: void"
    net = measured.median(lambda run: run.stretch.net_per_million)
    return f"{measured.work.name}: {net:.1f} CPU-s per million messages"
