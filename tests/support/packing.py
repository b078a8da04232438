"""Many small cases in one replay: each has names and hours of its own, so that none disturbs another.

A line of a case is a message with `at`, seconds after the case's start, in place of its timestamp; `device` (default a),
`site`, and `arrives` where it comes later than it was measured. `every` seconds and `times`, or a list of values, repeat a line.
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
    """Lines of telemetry under a name that no other case has."""

    name: str
    lines: Rows

    def messages(self, start: int) -> list[dict[str, Any]]:
        """The device messages in order of arrival."""
        lines = sorted((each for line in self.lines for each in repeated(line)), key=lambda line: line.get("arrives", line["at"]))
        return [self._message(idx, start, line) for idx, line in enumerate(lines)]

    def _message(self, idx: int, start: int, line: Mapping[str, Any]) -> dict[str, Any]:
        place = {"siteId": f"{self.name}/{line['site']}"} if "site" in line else {}
        measured = {name: value for name, value in line.items() if name not in ("at", "arrives", "device", "site")}
        return {"deviceId": f"{self.name}/{line.get('device', 'a')}", "idx": idx, "timestamp": start + round(1000 * line["at"]),
                **place, **measured}


def repeated(line: Mapping[str, Any], time: str = "at") -> Iterator[dict[str, Any]]:
    """The lines that `every` and `times`, or lists of values, stand for."""
    lists = {name: value for name, value in line.items() if isinstance(value, list) and time == "at"}
    fixed = {name: value for name, value in line.items() if name not in ("every", "times", *lists)}
    for number in range(line.get("times") or max(map(len, lists.values()), default=1)):
        shift = number * line.get("every", 60)
        moved = {name: fixed[name] + shift for name in (time, "arrives") if name in fixed}
        yield fixed | moved | {name: values[number] for name, values in lists.items()}


def pack(cases: Iterable[Case]) -> tuple[list[bytes], dict[str, int]]:
    """All messages one case after the other, and when each case starts, in epoch ms."""
    messages, starts, start = [], {}, START_MS
    for case in cases:
        starts[case.name] = start
        own = case.messages(start)
        messages += [json.dumps(each).encode() for each in own]
        start += (max(each["timestamp"] - start for each in own) // HOUR_MS + 2) * HOUR_MS
    return messages, starts


def of_case(found: Rows, name: str, start: int) -> Rows:
    """A case's own rows of a result, with its short names, and seconds after its start for times."""
    return [_shortened(row, f"{name}/", start) for row in found
            if any(str(row.get(field) or "").startswith(f"{name}/") for field in NAMES)]


def _shortened(row: Mapping[str, Any], prefix: str, start: int) -> dict[str, Any]:
    names = {field: row[field].removeprefix(prefix) for field in NAMES if row.get(field)}
    times = {field: (epoch_ms(row[field]) - start) / 1000 for field in TIMES if row.get(field)}
    return {**row, **names, **times}
