"""A person who waits for the stack sees each step begin, go on and end, and why a submission failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands.cluster.submit import SubmitError, submit
from core.embedded_stack import DEFAULT_PORTS, stack_at
from infra.local import progress
from tests.support.waiting import until


def test_step_says_that_it_begins_that_it_goes_on_and_what_it_has_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SILENT_SECONDS", 0.01)
    lines: list[str] = []
    with progress.step(lines.append, "starting Kafka") as done:
        until(lambda: len(lines) > 2, "two reminders")
        done("Kafka is ready")
    assert lines[0] == "starting Kafka …"
    assert lines[1] == "still starting Kafka, 0 s so far"
    assert lines[-1].startswith("Kafka is ready after ") and lines[-1].endswith(" s")


def test_step_that_fails_reports_no_result_and_no_more_reminders(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []
    monkeypatch.setattr(progress, "_remind", lambda _report, _what, _began, event: ended.append(event))
    lines: list[str] = []
    with pytest.raises(ZeroDivisionError), progress.step(lines.append, "starting Kafka"):
        raise ZeroDivisionError
    assert lines == ["starting Kafka …"] and ended[0].is_set()


def test_client_that_fails_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(SubmitError, match=r"could not be submitted; .*\n.*no stack runs on this machine; start it"):
        submit(stack_at(tmp_path, DEFAULT_PORTS), ("store",), report=print)
