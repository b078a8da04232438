"""Takes a figure again and again while something runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Figure = TypeVar("Figure")


class Sampler(Generic[Figure]):
    """Calls `take` every `seconds` from the start of a block to its end; `samples` are pairs of epoch seconds and figure.

    The end of the block raises what `take` has raised.
    """

    def __init__(self, take: Callable[[], Figure], seconds: float) -> None:
        self.samples: list[tuple[float, Figure]] = []
        self._take, self._seconds, self._stop = take, seconds, threading.Event()
        self._problem: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def __enter__(self) -> Sampler[Figure]:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._problem:
            raise self._problem

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self.samples.append((time.time(), self._take()))
                self._stop.wait(self._seconds)
        except Exception as problem:  # raised where the block ends
            self._problem = problem
