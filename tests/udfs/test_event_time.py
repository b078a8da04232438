"""SQL, which reads a message's time for the watermark, and the decoder, which reads it for the reading, agree."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands.replay.replay import local_configuration
from core.settings import Settings
from jobs.flink.environment import table_environment
from jobs.flink.sql_files import message_time
from udfs.readings import event_time

MOMENT = datetime(2025, 10, 9, 9, 0, 0, 250_000, tzinfo=UTC)
FORMS: list[Any] = [
    1_760_000_400_250, "1760000400250", 1_760_000_400_250.0, 0, event_time.LATEST_MS,
    "2025-10-09T09:00:00Z", "2025-10-09T09:00:00", "2025-10-09 09:00:00.1", "2025-10-09T09:00:00.123456789Z",
    "2025-10-09T18:00:00+09:00", "2025-10-09T18:00:00.250+0900", "2025-10-09T05:30:00.5-03:30", "2025-10-09T18:00:00+09",
    "2024-02-29T23:59:59.999Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z",
    *(MOMENT.astimezone(timezone(timedelta(minutes=minutes))).isoformat() for minutes in range(-720, 841, 195)),
]  # fmt: skip
REFUSED: list[Any] = ["yesterday", "", "2025-10-09", "2025-02-30T09:00:00Z", "2025-10-09T25:00:00Z", "2025-10-09T24:00:00Z", 1.5,
                      "1.5", 2**53 + 2, True, {"a": 1}, [1], "2025-10-09T09:00:60Z", " 1760000400000", "1e12", 10**18,
                      "1E99999999", "1" * 100_000, "2025-10-09T09:00:00." + "1" * 100_000, 1e308, float("inf")]
EXPONENTS = ["1.7600328e12", "1.7600328E+12", "17600328e5", "1760032800000.0", "176003280000000000000e-8", "0.00017600328e16"]
"""JSON numbers in several notations, all of them 2025-10-09T18:00:00Z."""
SHAPES = ['{"timestamp": %s}', '{"deviceId":"a","timestamp":%s,"volt":1}', '{"meta":{"timestamp":1},"timestamp":%s}',
          '{"timestamp":%s,"meta":{"timestamp":1}}', '{"note":"say \\"timestamp\\": 1","timestamp":%s}']


@pytest.mark.parametrize("value", REFUSED, ids=lambda value: repr(value)[:40])
def test_value_that_is_not_a_time_is_refused(value: Any) -> None:
    with pytest.raises((ValueError, TypeError, OverflowError)):
        event_time.to_epoch_ms(value)


@pytest.mark.parametrize("number", EXPONENTS)
def test_exponent_does_not_change_the_time(number: str) -> None:
    assert event_time.to_iso(np.array([event_time.to_epoch_ms(json.loads(number))])) == "2025-10-09T18:00:00.000Z"


OFFSETS = st.from_regex(r"|Z|[+-][0-9]{2}(:?[0-9]{2})?", fullmatch=True)


@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from("T "), st.from_regex(r"|\.[0-9]{1,9}", fullmatch=True), OFFSETS)
@settings(max_examples=1000, deadline=None)
def test_python_reads_the_same_time_from_a_text_as_from_its_parts(moment: datetime, between: str, part: str, offset: str) -> None:
    text = moment.replace(microsecond=0, tzinfo=None).isoformat(between) + part + offset
    parts = event_time.ISO_8601.fullmatch(text)
    assert parts, text
    read = event_time._from_iso(text)
    assert read is None or read == event_time._from_parts(text, *parts.groups())


def test_sql_and_decoder_read_the_same_time_from_every_form_and_shape(tmp_path: Path) -> None:
    messages = [shape % json.dumps(form) for form in FORMS for shape in SHAPES] + ['{"timestamp":1,"timestamp":2}']
    messages += [shape % number for number in EXPONENTS for shape in SHAPES]
    file = tmp_path / "messages.jsonl"
    file.write_text("\n".join(messages) + "\n", encoding="utf-8")
    t_env = table_environment(Settings(source="file"), "event-time", local_configuration())
    t_env.execute_sql(f"CREATE TEMPORARY TABLE messages (message BYTES) WITH ('connector' = 'filesystem', "
                      f"'path' = '{file}', 'format' = 'raw')")  # fmt: skip
    read = t_env.execute_sql(f"SELECT CAST(message AS STRING), {message_time()} FROM messages")
    with read.collect() as found:
        streamed = {row[0]: row[1] for row in found}
    assert streamed.keys() == set(messages)
    for text, time in streamed.items():
        assert time == event_time.to_epoch_ms(json.loads(text)["timestamp"]), text
