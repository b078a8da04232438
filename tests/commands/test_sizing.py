"""The sizing page follows from the figures that were measured, and its arithmetic is that which the page explains."""

from __future__ import annotations

import pytest

from commands.bench import sizing
from commands.bench.sizing import Figure, needs
from core.installation import ROOT

VALUES = {"detect_cpu_hour": 50.0, "rocksdb_ratio": 3.0, "slot_rate": 10_000.0, "state_bytes": 20_000.0, "heap_bytes": 100_000.0,
          "telemetry_bytes": 200.0, "reading_bytes": 800.0, "reading_row_bytes": 500.0, "minute_row_bytes": 600.0,
          "window_row_bytes": 400.0}
MEASURED = {name: Figure(value, "", "", "") for name, value in VALUES.items()}


def test_page_is_what_the_figures_give() -> None:
    page = (ROOT / sizing.PAGE).read_text(encoding="utf-8")
    assert sizing.render(lambda _: page) == {sizing.PAGE: page}
    for devices in sizing.DEVICES:
        fleet = needs(devices, sizing.SECONDS, sizing.figures())
        assert f"| {devices:,} | {devices // 10:,} | {sizing._number(fleet.cores)} | {fleet.slots:,} |" in page


def test_other_figures_give_another_page() -> None:
    page = (ROOT / sizing.PAGE).read_text(encoding="utf-8")
    fleets = list(sizing._fleets([needs(1_000, 10, MEASURED)]))
    assert sizing.replaced(page, "fleets", fleets) != page
    assert sizing.replaced(sizing.replaced(page, "fleets", fleets), "fleets", fleets) == sizing.replaced(page, "fleets", fleets)


def test_small_fleet_has_one_slot_and_the_default_partitions() -> None:
    fleet = needs(1_000, 10, MEASURED)
    assert (fleet.messages, fleet.slots, fleet.taskmanagers, fleet.units, fleet.partitions) == (100, 1, 1, 2, 4)
    assert fleet.cores == pytest.approx(100 * 50 / 1e6)
    assert (fleet.backend, fleet.state) == ("heap", 20e6)


def test_slots_follow_from_the_heap_if_that_is_scarcer_than_time() -> None:
    two, three = needs(20_000, 10, MEASURED), needs(30_000, 10, MEASURED)
    assert (two.slots, two.backend) == (2, "heap"), "2 GB on the heap; 2,000 messages/s take 0.4 slots, in RocksDB 1.2"
    assert (three.slots, three.backend) == (2, "RocksDB"), "3 GB on the heap; 3,000 messages/s take 1.8 slots in RocksDB"
    assert three.cores == pytest.approx(3 * 3_000 * 50 / 1e6)


def test_every_slot_reads_equally_many_partitions() -> None:
    for devices in sizing.DEVICES:
        fleet = needs(devices, 10, MEASURED)
        assert fleet.partitions % fleet.slots == 0 and fleet.partitions >= max(fleet.slots, 4)


def test_rows_and_bytes_of_a_day_are_those_of_readings_minutes_and_five_minutes() -> None:
    fleet = needs(1_000, 10, MEASURED)
    readings, minutes, windows = 100 * 86_400, 1_000 * 1_440, 1_000 * 288
    assert fleet.rows == readings + minutes + windows
    assert fleet.postgres == readings * 500 + minutes * 600 + windows * 400
    assert fleet.kafka == readings * 1_000


@pytest.mark.parametrize(("count", "text"), [(5e5, "0.5 MB"), (57.6e6, "58 MB"), (2.04e9, "2.04 GB"), (6e11, "600 GB"),
                                             (4e15, "4 PB")])
def test_sizes_are_in_the_largest_unit_of_which_there_is_one(count: float, text: str) -> None:
    assert sizing._size(count) == text
