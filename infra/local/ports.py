"""TCP ports on the loopback address: the usual one when it is free, else the next free one above it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from core.errors import FireError

LOOPBACK = "127.0.0.1"
SEARCHED = 200
_LISTEN = "0A"


class NoFreePortError(FireError):
    """All ports above a default are in use."""


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
        return True


def accepts(port: int) -> bool:
    """Whether something on the loopback address accepts a connection on this port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) == 0


def choose(wanted: Mapping[str, int], report: Callable[[str], None], free: Callable[[int], bool] = is_free
           ) -> dict[str, int]:
    """One port for each name, no port twice; `report` hears of every one that is not the wanted one."""
    chosen: dict[str, int] = {}
    for name, port in wanted.items():
        chosen[name] = _next_free(name, port, set(chosen.values()), free)
        if chosen[name] != port:
            report(f"port {port} is in use{by(port)}; {name} takes {chosen[name]}")
    return chosen


def _next_free(name: str, port: int, taken: set[int], free: Callable[[int], bool]) -> int:
    for candidate in range(port, min(port + SEARCHED, 65536)):
        if candidate not in taken and free(candidate):
            return candidate
    raise NoFreePortError(f"{name} needs a port and finds none free from {port} to {port + SEARCHED - 1}; "
                          "stop what uses them")


def by(port: int) -> str:
    """` by java (pid 4711)` as far as /proc tells it, else nothing."""
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
    except OSError:  # ended meanwhile, or another user's
        return False
