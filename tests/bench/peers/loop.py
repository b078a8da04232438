"""W1 as a plain loop over orjson and NumPy, without checkpoints, parallelism or recovery: the floor of what messages cost."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, Any

import orjson

from tests.bench.peers.decoded import BATCH, COLUMNS, FIVE_MINUTES_MS, LATENESS_MS, MINUTE_MS, REMEMBERED_MS, RISKY, batches, read

Row = dict[str, Any]
WRITE_NULL = orjson.OPT_APPEND_NEWLINE


class Seen:
    """Remembers keys for at least ten minutes of event time, in two generations."""

    def __init__(self) -> None:
        self._young, self._old, self._since = set[Any](), set[Any](), 0

    def is_new(self, key: Any, at: int) -> bool:
        """Adds a key and returns whether it was unknown."""
        if at - self._since >= REMEMBERED_MS:
            self._young, self._old, self._since = set(), self._young, at
        if key in self._young or key in self._old:
            return False
        self._young.add(key)
        return True


class Windows:
    """Five-minute aggregates of each device, written once the watermark has passed them."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out, self._open, self._watermark = out, dict[tuple[int, str], list[Any]](), 0

    def add(self, row: Row, at: int) -> None:
        """Counts a reading unless its window is closed."""
        start = at - at % FIVE_MINUTES_MS
        if start + FIVE_MINUTES_MS <= self._watermark:
            return
        key = start, row["device_id"]
        window = self._open.get(key)
        if window is None:
            window = self._open[key] = empty()
        add_to(window, row)

    def advance(self, at: int) -> None:
        """Moves the watermark and writes the windows before it."""
        self._watermark = max(self._watermark, at - LATENESS_MS)
        for key in [key for key in self._open if key[0] + FIVE_MINUTES_MS <= self._watermark]:
            self._out.write(orjson.dumps(aggregate(key, self._open.pop(key)), option=WRITE_NULL))


def empty() -> list[Any]:
    """The sums, counts and extremes of a window without readings, in the order that `aggregate` reads."""
    return [0, 0, 0.0, 0.0, None, None, 0.0, 0.0, 0, 0, 0.0, 0.0]


def add_to(window: list[Any], row: Row) -> None:
    """Adds a reading to a window."""
    heat, risk, current = row["max_temperature"], row["risk_score"], row["current"]
    window[0] += 1
    if heat == heat:  # not NaN
        window[1] += 1
        window[2] += heat
        window[3] += heat * heat
        window[4] = heat if window[4] is None or heat > window[4] else window[4]
        window[5] = heat if window[5] is None or heat < window[5] else window[5]
    window[6] += risk
    window[7] = max(window[7], risk)
    if row["arc_count"] == row["arc_count"]:
        window[8] += row["arc_count"]
    if current == current:
        window[9] += 1
        window[10] += current
        window[11] = max(window[11], current)


def aggregate(key: tuple[int, str], window: list[Any]) -> Row:
    """The row of a window that is closed."""
    count, heats, heat, squares, hottest, coolest, risk, riskiest, arcs, currents, current, highest = window
    spread = (max(squares - heat * heat / heats, 0.0) / (heats - 1)) ** 0.5 if heats > 1 else None
    return {"device_id": key[1], "window_start": key[0], "window_end": key[0] + FIVE_MINUTES_MS, "record_count": count,
            "avg_temperature": heat / heats if heats else None, "max_temperature": hottest, "min_temperature": coolest,
            "temp_stddev": spread, "avg_risk_score": risk / count, "max_risk_score": riskiest, "total_arcs": arcs,
            "avg_current": current / currents if currents else None, "max_current": highest if currents else None}


def run(folder: Path, out: Path, arrived_ms: int) -> None:
    """Reads the messages of a folder and writes readings, dead letters, windows and candidates."""
    readings, dead_letters, windows, candidates = (_part(out / name) for name in (
        "readings", "dead_letters", "device_5min_aggregates", "candidates"))
    seen, risky, open_windows = Seen(), Seen(), Windows(windows)
    with readings, dead_letters, windows, candidates:
        for messages in batches(folder):
            decoded = read(messages, arrived_ms)
            columns = [decoded.columns[name].tolist() for name in COLUMNS]
            times, latest, lines = decoded.columns["event_ms"].tolist(), 0, []
            for message, reason, at, *values in zip(messages, decoded.reason.tolist(), times, *columns, strict=True):
                if reason is not None:
                    dead_letters.write(orjson.dumps({"reason": reason, "message": message.decode(errors="replace")},
                                                    option=WRITE_NULL))
                    continue
                row = dict(zip(COLUMNS, values, strict=True))
                if not seen.is_new((row["device_id"], row["idx"], at), at):
                    continue
                row["event_time"], latest = at, max(latest, at)
                line = orjson.dumps(row, option=WRITE_NULL)
                lines.append(line)
                open_windows.add(row, at)
                key = row["device_id"], at // MINUTE_MS, row["risk_level"], row["alert_type"]
                if row["risk_level"] in RISKY and risky.is_new(key, at):
                    candidates.write(b'{"cause":"readings",' + line[1:])
            readings.write(b"".join(lines))
            open_windows.advance(latest)
        open_windows.advance(1 << 60)  # the end of the input closes what is open


def _part(folder: Path) -> IO[bytes]:
    folder.mkdir(parents=True)
    return (folder / "part-0").open("wb", buffering=BATCH * 100)


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
