"""A limit for a whole conversation with a server: a socket's own timeout bounds each answer, and a slow server many of them."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def hang_up_after(seconds: float, connection: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Ends the conversation over `connection()` after this long; whoever waits for an answer gets an error."""
    timer = threading.Timer(seconds, _hang_up, [connection])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _hang_up(connection: Callable[[], socket.socket | None]) -> None:
    open_socket = connection()
    if open_socket is not None:
        with contextlib.suppress(OSError):  # it has been closed meanwhile
            socket.socket.shutdown(open_socket, socket.SHUT_RDWR)
