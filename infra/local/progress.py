"""Shows the progress of an installation, redrawn in place on a terminal, and of the steps of a start, as plain lines."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TextIO

from core.logs import Report

TICK_SECONDS = 0.2
SILENT_SECONDS = 10.0
"""How long a step lasts before it says again that it goes on."""
_CLEAR = "\r\x1b[K"


class Progress:
    """The progress of one step, to be used as a context manager; `at` updates it."""

    def __init__(self, step: str, stream: TextIO = sys.stderr) -> None:
        self.step = step
        self.stream = stream
        self.live = stream.isatty()
        self.began = time.monotonic()
        self.text = ""
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Progress:
        if self.live:
            self._ticker.start()
        else:
            self._plain(f"{self.step} …")
        return self

    def __exit__(self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:
        self._ended.set()
        if self.live:
            self._ticker.join()
            self.stream.write(_CLEAR)
        self._plain(f"{self.step}: {'stopped' if error_type else 'done'} after {self.elapsed()}")

    def at(self, text: str) -> None:
        """Sets the text of what is being done now, as in `12 of 69 numpy`."""
        self.text = text

    def elapsed(self) -> str:
        """Returns the minutes and seconds since the step began, as in `1:05`."""
        minutes, seconds = divmod(int(time.monotonic() - self.began), 60)
        return f"{minutes}:{seconds:02d}"

    def line(self, width: int) -> str:
        """Returns the live line, cut to the width of a terminal."""
        return f"{self.step}  {self.elapsed()}  {self.text}"[:max(width - 1, 20)]

    def _tick(self) -> None:
        while not self._ended.wait(TICK_SECONDS):
            self.stream.write(_CLEAR + self.line(shutil.get_terminal_size().columns))
            self.stream.flush()

    def _plain(self, text: str) -> None:
        self.stream.write(f"{text}\n")
        self.stream.flush()


@contextmanager
def step(report: Report, what: str) -> Iterator[Callable[[str], None]]:
    """Reports that a step begins and, every `SILENT_SECONDS`, that it goes on; provides a function that reports its result."""
    began, ended = time.monotonic(), threading.Event()
    report(f"{what} …")
    threading.Thread(target=_remind, args=(report, what, began, ended), daemon=True).start()
    try:
        yield lambda result: report(f"{result} after {time.monotonic() - began:.1f} s")
    finally:
        ended.set()


def _remind(report: Report, what: str, began: float, ended: threading.Event) -> None:
    while not ended.wait(SILENT_SECONDS):
        report(f"still {what}, {time.monotonic() - began:.0f} s so far")
