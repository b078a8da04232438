"""`./fire replay`: the unmodified detect and alert jobs over files, every result as JSON lines."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from infra.local import java
from jobs import archived
from jobs.errors import FireError
from jobs.score import open_lines
from jobs.settings import Settings

ROOT = Path(__file__).resolve().parent.parent


class ReplayError(FireError):
    """The replay cannot start; the text names the file and the remedy."""


def run(args: argparse.Namespace) -> int:
    """Replays `args.files` and says on standard error how many rows each result has."""
    counts = replay([Path(name) for name in args.files], Path(args.out), args.parallelism)
    for result, rows in counts.items():
        print(f"{rows:>10,}  {Path(args.out) / result}.jsonl", file=sys.stderr)
    return 0


def replay(files: list[Path], out: Path, parallelism: int = 1, settings: Settings | None = None) -> dict[str, int]:
    """Runs both jobs over the files, in order of arrival, and writes `<out>/<result>.jsonl`.

    Returns:
        Rows per result. Rows stand in the order of the job; with a parallelism above 1 sort before comparing.

    Raises:
        ReplayError: a file does not exist.
    """
    from jobs import alert, detect

    for file in files:
        if not file.exists():
            raise ReplayError(f"{file} does not exist; name files of JSON lines, plain or .gz, or an archive of readings")
    out.mkdir(parents=True, exist_ok=True)
    settings = settings or Settings.load()
    with tempfile.TemporaryDirectory(prefix="fire-replay-") as folder:
        work = Path(folder)
        files = [_messages(file, work / f"archived-{number}.jsonl") for number, file in enumerate(files)]
        detected = replace(settings, source="file", file_input=str(_staged(files, work)), parallelism=parallelism,
                           file_output=str(work / "detect"))
        detect.start(detected, local_configuration()).wait()
        counts = {result: _collect(work / "detect" / result, out / f"{result}.jsonl") for result in detect.RESULTS}
        _locate_dead_letters(files, out / "dead_letters.jsonl")
        _end_without_silence(out)
        _sort_by_availability(out / "candidates.jsonl", timedelta(seconds=settings.lateness_seconds))
        alerting = replace(detected, file_input=str(out / "candidates.jsonl"), file_output=str(work / "alert"), parallelism=1)
        alert.start(alerting, local_configuration()).wait()
        counts["alerts"] = _collect(work / "alert" / "alerts", out / "alerts.jsonl")
        counts["alert_state"] = _collect(work / "alert" / "alert_state", out / "alert_state.jsonl")
        counts["dead_letters"] += _append(work / "alert" / "dead_letters", out / "dead_letters.jsonl")
    return counts


def _messages(file: Path, target: Path) -> Path:
    """The file itself, or what its archived readings were measured from."""
    if not archived.is_archive(file):
        return file
    archived.write_messages(file, target)
    return target


def local_configuration() -> Mapping[str, str]:
    """Flink's keys for the mini-cluster of this process, with the Java that `./fire` would take."""
    java.use()
    return {"python.executable": sys.executable, "python.client.executable": sys.executable,
            "python.pythonpath": str(ROOT), "rest.port": "0", "rest.bind-address": "127.0.0.1", "rest.address": "127.0.0.1"}


def _staged(files: list[Path], work: Path) -> Path:
    """One file for the job: the only one itself, or all of them one after the other."""
    if len(files) == 1:
        return files[0].resolve()
    joined = work / "telemetry.jsonl"
    with joined.open("wb") as out:
        for file in files:
            with open_lines(str(file)) as lines:
                out.writelines(line if line.endswith(b"\n") else line + b"\n" for line in lines)
    newest = max(file.stat().st_mtime for file in files)
    os.utime(joined, (newest, newest))
    return joined


def _collect(folder: Path, target: Path) -> int:
    """Joins the part files of a sink; an empty result is an empty file."""
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


def _locate_dead_letters(files: list[Path], target: Path) -> None:
    """Replaces each dead letter's source, the file that the job read, by `file:line` of the given files."""
    letters = list(_read(target))
    if not letters:
        return
    places = _places(files, {letter["size_bytes"] for letter in letters})
    for letter in letters:
        letter["source"] = places[letter["sha256"]].popleft()
    _write(target, letters)


def _places(files: list[Path], sizes: set[int]) -> dict[str, deque[str]]:
    """Where the lines of these sizes stand, by the SHA-256 of each."""
    places: dict[str, deque[str]] = defaultdict(deque)
    for file in files:
        with open_lines(str(file)) as lines:
            for number, line in enumerate(lines, 1):
                message = line.rstrip(b"\r\n")
                if len(message) in sizes:
                    places[hashlib.sha256(message).hexdigest()].append(f"{file}:{number}")
    return places


def _end_without_silence(out: Path) -> None:
    """Removes the silences that only the end of the files made: where a file ends, nothing is known of its devices."""
    newest = max((row["minute_end"] for row in _read(out / "device_minutes.jsonl")), default="")
    candidates = out / "candidates.jsonl"
    _write(candidates, [row for row in _read(candidates) if row["cause"] != "silences" or row["event_time"] <= newest])


def _sort_by_availability(target: Path, lateness: timedelta) -> None:
    """Puts candidates in the order in which a live topic would carry them: windows come when the watermark passes them."""
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
