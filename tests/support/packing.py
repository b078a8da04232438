"""Packs many small cases into one replay; each has its own names and hours, so that they do not affect each other.

A line of a case is a message whose time is `at`, in seconds after the start of the case, with an optional `device` (default a)
and `site`, and `arrives` if it arrives later than it was measured. `every` (seconds) with `times`, or a list of values, repeats
a line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.conftest import Rows, epoch_ms

START_MS = 1_760_000_400_000
HOUR_MS = 3_600_000
TIMES = ("event_time", "minute_start", "minute_end", "window_start", "window_end")
NAMES = ("device_id", "site_id", "device1", "device2", "subject")


@dataclass(frozen=True)
class Case:
    """Lines of telemetry under a name that is unique among the cases."""

    name: str
    lines: Rows

    def messages(self, start: int) -> list[dict[str, Any]]:
        """Returns the device messages in order of arrival."""
        lines = sorted((each for line in self.lines for each in repeated(line)), key=lambda line: line.get("arrives", line["at"]))
        return [self._message(idx, start, line) for idx, line in enumerate(lines)]

    def _message(self, idx: int, start: int, line: Mapping[str, Any]) -> dict[str, Any]:
        site = {"siteId": f"{self.name}/{line['site']}"} if "site" in line else {}
        measured = {name: value for name, value in line.items() if name not in ("at", "arrives", "device", "site")}
        return {"deviceId": f"{self.name}/{line.get('device', 'a')}", "idx": idx, "timestamp": start + round(1000 * line["at"]),
                **site, **measured}


def repeated(line: Mapping[str, Any], time: str = "at") -> Iterator[dict[str, Any]]:
    """Expands a line with `every` and `times`, or with lists of values, to single lines."""
    lists = {name: value for name, value in line.items() if isinstance(value, list) and time == "at"}
    fixed = {name: value for name, value in line.items() if name not in ("every", "times", *lists)}
    for number in range(line.get("times") or max(map(len, lists.values()), default=1)):
        shift = number * line.get("every", 60)
        moved = {name: fixed[name] + shift for name in (time, "arrives") if name in fixed}
        yield fixed | moved | {name: values[number] for name, values in lists.items()}


def pack(cases: Iterable[Case]) -> tuple[list[bytes], dict[str, int]]:
    """Returns the messages of all cases one after the other, and the start of each case in epoch milliseconds."""
    messages, starts, start = [], {}, START_MS
    for case in cases:
        starts[case.name] = start
        own = case.messages(start)
        messages += [json.dumps(each).encode() for each in own]
        start += (max(each["timestamp"] - start for each in own) // HOUR_MS + 2) * HOUR_MS
    return messages, starts


def of_case(rows: Rows, name: str, start: int) -> Rows:
    """Returns the rows of a result that belong to a case, with short names and with times in seconds after its start."""
    return [_shortened(row, f"{name}/", start) for row in rows
            if any(str(row.get(field) or "").startswith(f"{name}/") for field in NAMES)]


def _shortened(row: Mapping[str, Any], prefix: str, start: int) -> dict[str, Any]:
    names = {field: row[field].removeprefix(prefix) for field in NAMES if row.get(field)}
    times = {field: (epoch_ms(row[field]) - start) / 1000 for field in TIMES if row.get(field)}
    return {**row, **names, **times}
