"""The jobs give the same results wherever their state is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from core.settings import Settings
from jobs.flink import environment
from tests.conftest import VECTORS, Rows


def in_order(rows: Rows) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def test_results_with_rocksdb_are_those_with_the_heap(replay: Callable[..., dict[str, Rows]], replayed: dict[str, Rows]) -> None:
    in_rocksdb = replay(VECTORS / "stream.jsonl.gz", state_backend="rocksdb")
    assert {result: in_order(rows) for result, rows in in_rocksdb.items()} == {
        result: in_order(rows) for result, rows in replayed.items()}
    assert in_rocksdb["alerts"] and in_rocksdb["device_minutes"]


def test_chosen_backend_is_set_for_every_job_and_only_rocksdb_writes_incremental_checkpoints() -> None:
    def options(**chosen: Any) -> dict[str, str]:
        return {name: value for name, value in environment._options(Settings(**chosen), "detect").items()
                if name.startswith("state.") or name.endswith("incremental")}

    assert options() == {}
    assert options(state_backend="rocksdb") == {"state.backend.type": "rocksdb", "execution.checkpointing.incremental": "true"}
    assert options(state_backend="hashmap") == {"state.backend.type": "hashmap", "execution.checkpointing.incremental": "false"}
