"""A replay reads what arrived, with its arrival if the file keeps it, and refuses a time that no other line confirms."""

from __future__ import annotations

import base64
import gzip
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commands.replay import records
from tests.conftest import message
from tests.support.dumps import dumped
from udfs.readings.event_time import NO_TIME

START = 1_760_000_400_000
WRITTEN = START + 10**9
MINUTE = 60_000


def written(*files: Path) -> list[dict[str, Any]]:
    target = files[0].parent / "records"
    records.write(files, target)
    return [json.loads(line) for line in target.read_bytes().splitlines()]


def file(folder: Path, name: str, lines: list[bytes]) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(b"\n".join(lines)) if name.endswith(".gz") else b"\n".join(lines) + b"\n")
    os.utime(path, (WRITTEN / 1000, WRITTEN / 1000))
    return path


def newest(*minutes: float | None) -> list[int | None]:
    """Returns the newest time of each line of a file, in minutes; None in, refused; None out, without a bound of its own."""
    times = np.array([NO_TIME if each is None else START + round(each * MINUTE) for each in minutes], dtype=np.int64)
    bounds = records.newest_times(times, WRITTEN)
    return [each and (None if each == WRITTEN else round((each - START) / MINUTE)) for each in bounds]


def test_message_is_kept_to_the_byte_with_its_place_and_the_time_of_its_file(tmp_path: Path) -> None:
    odd = b'{"deviceId":"a\xff","payload":1}'
    assert written(file(tmp_path, "a.jsonl", [message(), odd, b""])) == [
        {"message": base64.b64encode(each).decode(), "record_key": None, "source": f"{tmp_path / 'a.jsonl'}:{number}",
         "arrived_ms": None, "newest_ms": time} for number, (each, time) in
        enumerate([(message(), WRITTEN), (odd, None), (b"", None)], 1)]


@pytest.mark.parametrize("name", ["dump.jsonl", "dump.jsonl.gz"])
def test_dump_gives_each_message_its_key_and_arrival(tmp_path: Path, name: str) -> None:
    rows = written(file(tmp_path, name, [b"", dumped(b'{"a":"\xff"}', START, "dev-1"), dumped(b"x", -1)]))
    assert [(base64.b64decode(row["message"]), row["record_key"], row["arrived_ms"], row["source"][-2:]) for row in rows] == [
        (b"x", None, None, ":3"), (b'{"a":"\xff"}', base64.b64encode(b"dev-1").decode(), START, ":2")]


def test_dumps_of_several_partitions_are_merged_by_arrival(tmp_path: Path) -> None:
    first = file(tmp_path, "0", [dumped(b"a", START), dumped(b"c", START + 2)])
    second = file(tmp_path, "1", [dumped(b"b", START + 1), dumped(b"d", START + 3)])
    assert [base64.b64decode(row["message"]) for row in written(first, second)] == [b"a", b"b", b"c", b"d"]


def test_payload_can_be_absent_an_object_or_text_with_half_a_character(tmp_path: Path) -> None:
    lines = [b'{"ts":1,"payload":null}', b'{"ts":2,"payload":{"a":1}}', b'{"ts":3,"key":"k","payload":"\\ud800"}']
    assert [base64.b64decode(row["message"]) for row in written(file(tmp_path, "dump", lines))] == [b"", b'{"a":1}', b"?"]


@pytest.mark.parametrize(("line", "said"), [(b'{"ts":1', "is not a record of kcat -J"), (b'{"ts":1}', "has no ts or no payload")])
def test_line_of_a_dump_that_is_no_record_is_named(tmp_path: Path, line: bytes, said: str) -> None:
    with pytest.raises(records.RecordsError, match=f"dump:2 {said}"):
        written(file(tmp_path, "dump", [dumped(b"a", START), line]))


def test_message_that_looks_like_a_record_is_one_only_in_a_dump(tmp_path: Path) -> None:
    rows = written(file(tmp_path, "lines", [message(), dumped(b"a", START)]))
    assert [row["arrived_ms"] for row in rows] == [None, None]


def test_empty_file_has_no_records(tmp_path: Path) -> None:
    assert written(file(tmp_path, "none", [])) == [
        {"message": "", "record_key": None, "source": f"{tmp_path / 'none'}:1", "arrived_ms": None, "newest_ms": None}]


def test_time_far_ahead_of_the_lines_before_and_behind_is_bounded() -> None:
    assert newest(0, 1, 500, 2, 3) == [None, None, 13, None, None]
    assert newest(500, 0, 1, 2) == [11, None, None, None]
    assert newest(*range(60), 500, *range(60, 120)) == [None] * 60 + [85 + 10] + [None] * 60


def test_fleet_with_a_few_clocks_ahead_keeps_the_times_of_the_others() -> None:
    times = [minute + (60 if device < 2 else 0) for minute in range(30) for device in range(5)]
    bounds = newest(*times)
    assert [bound is not None for bound in bounds] == [device < 2 for _ in range(30) for device in range(5)]


def test_time_after_a_gap_is_confirmed_by_the_lines_behind_it() -> None:
    assert newest(0, 1, 500, 501, 502) == [None] * 5
    assert newest(0, 100, 200, 300) == [None] * 4
    assert newest(0, 1, 500) == [None] * 3, "nothing behind it can be late"


def test_late_lines_and_a_clock_a_little_ahead_bound_nothing() -> None:
    assert newest(*range(60), 3, 4, 60, 61) == [None] * 64
    assert newest(0, 10, 0, 1) == [None] * 4


def test_refused_message_bounds_nothing_and_has_no_time() -> None:
    assert records.newest_times(np.array([START, NO_TIME, START + 1]), WRITTEN) == [WRITTEN, None, WRITTEN]
