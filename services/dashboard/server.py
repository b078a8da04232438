"""`./fire dashboard`: serves the dashboard with one process of many threads, for an open page keeps one."""

from __future__ import annotations

import argparse
import getpass
import signal
import sys
import threading
from types import FrameType
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from core.settings import Settings
from services.dashboard.app import create_app
from services.dashboard.auth import binding, users
from services.dashboard.sources import NAME

GRACE_SECONDS = 5
QUIET_SECONDS = 5


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn with our settings instead of a command line of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Everything that gunicorn has to know."""
        given = self._settings
        host = f"[{given.dashboard_host}]" if ":" in given.dashboard_host else given.dashboard_host
        options: dict[str, Any] = {
            "bind": f"{host}:{given.dashboard_port}", "workers": 1, "worker_class": "gthread", "threads": given.dashboard_threads,
            "worker_connections": 4 * given.dashboard_threads, "keepalive": QUIET_SECONDS, "graceful_timeout": GRACE_SECONDS,
            "timeout": 60, "preload_app": False, "accesslog": None, "errorlog": "-", "loglevel": "info",
            "proc_name": "fire-dashboard",
            "certfile": given.dashboard_certificate or None, "keyfile": given.dashboard_key or None, "forwarded_allow_ips": "",
            "control_socket_disable": True, "post_worker_init": end_streams_on_stop, "limit_request_line": 8190,
        }  # fmt: skip
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application; threads and connections begin in the process that serves."""
        return create_app(self._settings)


def end_streams_on_stop(worker: Any) -> None:
    """Ends the open pages' streams when the worker is told to stop, which would wait for them in vain."""
    stop: Any = signal.getsignal(signal.SIGTERM)
    sources = worker.wsgi.extensions[NAME]

    def end(number: int, frame: FrameType | None) -> None:
        threading.Thread(target=sources.close, daemon=True).start()
        stop(number, frame)

    signal.signal(signal.SIGTERM, end)


def run(args: argparse.Namespace) -> int:
    """Serves until it is stopped; or prints the hash of a password.

    Raises:
        FireError: the settings do not allow it.
    """
    if args.hash_password:
        print(users.hashed(_password()))
        return 0
    settings = Settings.load()
    place = binding.checked(settings)
    binding.secret(settings)
    binding.refuse_open(settings, users.load(settings))
    print(f"dashboard: {place.url}", flush=True)
    Server(settings).run()
    return 0


def _password() -> str:
    """From the terminal without showing it, or the first line of standard input."""
    if sys.stdin.isatty():
        return getpass.getpass("password: ")
    return sys.stdin.readline().rstrip("\r\n")
