"""Duplicates are recognised by event time and within bounded memory, like a plain set in Python would, and across restarts."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pytest
from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment, TableResult

from commands.replay.replay import local_configuration
from core.settings import Settings
from jobs.flink import java_functions, sql_files
from jobs.flink.environment import table_environment
from tests.conftest import Rows, message
from udfs import dead_letters

MINUTES = 10
KEPT = 4 * MINUTES
FULL = 3840
HOUR = 3600
WATCHED = ", 'source.monitor-interval' = '100 ms'"
RECOVERY = {"execution.state-recovery.ignore-unclaimed-state": "true"}
"""What collects the rows for the test has another id in each job."""
ONE_A_MINUTE = "MOD(idx, 60) = 59"
BYTES_A_MINUTE, BYTES_OF_THE_REST = 1200, 100_000
"""What a savepoint needs at most for 60 readings of a minute, and for all else; an hour of 20 devices would be 1.3 million."""
SCORED = """
CREATE TEMPORARY TABLE scored (
  number BIGINT, device_id STRING, idx BIGINT, at_ms BIGINT, clock_ms BIGINT, arrived_ms BIGINT, is_late BOOLEAN,
  content BIGINT, payload BYTES, message AS CAST('a message' AS BYTES),
  record_time AS TO_TIMESTAMP_LTZ(arrived_ms, 3),
  event_time AS TO_TIMESTAMP_LTZ(at_ms, 3),
  proc_time AS PROCTIME(),
  WATERMARK FOR event_time AS TO_TIMESTAMP_LTZ(clock_ms, 3)
) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'json'{more})"""


class Reading(NamedTuple):
    """A reading of a device at a second, which arrives when the watermark has reached `clock`, s; `arrived`, s, may be None."""

    device: str
    idx: int
    at: float
    clock: float
    arrived: float | None = None
    is_late: bool = False
    content: int = 0


@dataclass
class Remembered:
    """A minute of a device in the reference."""

    expiry: float
    readings: set[tuple[int, float]] = field(default_factory=set)


def expected(readings: Iterable[Reading]) -> Iterator[int]:
    """Yields the numbers of the readings that count, computed by sets and without Flink."""
    devices: dict[str, dict[tuple[int, int], Remembered]] = {}
    watermark = float("-inf")
    for number, (device, idx, at, clock, *_) in enumerate(readings):
        minutes = {key: each for key, each in devices.get(device, {}).items() if each.expiry > watermark}
        key = (int(at // 60), idx >> 47)
        if key not in minutes:
            minutes = dict(list(minutes.items())[-(KEPT - 1):])
            minutes[key] = Remembered(max(60 * (key[0] + 1), watermark) + 60 * MINUTES)
        seen = minutes[key].readings
        if (idx, at) not in seen:
            if len(seen) == FULL:
                seen.clear()
            seen.add((idx, at))
            yield number
        devices[device] = minutes
        watermark = max(watermark, clock)


def environment(**configuration: str) -> StreamTableEnvironment:
    return table_environment(Settings(source="file", parallelism=1), "duplicates", dict(local_configuration()) | configuration)


def counted(t_env: StreamTableEnvironment, path: Path, more: str = "", where: str = "TRUE", columns: str = "number"
            ) -> TableResult:
    """Declares the job's own view over a file or folder of readings, and starts to read columns of those that count."""
    java_functions.register(t_env, "first_arrivals", java_functions.FIRST_ARRIVALS)
    t_env.execute_sql(SCORED.format(path=path, more=more))
    view = sql_files.Statement("", sql_files.statement(sql_files.SQL / "detect/04_distinct/keep_first.sql",
                                                       {"DEDUPLICATE_MINUTES": str(MINUTES), "LATENESS_SECONDS": "5"}))
    t_env.create_temporary_view("compared", t_env.sql_query(view.query))
    return t_env.sql_query(f"SELECT {columns} FROM compared WHERE {where}").execute()


def write(path: Path, readings: Iterable[Reading], first: int = 0) -> None:
    rows = ({"number": number, "device_id": each.device, "idx": each.idx, "at_ms": round(each.at * 1000),
             "clock_ms": round(each.clock * 1000), "is_late": each.is_late, "content": each.content,
             "arrived_ms": None if each.arrived is None else round(each.arrived * 1000)}
            for number, each in enumerate(readings, first))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def stopped(result: TableResult, folder: Path) -> str:
    """Stops a job with a savepoint in the folder; PyFlink's own method passes too few arguments."""
    client, kind = result.get_job_client()._j_job_client, get_gateway().jvm.org.apache.flink.core.execution.SavepointFormatType
    return str(client.stopWithSavepoint(False, str(folder), kind.CANONICAL).get())


def day(device: str, start: float) -> list[Reading]:
    """Returns an hour and a half of a device: in order, repeated, late, with a clock that jumps; times from `start` on."""
    chance, readings = random.Random(device), []
    for second in range(0, 5400, 5):
        now = start + second
        clock = now + chance.choice((0, 0, 0, 0, 3000, -4000, chance.uniform(-9000, 3600)) if chance.random() < 0.2 else (0,))
        readings.append(Reading(device, chance.choice((second, second % 3, -second, second << 40)), clock // 5 * 5, now - 10))
    for _ in range(600):
        place = chance.randrange(len(readings))
        later = min(place + chance.choice((0, 1, 30, 300, 900)), len(readings) - 1)
        readings.insert(later + 1, readings[place]._replace(clock=readings[later].clock))
    return readings


def stream() -> dict[str, list[Reading]]:
    """Returns the readings of all cases by name; the watermark of each begins where that of the one before ends."""
    cases: dict[str, list[Reading]] = {}

    def add(name: str, readings: Iterable[tuple[int, float, float]]) -> None:
        start = 10_000 * HOUR + 100 * HOUR * len(cases)
        cases[name] = [Reading(name, idx, start + at, start + clock) for idx, at, clock in readings]

    add("repeated at once", [(1, 5, 0), (1, 5, 0), (1, 5, 0)])
    add("another idx", [(1, 5, 0), (2, 5, 0), (-1, 5, 0), (1 + 2**48, 5, 0), (-(2**53), 5, 0), (2**53, 5, 0)])
    add("another time", [(1, 5, 0), (1, 5.001, 0), (1, 65, 0), (1, -55, 0)])
    add("ten minutes", [(1, 5, 0), (1, 5, 659), (1, 5, 660), (1, 5, 660)])
    add("late", [(0, 0, 7200), (1, 5, 7200), (1, 5, 7200), (1, 5, 7799), (1, 5, 7800), (1, 5, 7800)])
    add("clock ahead", [(1, 5, 0), *((2, 3600 + 60 * n, 0) for n in range(KEPT - 1)), (1, 5, 0)])
    add("clock everywhere", [(1, 5, 0), *((2, 3600 + 60 * n, 0) for n in range(KEPT)), (1, 5, 0)])
    add("crowded minute", [*((n, 5, 0) for n in range(FULL)), (0, 5, 0), (FULL, 5, 0), (0, 5, 0), (FULL, 5, 0)])
    cases["random"] = sorted((each for n in range(8) for each in day(f"random {n}", 30_000 * HOUR)), key=lambda each: each.clock)
    return cases


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[int]]:
    """Returns, for each case, the positions of its readings that count; from one run over all cases."""
    cases, file = stream(), tmp_path_factory.mktemp("duplicates") / "scored.json"
    readings = [(name, place, each) for name, case in cases.items() for place, each in enumerate(case)]
    write(file, [each for _, _, each in readings])
    found: dict[str, list[int]] = {name: [] for name in cases}
    with counted(environment(), file).collect() as results:
        for row in results:
            name, place, _ = readings[row[0]]
            found[name].append(place)
    return found


def test_repeated_reading_counts_once(passed: dict[str, list[int]]) -> None:
    assert passed["repeated at once"] == [0]


def test_repeated_reading_of_other_content_is_a_conflict(tmp_path: Path) -> None:
    readings = [Reading("one", 1, 5, 0, content=content) for content in (7, 7, -8, 7, 9)]
    readings += [Reading("one", idx, 5, 0, content=idx) for idx in [*range(2, 300), *range(2, 300)]]
    write(tmp_path / "scored.json", readings)
    columns = "number, is_conflict, CAST(kept_message AS STRING), size_bytes, sha256, is_cut"
    with counted(environment(), tmp_path / "scored.json", columns=columns).collect() as rows:
        found = [tuple(row) for row in rows]
    kept = ("a message", 9, hashlib.sha256(b"a message").hexdigest(), False)
    assert [row for row in found if row[1]] == [(2, True, *kept), (4, True, *kept)]
    assert [row for row in found if not row[1]] == [(number, False, None, None, None, None) for number in [0, *range(5, 303)]]


def test_repeated_message_of_other_content_is_a_dead_letter(detect: Callable[..., dict[str, Rows]]) -> None:
    first, other = message(idx=1, at=5, co=3), message(idx=1, at=5, co=4)
    same = json.dumps(dict(reversed(json.loads(first).items())), indent=1).replace("\n", "").replace("30.0", '"3e1"').encode()
    results = detect([first, same, other, same])
    assert [row["co_gas"] for row in results["readings"]] == [3]
    [letter] = results["dead_letters"]
    assert letter == {**dead_letters.document(other, letter["reason"], letter["source"]), "record_time": None}
    assert letter["reason"].startswith("same key, other content: ")
    assert [row["record_count"] for row in results["device_minutes"]] == [1]


def test_every_idx_of_one_time_counts(passed: dict[str, list[int]]) -> None:
    assert passed["another idx"] == [0, 1, 2, 3, 4, 5]


def test_every_time_of_one_idx_counts(passed: dict[str, list[int]]) -> None:
    assert passed["another time"] == [0, 1, 2, 3]


def test_reading_is_forgotten_when_the_watermark_is_ten_minutes_past_its_minute(passed: dict[str, list[int]]) -> None:
    assert passed["ten minutes"] == [0, 3]


def test_repeated_late_reading_counts_once_in_the_ten_minutes_after_it_arrived(passed: dict[str, list[int]]) -> None:
    assert passed["late"] == [0, 1, 5]


def test_wrong_clock_does_not_displace_what_is_remembered(passed: dict[str, list[int]]) -> None:
    assert passed["clock ahead"] == list(range(KEPT))


def test_device_remembers_a_bounded_number_of_minutes(passed: dict[str, list[int]]) -> None:
    assert passed["clock everywhere"] == list(range(KEPT + 2))


def test_device_remembers_a_bounded_number_of_readings_of_a_minute(passed: dict[str, list[int]]) -> None:
    assert passed["crowded minute"] == [*range(FULL), FULL + 1, FULL + 2]


def test_random_readings_count_like_those_in_a_set(passed: dict[str, list[int]]) -> None:
    readings = stream()["random"]
    assert passed["random"] == list(expected(readings))
    assert 0.5 * len(readings) < len(passed["random"]) < len(readings)


def test_restored_state_recognises_duplicates_and_holds_minutes_not_hours(tmp_path: Path) -> None:
    """Stops the job with a savepoint after an hour of 20 devices, and lets a second one go on from it."""
    folder, devices = tmp_path / "scored", [f"device {number}" for number in range(20)]
    folder.mkdir()
    hour = [Reading(device, second, second, second - 10) for second in range(HOUR) for device in devices]
    write(tmp_path / "first.json", hour)
    shutil.move(tmp_path / "first.json", folder / "first.json")
    first = counted(environment(), folder, WATCHED, ONE_A_MINUTE)
    with first.collect() as rows:
        wanted = [number for number, each in enumerate(hour) if each.idx % 60 == 59]
        assert [row[0] for _, row in zip(wanted, rows, strict=False)] == wanted
        savepoint = stopped(first, tmp_path / "savepoints")
    size = sum(file.stat().st_size for file in (tmp_path / "savepoints").rglob("*") if file.is_file())
    assert size < len(devices) * (MINUTES + 2) * BYTES_A_MINUTE + BYTES_OF_THE_REST

    again = [*hour[-(MINUTES - 1) * 60 * len(devices):], Reading("device 0", HOUR + 59, HOUR, HOUR - 10)]
    write(tmp_path / "second.json", again, len(hour))
    shutil.move(tmp_path / "second.json", folder / "second.json")
    second = counted(environment(**RECOVERY, **{"execution.state-recovery.path": savepoint}), folder, WATCHED, ONE_A_MINUTE)
    with second.collect() as rows:
        assert next(rows)[0] == len(hour) + len(again) - 1
        second.get_job_client().cancel().result()
