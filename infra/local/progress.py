"""One line that tells how an installation goes: rewritten in place on a terminal, a few plain lines elsewhere."""

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
    """The progress of one step; use it as a context, call `at` as things get done."""

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

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:
        self._ended.set()
        if self.live:
            self._ticker.join()
            self.stream.write(_CLEAR)
        self._plain(f"{self.step}: {'stopped' if kind else 'done'} after {self.elapsed()}")

    def at(self, text: str) -> None:
        """What is being done now, as in `12 of 69 numpy`."""
        self.text = text

    def elapsed(self) -> str:
        """Minutes and seconds since the step began."""
        minutes, seconds = divmod(int(time.monotonic() - self.began), 60)
        return f"{minutes}:{seconds:02d}"

    def line(self, width: int) -> str:
        """The live line, cut to a terminal's width."""
        return f"{self.step}  {self.elapsed()}  {self.text}"[:max(width - 1, 20)]

    def _tick(self) -> None:
        while not self._ended.wait(TICK_SECONDS):
            self.stream.write(_CLEAR + self.line(shutil.get_terminal_size().columns))
            self.stream.flush()

    def _plain(self, text: str) -> None:
        self.stream.write(f"{text}\n")
        self.stream.flush()
