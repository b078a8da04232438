"""W1 as a bytewax dataflow: batches decoded by the project's NumPy core, state of each device, and event-time windows."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bytewax.operators as op
import bytewax.operators.windowing as win
import orjson
from bytewax.connectors.files import FileSink
from bytewax.dataflow import Dataflow
from bytewax.inputs import DynamicSource, StatelessSourcePartition
from bytewax.run import cli_main

from tests.bench.peers.decoded import COLUMNS, FIVE_MINUTES_MS, MINUTE_MS, RISKY, batches, read
from tests.bench.peers.loop import Seen, add_to, aggregate, empty

Row = dict[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WAIT = timedelta(minutes=5)
"""The watermark also advances with the machine's clock, so that slow batches would otherwise make others late."""


class Messages(DynamicSource[list[bytes]]):
    """The messages of a folder, in batches."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Part:
        """Gives the whole folder to the only worker."""
        return Part(batches(self._folder))


class Part(StatelessSourcePartition[list[bytes]]):
    """What is left to read."""

    def __init__(self, left: Iterator[list[bytes]]) -> None:
        self._left = left

    def next_batch(self) -> list[list[bytes]]:
        """Returns one batch of messages as one item."""
        return [next(self._left)]


def decode(messages: list[bytes], arrived_ms: int) -> list[Row]:
    """Rows of readings, and of dead letters those with a reason."""
    decoded = read(messages, arrived_ms)
    columns = [decoded.columns[name].tolist() for name in COLUMNS]
    names = ("event_time", *COLUMNS)
    times = decoded.columns["event_ms"].tolist()
    return [dict(zip(names, values, strict=True)) if why is None else {"reason": why, "message": message.decode(errors="replace")}
            for message, why, *values in zip(messages, decoded.reason.tolist(), times, *columns, strict=True)]


def distinct(seen: Seen | None, row: Row) -> tuple[Seen, list[Row]]:
    """Lets a reading of a device pass once."""
    seen = seen or Seen()
    return seen, [row] if seen.is_new((row["idx"], row["event_time"]), row["event_time"]) else []


def first_risky(seen: Seen | None, row: Row) -> tuple[Seen, list[Row]]:
    """Lets the first reading of each minute, level and type of alert pass."""
    seen = seen or Seen()
    key = row["event_time"] // MINUTE_MS, row["risk_level"], row["alert_type"]
    return seen, [{"cause": "readings", **row}] if seen.is_new(key, row["event_time"]) else []


def folded(window: list[Any], row: Row) -> list[Any]:
    """Adds a reading to a window."""
    add_to(window, row)
    return window


def time_of(row: Row) -> datetime:
    """The event time of a reading."""
    return datetime.fromtimestamp(row["event_time"] / 1000, UTC)


def closed(item: tuple[str, tuple[int, list[Any]]]) -> Row:
    """The row of a window that is closed; windows are numbered from the epoch."""
    device, (number, window) = item
    return aggregate((number * FIVE_MINUTES_MS, device), window)


def flow(folder: Path, out: Path, arrived_ms: int) -> Dataflow:
    """Builds the dataflow."""
    dataflow = Dataflow("w1")
    messages = op.input("messages", dataflow, Messages(folder))
    rows = op.flat_map("decode", messages, lambda batch: decode(batch, arrived_ms))
    sides = op.branch("refuse", rows, lambda row: "reason" in row)
    keyed = op.key_on("by device", sides.falses, lambda row: row["device_id"])
    readings = op.stateful_flat_map("distinct", keyed, distinct)
    risky = op.filter_value("risky", readings, lambda row: row["risk_level"] in RISKY)
    clock = win.EventClock(time_of, wait_for_system_duration=WAIT)
    windower = win.TumblingWindower(align_to=EPOCH, length=timedelta(milliseconds=FIVE_MINUTES_MS))
    windows = win.fold_window("five minutes", readings, clock, windower, empty, folded, lambda one, other: one, ordered=False)
    _write("dead_letters", sides.trues, out)
    _write("readings", op.key_rm("readings of all", readings), out)
    _write("candidates", op.key_rm("risky of all", op.stateful_flat_map("first risky", risky, first_risky)), out)
    _write("device_5min_aggregates", op.map("aggregate", windows.down, closed), out)
    return dataflow


def _write(result: str, rows: Any, out: Path) -> None:
    (out / result).mkdir(parents=True)
    lines = op.map(f"{result} as JSON", rows, lambda row: (result, orjson.dumps(row).decode()))
    op.output(result, lines, FileSink(out / result / "part-0"))


if __name__ == "__main__":
    cli_main(flow(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
