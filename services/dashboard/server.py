"""`./fire dashboard`: serves the dashboard from one process with many threads, because every open page occupies one."""

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
    """Gunicorn configured by the system's settings instead of its own command line."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Sets gunicorn's options."""
        settings = self._settings
        host = f"[{settings.dashboard_host}]" if ":" in settings.dashboard_host else settings.dashboard_host
        threads = settings.dashboard_threads
        options: dict[str, Any] = {
            "bind": f"{host}:{settings.dashboard_port}", "workers": 1, "worker_class": "gthread", "threads": threads,
            "worker_connections": 4 * threads, "keepalive": QUIET_SECONDS, "graceful_timeout": GRACE_SECONDS,
            "timeout": 60, "preload_app": False, "accesslog": None, "errorlog": "-", "loglevel": "info",
            "proc_name": "fire-dashboard",
            "certfile": settings.dashboard_certificate or None, "keyfile": settings.dashboard_key or None,
            "forwarded_allow_ips": "",
            "control_socket_disable": True, "post_worker_init": end_streams_on_stop, "limit_request_line": 8190,
        }  # fmt: skip
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        """Creates the application in the worker process, so that its threads and connections start there."""
        return create_app(self._settings)


def end_streams_on_stop(worker: Any) -> None:
    """Ends the streams of open pages on SIGTERM, because the worker would otherwise wait for them in vain."""
    stop: Any = signal.getsignal(signal.SIGTERM)
    sources = worker.wsgi.extensions[NAME]

    def end(number: int, frame: FrameType | None) -> None:
        threading.Thread(target=sources.close, daemon=True).start()
        stop(number, frame)

    signal.signal(signal.SIGTERM, end)


def run(args: argparse.Namespace) -> int:
    """Serves until it is stopped; with `--hash-password`, prints the hash of a password instead.

    Raises:
        FireError: the settings do not allow the dashboard to start, or the password is unusable.
    """
    if args.hash_password:
        print(users.hashed(_password()))
        return 0
    settings = Settings.load()
    address = binding.checked(settings)
    binding.secret(settings)
    binding.refuse_open(settings, users.load(settings))
    print(f"dashboard: {address.url}", flush=True)
    Server(settings).run()
    return 0


def _password() -> str:
    """Reads the password from the terminal without echo, or from the first line of standard input."""
    if sys.stdin.isatty():
        return getpass.getpass("password: ")
    return sys.stdin.readline().rstrip("\r\n")
