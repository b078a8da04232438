"""Runs the life cycle of alerts as a keyed Flink function, from candidates to alert rows and dead letters."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from pyflink.common import Row, Time, Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import StateTtlConfig, ValueState, ValueStateDescriptor

from udfs import dead_letters
from udfs.alerts.candidates import decode
from udfs.alerts.fields import CandidateError
from udfs.alerts.lifecycle import advance, due, wake
from udfs.alerts.state import State

SETTLED_RETENTION_HOURS = 24
"""A subject without an open alert and without a row for this long is forgotten, so that state stays bounded."""
GRACE_MS = 180_000
"""How long a timer waits for rows on their way: a minute's end, the watermark's lateness and an idle partition delay them."""
ALERT, ALERT_STATE, DEAD_LETTER = "alerts", "alert_state", "dead_letters"

OUTPUT = ("kind", "key", "payload")
"""Columns of an output row: `kind` names the result, `key` is the key of the record, `payload` its value as JSON text."""
OUTPUT_TYPE = Types.ROW_NAMED(list(OUTPUT), [Types.STRING()] * len(OUTPUT))


class Lifecycle(KeyedProcessFunction):  # type: ignore[misc]
    """Runs `lifecycle.advance` for every candidate of a subject, with at most two state reads and two writes.

    Flink keeps a subject in one of two states. `open` holds subjects with an open alert and has no time to live: an open alert
    is never forgotten. `settled` holds the others for 24 hours after their last row; Flink expires them without a timer. A
    candidate that cannot be used becomes a dead letter, changes no state and never fails the job.

    Only a subject with an open alert has a timer, in processing time: with a silent input, event time would not advance.
    """

    def __init__(self, is_live: bool) -> None:
        """Runs on the client; `is_live` is False for file input, which needs no timers."""
        self._is_live = is_live

    def open(self, runtime_context: RuntimeContext) -> None:
        """Runs once in each worker, before the first row."""
        self._opened = time.time_ns() // 1_000_000
        retention = StateTtlConfig.new_builder(Time.hours(SETTLED_RETENTION_HOURS)).set_update_type(
            StateTtlConfig.UpdateType.OnReadAndWrite).build()
        settled = ValueStateDescriptor("settled", Types.STRING())
        settled.enable_time_to_live(retention)
        self._settled: ValueState = runtime_context.get_state(settled)
        self._open: ValueState = runtime_context.get_state(ValueStateDescriptor("open", Types.STRING()))

    def process_element(self, value: Row, ctx: KeyedProcessFunction.Context) -> Iterator[Row]:
        """Yields the rows of `OUTPUT` that a candidate causes."""
        try:
            row = decode(value.candidate)
            stored = self._open.value()
            was_open = stored is not None
            state = State.loads(stored if was_open else self._settled.value())
            was_due = due(state)
            alerts = advance(state, row)
        except CandidateError as problem:
            letter = dead_letters.document(value.candidate, str(problem), value.source, value.record_time)
            yield Row(DEAD_LETTER, value.source, _json(letter))
            return
        self._keep(state, was_open)
        if due(state) != was_due:
            self._set_timer(state, ctx)
        yield from map(_output, alerts)

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[Row]:
        """Yields the rows of `OUTPUT` that are due without a further row of the subject."""
        stored = self._open.value()
        if stored is None:
            return
        state = State.loads(stored)
        alerts = []
        if timestamp >= self._opened:  # else the job was down at that time, and the rows it missed come first
            subject_kind, _, subject = ctx.get_current_key().partition(" ")
            alerts = wake(state, subject, subject_kind, timestamp - GRACE_MS)
            self._keep(state, was_open=True)
        self._set_timer(state, ctx)
        yield from map(_output, alerts)

    def _set_timer(self, state: State, ctx: KeyedProcessFunction.Context) -> None:
        """Sets the timer for the subject's next due time plus the grace for rows on their way."""
        at = due(state)
        if self._is_live and at is not None:
            timers = ctx.timer_service()
            now = timers.current_processing_time()
            timers.register_processing_time_timer(at + GRACE_MS if at + GRACE_MS > now else now + GRACE_MS)

    def _keep(self, state: State, was_open: bool) -> None:
        """Writes the state to `open` or `settled`, and clears the other one if the subject has moved."""
        if state.is_over:
            self._settled.update(state.dumps())
        else:
            self._open.update(state.dumps())
        if state.is_over and was_open:
            self._open.clear()
        elif not state.is_over and not was_open:
            self._settled.clear()


def _output(alert: dict[str, Any]) -> Row:
    is_update = alert["transition"] is None
    return Row(ALERT_STATE if is_update else ALERT, alert["alert_id" if is_update else "subject"], _json(alert))


def _json(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
