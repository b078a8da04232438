"""Limits the duration of a whole exchange with a server; a socket's own timeout limits only each single answer."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def hang_up_after(seconds: float, connection: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Shuts down the socket that `connection` returns after `seconds`; a blocked read or write then raises an error."""
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
        with contextlib.suppress(OSError):  # it was closed in the meantime
            socket.socket.shutdown(open_socket, socket.SHUT_RDWR)
