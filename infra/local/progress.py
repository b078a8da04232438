"""Shows the progress of an installation: one line redrawn in place on a terminal, otherwise a few plain lines."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from types import TracebackType
from typing import TextIO

TICK_SECONDS = 0.2
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
