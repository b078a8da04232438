"""The unmodified detect job on bounded files gives exactly the expected rows, with one pass through Python."""

from __future__ import annotations

import base64
import gzip
import json
import random
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from commands.replay.replay import local_configuration
from core.settings import Settings
from jobs import detect
from jobs.flink.environment import table_environment
from tests.conftest import VECTORS, Rows, epoch_ms, message, rows
from udfs import dead_letters
from udfs.dead_letters import LONGEST_MESSAGE

KEYS = {"readings": ("device_id", "idx", "event_ms"), "device_5min_aggregates": ("device_id", "window_start_ms"),
        "device_minutes": ("device_id", "minute_end_ms"), "temperature_rises": ("device_id", "window_end_ms"),
        "temperature_anomalies": ("device_id", "minute_end_ms"), "co_exposure": ("device_id", "minute_end_ms"),
        "risk_spikes": ("device_id", "minute_end_ms"), "arc_patterns": ("device_id", "window_end_ms"),
        "device_correlations": ("device1", "device2", "window_end_ms"), "site_risk": ("site_id", "window_end_ms")}
TIMES = ("event_time", "window_start", "window_end", "minute_end")


def keyed(result: str, found: Rows) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Returns rows by their key, with times in epoch milliseconds under the vectors' names; fails for a repeated key."""
    made = {}
    for row in found:
        row = row | {f"{name.removesuffix('_time')}_ms": epoch_ms(row[name]) for name in TIMES if name in row}
        key = tuple(row[name] for name in KEYS[result])
        assert key not in made, f"{result} holds {key} twice"
        made[key] = row
    return made


def assert_agrees(result: str, found: Rows) -> None:
    expected, got = keyed(result, rows(VECTORS / f"expect_{result}.jsonl.gz")), keyed(result, found)
    assert got.keys() == expected.keys()
    for key, row in expected.items():
        for name, value in row.items():
            same = got[key][name] == (pytest.approx(value, abs=1e-6) if isinstance(value, float) else value)
            assert same, f"{result} {key}: {name} is {got[key][name]}, expected {value}"


def test_every_expected_result_of_the_vectors_is_compared() -> None:
    assert {file.name.removeprefix("expect_").removesuffix(".jsonl.gz") for file in VECTORS.glob("expect_*.gz")} == set(KEYS)


@pytest.mark.parametrize("result", KEYS)
def test_stream_gives_the_expected_rows(result: str, replayed: dict[str, Rows]) -> None:
    assert_agrees(result, replayed[result])


@pytest.fixture(scope="module")
def shuffled(replay: Callable[..., dict[str, Rows]]) -> dict[str, Rows]:
    """Replays the stream at parallelism 2, with each line moved by up to 4 seconds of event time."""
    with gzip.open(VECTORS / "stream.jsonl.gz", "rb") as lines:
        messages = [line.rstrip(b"\n") for line in lines]
    chance = random.Random(4)
    messages.sort(key=lambda line: json.loads(line)["timestamp"] + chance.uniform(0, 4000))
    return replay(messages, parallelism=2)


@pytest.mark.parametrize("result", KEYS)
def test_order_of_arrival_and_parallelism_change_no_row(result: str, shuffled: dict[str, Rows]) -> None:
    assert_agrees(result, shuffled[result])


def test_order_of_arrival_and_parallelism_change_no_alert(replayed: dict[str, Rows], shuffled: dict[str, Rows]) -> None:
    def alerts(results: dict[str, Rows]) -> list[tuple[Any, ...]]:
        return sorted((row["subject"], row["alert_type"], row["opened_at"], row["transition"], row["alert_id"], row["level"])
                      for row in results["alerts"])  # fmt: skip

    assert alerts(shuffled) == alerts(replayed)
    assert {row["transition"] for row in replayed["alerts"]} == {"OPENED", "ESCALATED", "REMINDED", "CLEARED"}


def test_plan_holds_one_source_and_three_python_functions() -> None:
    """Readings, context and patterns are each computed once for all of their readers."""
    settings = Settings(source="file", file_input="in", file_output="out")
    t_env = table_environment(settings, "detect", local_configuration())
    script = detect.prepared(t_env, settings)
    script.declare(t_env)
    plan = script.statement_set(t_env).explain()
    optimised = plan.split("== Optimized Execution Plan ==")[1]
    assert len(re.findall(r"\bPythonCalc\(", optimised)) == 3
    assert [optimised.count(f"{name}(") for name in ("decode_and_score", "minute_context", "device_patterns_of")] == [1, 1, 1]
    assert optimised.count("TableSourceScan(") == optimised.count("ProcessTableFunction(") == 1
    decoder = optimised[:optimised.index("TableSourceScan(")].rpartition("PythonCalc(")[2]
    assert "CURRENT_WATERMARK" in decoder, "lateness must be judged before the Python worker"


NO_TIME = b'{"deviceId":"a","idx":1,"volt":220}'
FUTURE = message(timestamp=4_000_000_000_000)
RUBBISH = [b"", b"{", b'{"deviceId":"a"}', b"\xff\xfe", NO_TIME, FUTURE, message(idx=99, pcbTemp="hot"),
           b'{"note":"' + b"x" * 100_000 + b'"}']


def day() -> list[bytes]:
    """Replays ten minutes of a small fleet: malformed messages, a duplicate, two hazards, a silence, a late reading."""
    steady = [(30 * n, message("steady", idx=n, at=30 * n)) for n in range(21)]
    ends = [(30 * n, message("ends", idx=n, at=30 * n, pcbTemp=70.0 if n < 4 else 30.0)) for n in range(18)]
    extra = [(0, message("silent", pcbTemp=70.0)), (31, message("steady", idx=1, at=30)),
             (400, message("late", at=10, pcbTemp=80.0)), *((45, each) for each in RUBBISH)]
    return [each for _, each in sorted(steady + ends + extra, key=lambda pair: pair[0])]


@pytest.fixture(scope="module")
def small_fleet(replay: Callable[..., dict[str, Rows]]) -> dict[str, Rows]:
    return replay(day())


def alerts_of(results: dict[str, Rows], device: str) -> list[tuple[str, str]]:
    return [(row["transition"], row["event_time"][11:19]) for row in results["alerts"] if row["subject"] == device]


def test_malformed_message_becomes_a_dead_letter_with_its_bytes_its_line_and_a_reason(small_fleet: dict[str, Rows]) -> None:
    letters, messages = small_fleet["dead_letters"], day()
    assert Counter(base64.b64decode(row["message"]) for row in letters) == Counter(each[:LONGEST_MESSAGE] for each in RUBBISH)
    for row in letters:
        whole = messages[int(row["source"].rpartition(":")[2]) - 1]
        assert dead_letters.document(whole, row["reason"], row["source"]) == row
    reasons = {base64.b64decode(row["message"]): row["reason"] for row in letters}
    assert reasons[FUTURE].startswith("timestamp 4000000000000 is later than 2025-10-09T09:1")
    assert reasons[NO_TIME] == "timestamp is absent, and this source has no record time"


def test_refused_message_from_the_future_does_not_move_the_watermark(small_fleet: dict[str, Rows]) -> None:
    assert {row["device_id"] for row in small_fleet["readings"] if row["is_late"]} == {"late"}


def test_duplicate_counts_once(small_fleet: dict[str, Rows]) -> None:
    assert sum(row["device_id"] == "steady" for row in small_fleet["readings"]) == 21
    assert sum(row["record_count"] for row in small_fleet["device_minutes"] if row["device_id"] == "steady") == 21


def test_late_reading_is_scored_and_alerts_but_changes_no_window(small_fleet: dict[str, Rows]) -> None:
    assert alerts_of(small_fleet, "late") == [("OPENED", "09:00:10")]
    assert "late" not in {row["device_id"] for row in small_fleet["device_minutes"]}


def test_hazard_that_ends_is_cleared_after_five_quiet_minutes(small_fleet: dict[str, Rows]) -> None:
    assert alerts_of(small_fleet, "ends") == [("OPENED", "09:00:00"), ("CLEARED", "09:07:00")]


def test_hazard_followed_by_silence_stays_open_and_the_silence_alerts(small_fleet: dict[str, Rows]) -> None:
    assert alerts_of(small_fleet, "silent") == [("OPENED", "09:00:00"), ("OPENED", "09:05:00")]
    kinds = {row["alert_type"] for row in small_fleet["alerts"] if row["subject"] == "silent"}
    assert kinds == {"TEMPERATURE_CRITICAL", "DEVICE_SILENT"}


def test_deduplication_can_be_switched_off(replay: Callable[..., dict[str, Rows]]) -> None:
    results = replay([message(), message()], deduplicate=False)
    assert len(results["readings"]) == 2
    assert results["device_minutes"][0]["record_count"] == 2


def test_every_accepted_message_is_in_a_minute_or_late(replayed: dict[str, Rows]) -> None:
    on_time = sum(not row["is_late"] for row in replayed["readings"])
    assert sum(row["record_count"] for row in replayed["device_minutes"]) == on_time
    assert sum(row["record_count"] for row in replayed["device_5min_aggregates"]) == on_time
