"""`./fire bench --only growth`: fleets that differ only in their size, the size of checkpoints, and when figures are void."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from commands.bench import flink, growth, telemetry
from commands.bench.flink import WORKS, Measured
from commands.bench.growth import Fleet, Hour
from commands.bench.telemetry import Telemetry
from commands.cli import main
from tests.commands.test_bench import EXPECTED, documents, run


def fleet(devices: int, per_million: float, backend: str = "hashmap", rows: dict[str, int] = EXPECTED) -> Fleet:
    return Fleet(devices, 10, backend, Measured(WORKS["w2"], EXPECTED, [run(per_million, rows)]))


def test_cost_is_compared_with_the_first_fleet() -> None:
    figures = [figure for _, figure in growth.figures([fleet(1_000, 40.0), fleet(10_000, 45.6), fleet(100_000, 50.0)], [])]
    assert figures == ["40.0 CPU-s per million messages (40.0), 1.00 of the first: flat",
                       "45.6 CPU-s per million messages (45.6), 1.14 of the first: flat",
                       "50.0 CPU-s per million messages (50.0), 1.25 of the first: NOT flat"]


def test_state_is_given_per_device_and_rocksdb_as_a_ratio_to_the_heap_of_the_same_fleet() -> None:
    hours = [Hour(fleet(1_000, 40.0), 20_000_000), Hour(fleet(1_000, 100.0, "rocksdb"), 18_000_000)]
    figures = [figure for _, figure in growth.figures([], hours)]
    assert figures == ["40.0 CPU-s per million messages, 1.00 of hashmap", "20.0 MB, 20.0 kB per device",
                       "100.0 CPU-s per million messages, 2.50 of hashmap", "18.0 MB, 18.0 kB per device"]


def test_fleet_with_other_rows_than_it_must_have_is_void_and_fails_the_command(monkeypatch: pytest.MonkeyPatch,
                                                                               capsys: pytest.CaptureFixture[str]) -> None:
    void = fleet(10_000, 40.0, rows=EXPECTED | {"readings": 1})
    monkeypatch.setattr(growth, "costs", lambda messages, times: [fleet(1_000, 40.0), void])
    monkeypatch.setattr(growth, "hours", lambda: [Hour(fleet(1_000, 40.0), 1)])
    assert main(["bench", "--only", "growth"]) == 1
    assert "VOID" in capsys.readouterr().out


@pytest.fixture
def inputs(monkeypatch: pytest.MonkeyPatch) -> list[list[dict[str, Any]]]:
    """Returns the messages of each run that is not made; the runs have the rows that they must have."""
    given_to_runs: list[list[dict[str, Any]]] = []

    def run_once(work: flink.Work, given: Telemetry, out: Path, configuration: Mapping[str, str],
                 **chosen: Any) -> flink.Run:
        given_to_runs.append(documents(given.file))
        return run(rows=given.expected)

    monkeypatch.setattr(flink, "run_once", run_once)
    monkeypatch.setattr(telemetry, "MALFORMED", 0.0)
    return given_to_runs


def test_every_fleet_has_as_many_messages_per_device_and_session(inputs: list[list[dict[str, Any]]]) -> None:
    fleets = growth.costs(300, 1, [(5, 5), (10, 2)])
    assert not growth.problems(fleets, [])
    assert [len(messages) for messages in inputs] == [2 * 5 * growth.SESSION_MESSAGES, 2 * 10 * growth.SESSION_MESSAGES]
    for messages in inputs:
        devices = {message["deviceId"] for message in messages}
        times = sorted(message["timestamp"] for message in messages if message["deviceId"] == "dev-0001")
        pauses = {later - earlier for earlier, later in itertools.pairwise(times)} - {0}
        assert {10_000} < pauses and max(pauses) > 60 * 60_000 and len(pauses) <= 3
        assert len(devices) in (5, 10) and min(times) % (5 * 60_000) == 0
    assert len({message["siteId"] for message in inputs[1]}) == 5


def test_small_fleet_has_more_sessions_until_there_are_enough_messages(inputs: list[list[dict[str, Any]]]) -> None:
    growth.costs(1_000, 2, [(5, 5)])
    assert inputs[0] == inputs[1] and len(inputs) == 2
    assert len(inputs[0]) == 7 * 5 * growth.SESSION_MESSAGES >= 1_000


def test_largest_complete_checkpoint_counts(tmp_path: Path) -> None:
    assert growth.checkpoint_bytes(tmp_path) == 0
    for number, sizes in enumerate([{"_metadata": 10, "state": 500}, {"_metadata": 10, "state": 200}, {"state": 9_000}]):
        folder = tmp_path / "job" / f"chk-{number}"
        folder.mkdir(parents=True)
        for name, size in sizes.items():
            (folder / name).write_bytes(bytes(size))
    assert growth.checkpoint_bytes(tmp_path) == 510
    (tmp_path / "job" / "shared").mkdir()
    (tmp_path / "job" / "shared" / "sst").write_bytes(bytes(1_000))
    assert growth.checkpoint_bytes(tmp_path) == 1_510
