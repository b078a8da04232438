"""The addresses that the dashboard listens on and is reached at; one that is reachable from outside needs a login and TLS."""

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
    """The settings do not allow the dashboard to start; the message says what to set."""


@dataclass(frozen=True)
class Address:
    """The URL that browsers use, the host names that are accepted, and whether connections are encrypted."""

    url: str
    hosts: list[str]
    is_secure: bool


def checked(settings: Settings) -> Address:
    """Returns the address that the settings describe.

    Raises:
        BindingError: passwords and alerts would cross a network unencrypted, or the URL for browsers is missing or invalid.
    """
    if bool(settings.dashboard_certificate) != bool(settings.dashboard_key):
        raise BindingError("FIRE_DASHBOARD_CERTIFICATE and FIRE_DASHBOARD_KEY belong together; set both or neither")
    url = settings.dashboard_url or _own_url(settings)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise BindingError(f"FIRE_DASHBOARD_URL is {url!r}; use an address like https://fire.example.org")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise BindingError(f"browsers would reach {url} unencrypted; set FIRE_DASHBOARD_CERTIFICATE and FIRE_DASHBOARD_KEY, or "
                           "put a TLS proxy in front of the dashboard and its https:// address into FIRE_DASHBOARD_URL")
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    # Any other Host header is refused; otherwise DNS rebinding could let a foreign site's script use the dashboard.
    return Address(url, [*LOOPBACK, *({name} - set(LOOPBACK))], parts.scheme == "https")


def _own_url(settings: Settings) -> str:
    host = settings.dashboard_host
    if host in ANY:
        raise BindingError(f"FIRE_DASHBOARD_HOST is {host!r}, which means all addresses; set FIRE_DASHBOARD_URL to the one that "
                           "browsers use, such as https://fire.example.org")
    scheme = "https" if settings.dashboard_certificate else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.dashboard_port}"


def refuse_open(settings: Settings, users: Users) -> None:
    """Checks that other machines cannot reach the dashboard without a login.

    Raises:
        BindingError: they could.
    """
    url = settings.dashboard_url
    if not users and not (is_loopback(settings.dashboard_host) and (not url or is_loopback(urlsplit(url).hostname or ""))):
        raise BindingError(f"the dashboard would listen on {settings.dashboard_host} without requiring a login; set "
                           "FIRE_DASHBOARD_USERS or FIRE_DASHBOARD_PASSWORD, or FIRE_DASHBOARD_HOST=127.0.0.1")


def secret(settings: Settings) -> str:
    """Returns the key that signs sessions, empty if none is set.

    Raises:
        BindingError: the key is too short.
    """
    key = settings.dashboard_secret
    if key and len(key) < SHORTEST_SECRET:
        raise BindingError(f"FIRE_DASHBOARD_SECRET has {len(key)} characters; use {SHORTEST_SECRET} or more")
    return key


def is_loopback(host: str) -> bool:
    """Returns whether a host name or address is reachable only from this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
