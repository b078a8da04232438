"""`./fire replay`: runs the unmodified detect and alert jobs on files and writes every result as JSON lines."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from commands.replay import records
from core.errors import FireError
from core.installation import ROOT
from core.settings import Settings
from infra.local import java


class ReplayError(FireError):
    """A replay cannot start; the text names the file and the remedy."""


def run(args: argparse.Namespace) -> int:
    """Replays `args.files` and prints the number of rows of each result to standard error."""
    counts = replay([Path(name) for name in args.files], Path(args.out), args.parallelism)
    for result, rows in counts.items():
        print(f"{rows:>10,}  {Path(args.out) / result}.jsonl", file=sys.stderr)
    return 0


def replay(files: list[Path], out: Path, parallelism: int = 1, settings: Settings | None = None) -> dict[str, int]:
    """Runs both jobs on the files, given in order of arrival, and writes `<out>/<result>.jsonl`.

    Returns:
        The number of rows by result. Rows are in the job's order; sort them before comparing if parallelism is above 1.

    Raises:
        ReplayError: a file does not exist.
    """
    from jobs import alert, detect

    for file in files:
        if not file.exists():
            raise ReplayError(f"{file} does not exist; name files of JSON lines or of kcat -J, plain or .gz, or an "
                              "archive of readings")
    out.mkdir(parents=True, exist_ok=True)
    settings = settings or Settings.load()
    with tempfile.TemporaryDirectory(prefix="fire-replay-") as folder:
        work = Path(folder)
        records.write(files, work / "records.jsonl")
        detected = replace(settings, source="file", file_input=str(work / "records.jsonl"), file_lines="records",
                           parallelism=parallelism, file_output=str(work / "detect"))
        detect.start(detected, local_configuration()).wait()
        counts = {result: _collect(work / "detect" / result, out / f"{result}.jsonl") for result in detect.RESULTS}
        _end_without_silence(out)
        _sort_by_availability(out / "candidates.jsonl", timedelta(seconds=settings.lateness_seconds))
        alerting = replace(detected, file_input=str(out / "candidates.jsonl"), file_output=str(work / "alert"), parallelism=1)
        alert.start(alerting, local_configuration()).wait()
        counts["alerts"] = _collect(work / "alert" / "alerts", out / "alerts.jsonl")
        counts["alert_state"] = _collect(work / "alert" / "alert_state", out / "alert_state.jsonl")
        counts["dead_letters"] += _append(work / "alert" / "dead_letters", out / "dead_letters.jsonl")
    return counts


def local_configuration() -> Mapping[str, str]:
    """Returns Flink's options for a mini-cluster in this process, with the same Java that `./fire` uses."""
    java.use()
    return {"python.executable": sys.executable, "python.client.executable": sys.executable,
            "python.pythonpath": str(ROOT), "rest.port": "0", "rest.bind-address": "127.0.0.1", "rest.address": "127.0.0.1"}


def _collect(folder: Path, target: Path) -> int:
    """Joins the part files of a sink and returns the number of rows; an empty result becomes an empty file."""
    target.unlink(missing_ok=True)
    return _append(folder, target)


def _append(folder: Path, target: Path) -> int:
    rows = 0
    with target.open("ab") as out:
        for part in sorted(folder.rglob("part-*")):
            with part.open("rb") as lines:
                for line in lines:
                    out.write(line)
                    rows += 1
    return rows


def _end_without_silence(out: Path) -> None:
    """Removes silences that are due only to the end of the files, after which nothing is known about the devices."""
    newest = max((row["minute_end"] for row in _read(out / "device_minutes.jsonl")), default="")
    candidates = out / "candidates.jsonl"
    _write(candidates, [row for row in _read(candidates) if row["cause"] != "silences" or row["event_time"] <= newest])


def _sort_by_availability(target: Path, lateness: timedelta) -> None:
    """Sorts candidates into the order of a live topic, where windows appear when the watermark passes their end."""
    def available(row: dict[str, Any]) -> tuple[datetime, bool, str, str, int]:
        at_once = row["cause"] == "readings"
        time = datetime.fromisoformat(row["event_time"]) + (timedelta() if at_once else lateness)
        return time, row["kind"] == "MINUTE", row["subject"], row["alert_type"] or "", row["idx"] or 0

    _write(target, sorted(_read(target), key=available))


def _read(file: Path) -> Iterator[dict[str, Any]]:
    with file.open("rb") as lines:
        yield from map(orjson.loads, lines)


def _write(file: Path, rows: list[dict[str, Any]]) -> None:
    file.write_bytes(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))
