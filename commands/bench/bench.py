"""`./fire bench`: measures cost per message, messages per second and slot, alert latency and the dashboard.

Figures are to be compared only within one run on one machine. The file benchmark runs two works, named in `flink.WORKS`:
`w1`, what every message needs, and `w2`, all of detection.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from rich.console import Console
from rich.table import Table

from commands.bench import flink, plot
from core import installation
from core.settings import Settings


def run(args: argparse.Namespace) -> int:
    """Runs all measurements, or only `args.only`, and prints a table for each; returns 1 if one is void."""
    if args.peers:
        return int(_peers(args))
    from commands.bench import dashboard, growth, latency

    chosen = [args.only] if args.only else ["file", "latency", "dashboard"]
    works = [work for name, work in flink.WORKS.items() if name in chosen or "file" in chosen]
    is_void = bool(works) and _file(works, args)
    if "latency" in chosen:
        seen = latency.measure()
        _print("latency and memory of the embedded stack", latency.figures(seen))
        is_void |= bool(seen.problems)
    if "growth" in chosen:
        fleets, hours = growth.costs(args.messages, args.runs), growth.hours()
        _print("growth", growth.figures(fleets, hours))
        is_void |= bool(growth.problems(fleets, hours))
    if "dashboard" in chosen:
        _print("dashboard", dashboard.figures())
    return int(is_void)


def _file(works: list[flink.Work], args: argparse.Namespace) -> bool:
    """Measures the works, prints their figures and draws them; returns whether one of them is void."""
    measured = flink.measure(works, args.messages, args.devices, args.runs)
    for each in measured:
        title = f"{each.work.name}: {each.work.about}; {args.messages:,} messages, {args.devices:,} devices, runs: {args.runs}"
        _print(title, flink.figures(each))
    _draw(plot.draw(measured), args, "bench.svg")
    return any(each.problems for each in measured)


def _peers(args: argparse.Namespace) -> bool:
    """Measures W1 and its peers, prints one table and draws it; returns whether one of them is void."""
    from commands.bench import bars, peers

    results = peers.measure(args.messages, args.devices, args.runs)
    _print(f"w1 and its peers; {args.messages:,} messages, {args.devices:,} devices, runs: {args.runs}", peers.figures(results))
    _draw(bars.draw(results), args, "peers.svg")
    return any(each.problems for each in results)


def _draw(picture: str, args: argparse.Namespace, name: str) -> None:
    """Writes a picture to the file that the command names, or else to `name` in the home folder, and prints where it is."""
    target = Path(args.plot) if args.plot else installation.home_folder(Settings.load()) / name
    target.write_text(picture, encoding="utf-8")
    print(f"plot: {target}")


def _print(title: str, figures: list[tuple[str, str]]) -> None:
    load = " ".join(f"{average:.1f}" for average in os.getloadavg())
    table = Table("measurement", "figure", title=title, caption=f"load average now {load} on {os.cpu_count()} cores")
    for name, figure in figures:
        table.add_row(name, figure)
    Console().print(table)
