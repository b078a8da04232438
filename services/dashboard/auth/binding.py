"""Where the dashboard listens and what browsers call it; a dashboard that others reach has a login and is encrypted."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from core.errors import FireError
from core.settings import Settings
from services.dashboard.auth.users import Users

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
ANY = ("", "0.0.0.0", "::")  # noqa: S104 -- refused without a login
SHORTEST_SECRET = 32


class BindingError(FireError):
    """The dashboard may not start like this; the text says what to set."""


@dataclass(frozen=True)
class Place:
    """The address that browsers use, the host names they may ask for, and whether all of it is encrypted."""

    url: str
    hosts: list[str]
    is_secure: bool


def checked(settings: Settings) -> Place:
    """The place of these settings.

    Raises:
        BindingError: passwords or alerts would go over a network unencrypted, or browsers cannot find it.
    """
    if bool(settings.dashboard_certificate) != bool(settings.dashboard_key):
        raise BindingError("FIRE_DASHBOARD_CERTIFICATE and FIRE_DASHBOARD_KEY belong together; set both or none")
    url = settings.dashboard_url or _own_url(settings)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise BindingError(f"FIRE_DASHBOARD_URL is {url!r}; use an address like https://fire.example.org")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise BindingError(f"browsers would reach {url} unencrypted; set FIRE_DASHBOARD_CERTIFICATE and FIRE_DASHBOARD_KEY, or "
                           "put a proxy with TLS before it and its https:// address into FIRE_DASHBOARD_URL")
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    # No other name is answered to: else any site could have a browser on this machine talk to the dashboard.
    return Place(url, [*LOOPBACK, *({name} - set(LOOPBACK))], parts.scheme == "https")


def _own_url(settings: Settings) -> str:
    host = settings.dashboard_host
    if host in ANY:
        raise BindingError(f"FIRE_DASHBOARD_HOST is {host!r}, which is every address; say in FIRE_DASHBOARD_URL which one "
                           "browsers use, as in https://fire.example.org")
    scheme = "https" if settings.dashboard_certificate else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.dashboard_port}"


def refuse_open(settings: Settings, users: Users) -> None:
    """Nobody may come in without a login from another machine.

    Raises:
        BindingError: they could.
    """
    url = settings.dashboard_url
    if not users and not (is_loopback(settings.dashboard_host) and (not url or is_loopback(urlsplit(url).hostname or ""))):
        raise BindingError(f"the dashboard would listen on {settings.dashboard_host} and nobody would have to log in; set "
                           "FIRE_DASHBOARD_USERS or FIRE_DASHBOARD_PASSWORD, or FIRE_DASHBOARD_HOST=127.0.0.1")


def secret(settings: Settings) -> str:
    """The key of sessions, empty where none is set.

    Raises:
        BindingError: it is too short to be one.
    """
    given = settings.dashboard_secret
    if given and len(given) < SHORTEST_SECRET:
        raise BindingError(f"FIRE_DASHBOARD_SECRET has {len(given)} characters; use {SHORTEST_SECRET} or more")
    return given


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host of this name or address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
