"""Delivers one channel's part of the outbox, in a thread of its own: a channel that hangs holds up nobody else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from services.notify.channels import Channel
from services.notify.notification import UndeliveredError, one_line
from services.notify.outbox import Claimed, Outbox, Outcome, failed
from services.notify.reconnect import Patience, StoppedError

LOOK_SECONDS = 1.0
"""How often a thread without work looks for deliveries that have become due."""


class Deliverer:
    """Sends what is due on one channel; `clock` says what time it is."""

    def __init__(self, channel: Channel, outbox: Outbox, clock: Callable[[], datetime], report: Callable[[str], None]) -> None:
        self.channel, self.outbox = channel, outbox
        self._clock, self._report = clock, report
        self._unrecorded: Outcome | None = None

    def deliver_next(self) -> bool:
        """Sends the most urgent due delivery and records what became of it; whether there was one.

        Called again after an error of the database, it first records the attempt that was made before.
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
        except Exception as problem:  # whatever else goes wrong in one attempt must not end the channel
            error = one_line(f"{type(problem).__name__}: {problem}")
            outcome = failed(claimed, error, self._clock(), is_final=False)
        else:
            outcome = Outcome(claimed, "DELIVERED", self._clock(), error=one_line(note) if note else None)
        self._report(sentence(outcome))
        return outcome


class Worker(threading.Thread):
    """Runs a deliverer until it is told to stop; a send that has begun is finished and recorded."""

    def __init__(self, deliverer: Deliverer, stop: threading.Event, report: Callable[[str], None]) -> None:
        super().__init__(name=f"notify-{deliverer.channel.name}")
        self.problem: Exception | None = None
        self._deliverer, self._stop_asked, self._wake = deliverer, stop, threading.Event()
        self._patience = Patience(stop.wait, lambda said: report(f"{deliverer.channel.name}: {said}"))

    def wake(self) -> None:
        """Says that there may be something to deliver."""
        self._wake.set()

    def run(self) -> None:
        """Delivers whatever is due, waiting in between; an unexpected error is kept in `problem`."""
        try:
            while not self._stop_asked.is_set():
                if not self._patience.until_done(self._deliverer.deliver_next):
                    self._wake.wait(LOOK_SECONDS)
                    self._wake.clear()
        except StoppedError:
            return
        except Exception as problem:  # the main thread ends the program with it
            self.problem = problem
        finally:
            self._deliverer.outbox.close()


def sentence(outcome: Outcome) -> str:
    """One line for the log."""
    notice = outcome.claimed.notice
    start = f"{notice.channel}: {notice.key} {notice.alert['level']}, attempt {notice.attempt}"
    if outcome.state == "DELIVERED":
        return f"{start}: delivered{f', but {outcome.error}' if outcome.error else ''}"
    again = f"again at {outcome.due_at:%H:%M:%S} UTC" if outcome.due_at else "given up and parked; --retry-parked tries again"
    return f"{start}: {outcome.error}; {again}"
