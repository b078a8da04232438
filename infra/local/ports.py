"""Chooses TCP ports on the loopback address: the default port if it is free, or else the next free port above it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from core.errors import FireError

LOOPBACK = "127.0.0.1"
SEARCHED = 200
_LISTEN = "0A"


class NoFreePortError(FireError):
    """No port of a range is free; the text names the part that needs one, and the range."""


def is_free(port: int) -> bool:
    """Returns whether a server could listen on this port of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
        return True


def accepts(port: int) -> bool:
    """Returns whether a server on the loopback address accepts connections on this port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) == 0


def choose(wanted: Mapping[str, int], report: Callable[[str], None], free: Callable[[int], bool] = is_free
           ) -> dict[str, int]:
    """Chooses a distinct port for each name; reports every port that differs from the wanted one."""
    chosen: dict[str, int] = {}
    for name, port in wanted.items():
        chosen[name] = _next_free(name, port, set(chosen.values()), free)
        if chosen[name] != port:
            report(f"port {port} is in use{by(port)}; {name} uses {chosen[name]}")
    return chosen


def _next_free(name: str, port: int, taken: set[int], free: Callable[[int], bool]) -> int:
    for candidate in range(port, min(port + SEARCHED, 65536)):
        if candidate not in taken and free(candidate):
            return candidate
    raise NoFreePortError(f"{name} needs a free port, but none from {port} to {port + SEARCHED - 1} is free; "
                          "stop the programs that use them")


def by(port: int) -> str:
    """Returns ` by java (pid 4711)` for the process that listens on a port, or an empty text if /proc does not show it."""
    inodes = _listening_inodes(port)
    for process in Path("/proc").glob("[0-9]*") if inodes else ():
        if _holds(process, inodes):
            return f" by {(process / 'comm').read_text().strip()} (pid {process.name})"
    return ""


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for row in table.read_text().splitlines()[1:] if table.exists() else ():
            columns = row.split()
            if columns[3] == _LISTEN and int(columns[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{columns[9]}]")
    return inodes


def _holds(process: Path, inodes: set[str]) -> bool:
    try:
        return any(str(handle.readlink()) in inodes for handle in (process / "fd").iterdir())
    except OSError:  # the process has ended or belongs to another user
        return False
