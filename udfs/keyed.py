"""The alert life cycle as a keyed Flink function: state in, candidates in, alerts and dead letters out."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

from pyflink.common import Row, Time, Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import StateTtlConfig, ValueState, ValueStateDescriptor

from udfs.candidates import CandidateError, decode
from udfs.lifecycle import State, advance

STATE_RETENTION_DAYS = 30
"""A subject without any candidate for this long is forgotten, so that state stays bounded; as long as the alert topic keeps
its transitions, so that no alert is forgotten while someone may still read that it is open."""
DEAD_LETTER_VERSION = 1
ALERT, DEAD_LETTER = "alert", "dead_letter"

INPUT = ("subject", "candidate", "source", "record_time")
"""Columns of the rows that come in; `candidate` is the message as it arrived, `subject` its key."""
OUTPUT = ("kind", "subject", "payload")
"""Columns of the rows that go out; `payload` is JSON text, `kind` is `ALERT` or `DEAD_LETTER`."""
OUTPUT_TYPE = Types.ROW_NAMED(list(OUTPUT), [Types.STRING()] * len(OUTPUT))


class Lifecycle(KeyedProcessFunction):  # type: ignore[misc]
    """Runs `lifecycle.advance` for every candidate of a subject: one state read, at most one write.

    A candidate that cannot be used leaves as a dead letter and touches no state; it never fails the job.
    """

    def open(self, runtime_context: RuntimeContext) -> None:
        """Called once in each worker, before the first row."""
        retention = StateTtlConfig.new_builder(Time.days(STATE_RETENTION_DAYS)).set_update_type(
            StateTtlConfig.UpdateType.OnReadAndWrite).build()
        descriptor = ValueStateDescriptor("lifecycle", Types.STRING())
        descriptor.enable_time_to_live(retention)
        self._state: ValueState = runtime_context.get_state(descriptor)

    def process_element(self, value: Row, ctx: KeyedProcessFunction.Context) -> Iterator[Row]:
        """Called for every candidate; yields rows of `OUTPUT`."""
        try:
            row = decode(value.candidate)
            stored = self._state.value()
            state = State.loads(stored)
            alerts = advance(state, row)
        except CandidateError as problem:
            yield Row(DEAD_LETTER, value.subject, _json(_dead_letter(value, problem)))
            return
        after = state.dumps()
        if after != stored:
            self._state.update(after)
        for alert in alerts:
            yield Row(ALERT, alert["subject"], _json(alert))


def _dead_letter(value: Row, problem: CandidateError) -> dict[str, Any]:
    message = None if value.candidate is None else base64.b64encode(value.candidate).decode("ascii")
    return {
        "schema_version": DEAD_LETTER_VERSION, "source": value.source, "record_time": value.record_time,
        "reason": str(problem), "message": message,
    }  # fmt: skip


def _json(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
