"""Delivers the notifications of one channel in a thread of its own, so that a slow channel does not delay the others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from services.notify.channels import Channel
from services.notify.notification import UndeliveredError, one_line
from services.notify.outbox import Claimed, Outbox, Outcome, failed
from services.notify.reconnect import Retry, StoppedError

LOOK_SECONDS = 1.0
"""How often an idle thread looks for deliveries that have become due."""


class Deliverer:
    """Sends the due deliveries of one channel; `clock` returns the current time."""

    def __init__(self, channel: Channel, outbox: Outbox, clock: Callable[[], datetime], report: Callable[[str], None]) -> None:
        self.channel, self.outbox = channel, outbox
        self._clock, self._report = clock, report
        self._unrecorded: Outcome | None = None

    def deliver_next(self) -> bool:
        """Sends the most urgent due delivery and records the outcome; returns False if nothing was due.

        When called again after a database error, it records the outcome of the earlier attempt and sends nothing.
        """
        if self._unrecorded is None:
            claimed = self.outbox.claim(self.channel, self._clock())
            if claimed is None:
                return False
            self._unrecorded = self._attempt(claimed)
        self.outbox.settle(self._unrecorded)
        self._unrecorded = None
        return True

    def _attempt(self, claimed: Claimed) -> Outcome:
        try:
            note = self.channel.target.send(claimed.notice, self._clock())
        except UndeliveredError as problem:
            outcome = failed(claimed, one_line(problem), self._clock(), is_final=problem.is_final)
        except Exception as problem:  # no error of a single attempt may stop the channel
            error = one_line(f"{type(problem).__name__}: {problem}")
            outcome = failed(claimed, error, self._clock(), is_final=False)
        else:
            outcome = Outcome(claimed, "DELIVERED", self._clock(), error=one_line(note) if note else None)
        self._report(sentence(outcome))
        return outcome


class Worker(threading.Thread):
    """Runs a deliverer until `stop` is set; an attempt under way is finished and recorded."""

    def __init__(self, deliverer: Deliverer, stop: threading.Event, report: Callable[[str], None]) -> None:
        super().__init__(name=f"notify-{deliverer.channel.name}")
        self.problem: Exception | None = None
        self._deliverer, self._stopped, self._wake = deliverer, stop, threading.Event()
        self._retry = Retry(stop.wait, lambda line: report(f"{deliverer.channel.name}: {line}"))

    def wake(self) -> None:
        """Ends the worker's wait, because there may be something to deliver."""
        self._wake.set()

    def run(self) -> None:
        """Delivers whatever is due, waiting in between; an unexpected error is kept in `problem`."""
        try:
            while not self._stopped.is_set():
                if not self._retry.until_done(self._deliverer.deliver_next):
                    self._wake.wait(LOOK_SECONDS)
                    self._wake.clear()
        except StoppedError:
            return
        except Exception as problem:  # the main thread raises it
            self.problem = problem
        finally:
            self._deliverer.outbox.close()


def sentence(outcome: Outcome) -> str:
    """Describes the outcome of an attempt in one line, for the log."""
    notice = outcome.claimed.notice
    start = f"{notice.channel}: {notice.key} {notice.alert['level']}, attempt {notice.attempt}"
    if outcome.state == "DELIVERED":
        return f"{start}: delivered{f', but {outcome.error}' if outcome.error else ''}"
    following = f"retry at {outcome.due_at:%H:%M:%S} UTC" if outcome.due_at else "given up and parked; --retry-parked tries again"
    return f"{start}: {outcome.error}; {following}"
