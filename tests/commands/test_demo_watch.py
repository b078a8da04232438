"""The demo accounts for every message and alert, with a sentence for each count that does not match."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from commands.demo.watch import Arrival, Stored, differences
from commands.simulate.sender import Sent

SENT = Sent(Counter(reading=95, duplicate=3, empty=2))
OPENED = {"alert_id": "a", "transition": "OPENED", "level": "HIGH", "event_time": "2025-10-09T09:00:00.250Z"}


def watch(*transitions: tuple[str, str, str], dead_letters: int = 2) -> Any:
    """Returns a watch that has seen these transitions and this number of dead letters."""
    return SimpleNamespace(arrivals=dict.fromkeys(transitions), dead_letters=set(range(dead_letters)))


def test_matching_counts_give_no_differences() -> None:
    seen = watch(("a", "OPENED", "HIGH"), ("a", "ESCALATED", "CRITICAL"), ("b", "OPENED", "HIGH"))
    assert differences(SENT, Stored(95, 2, 3), seen) == []


@pytest.mark.parametrize(("rows", "dead_letters", "sentence"), [
    (Stored(94, 1, 1), 2, "94 readings are stored, but 95 good ones were sent"),
    (Stored(98, 1, 1), 2, "98 readings are stored, but 95 good ones were sent"),
    (Stored(95, 1, 1), 1, "1 dead letters arrived, but 2 malformed messages were sent"),
    (Stored(95, 0, 1), 2, "Postgres holds 0 alerts, but the topic 1"),
    (Stored(95, 1, 2), 2, "Postgres holds 2 transitions of alerts, but the topic 1")])
def test_count_that_does_not_match_is_reported_in_a_sentence(rows: Stored, dead_letters: int, sentence: str) -> None:
    assert differences(SENT, rows, watch(("a", "OPENED", "HIGH"), dead_letters=dead_letters)) == [sentence]


def test_no_alert_at_all_is_a_failure_even_if_every_count_matches() -> None:
    assert differences(SENT, Stored(95, 0, 0), watch()) == ["no alert arrived in the topic"]


def test_latency_is_from_the_message_to_the_consumer() -> None:
    assert Arrival(OPENED, 1_760_000_401_000).latency_ms == 750
