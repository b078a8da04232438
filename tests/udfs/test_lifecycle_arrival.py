"""An alert is open if and only if its last candidate was not followed, in the order of arrival, by five quiet minutes."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import epoch_ms
from tests.udfs.test_lifecycle import ARCS, HEAT, Row, context, minute, reading, transitions
from tests.udfs.test_lifecycle_properties import ANY_STREAM
from udfs.alerts.lifecycle import AT_ONCE
from udfs.alerts.state import State

MINUTE_MS, PAUSE_MS, QUIET = 60_000, 300_000, 5
TYPES = (HEAT, ARCS, "CONTEXT_RISK", "TEMPERATURE_RISE")


def distinct(rows: list[Row]) -> list[Row]:
    """Returns the rows without those that were delivered before."""
    seen: set[tuple[object, ...]] = set()
    identity = ("kind", "alert_type", "event_time", "idx", "level")
    return [row for row in rows if (key := tuple(row[name] for name in identity)) not in seen and not seen.add(key)]


def minute_of(candidate: Row) -> int:
    """Returns the end of the minute to which a candidate belongs."""
    at = epoch_ms(candidate["event_time"])
    return -(-at // MINUTE_MS) * MINUTE_MS if candidate["idx"] is None else (at // MINUTE_MS + 1) * MINUTE_MS


def is_open(rows: list[Row], alert_type: str) -> bool:
    """Judges from the whole stream whether an alert is open after it."""
    arrived = distinct(rows)
    positions = [position for position, row in enumerate(arrived) if row["alert_type"] == alert_type]
    if not positions:
        return False
    last = epoch_ms(arrived[positions[-1]]["event_time"])
    own = {minute_of(arrived[position]) for position in positions}
    behind = [epoch_ms(row["event_time"]) for row in arrived[positions[-1] + 1:] if row["kind"] == "MINUTE"]
    place = place_of_fifth_quiet_minute(behind, last, own)
    return place is None or (alert_type not in AT_ONCE and place == len(behind) - 1)


def place_of_fifth_quiet_minute(behind: list[int], last: int, own: set[int]) -> int | None:
    """Returns the place of the minute that ends the first five quiet minutes without a long pause, or None."""
    run: list[int] = []
    for place, end in enumerate(behind):
        if end <= last:
            continue
        has_paused = bool(run) and end - MINUTE_MS - run[-1] > PAUSE_MS
        run = [] if end in own else [end] if has_paused else [*run, end]
        if len(run) == QUIET:
            return place
    return None


@dataclass(frozen=True)
class Event:
    """What happens to a device within a minute: a step of its clock before it, hazards in it, and how many rows come again."""

    step: int
    is_hot: bool
    is_risky_in_context: bool
    repeats: int


STEP = st.sampled_from([0, 0, 0, 0, 1, 3, 7, -1, -4, -30, 30, -500_000])
EVENTS = st.lists(st.builds(Event, STEP, st.booleans(), st.booleans(), st.sampled_from([0, 0, 0, 1, 4])), max_size=50)


def life(events: list[Event]) -> list[Row]:
    """Returns the rows of a device whose clock steps, some of which are delivered again."""
    rows: list[Row] = []
    now = 0
    for event in events:
        now += 1 + event.step
        own = [reading(60 * now + 7)] * event.is_hot + [minute(now)] + [context(now + 1)] * event.is_risky_in_context
        rows += own
        rows += rows[-event.repeats:] if event.repeats else []
    return rows


@settings(deadline=None)
@given(st.one_of(ANY_STREAM, EVENTS.map(life)))
def test_alert_is_open_if_and_only_if_its_last_candidate_was_not_followed_by_five_quiet_minutes(rows: list[Row]) -> None:
    state = State()
    transitions(rows, state)
    assert {kind: kind in state.alerts for kind in TYPES} == {kind: is_open(rows, kind) for kind in TYPES}
