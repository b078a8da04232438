"""Delivers notifications by webhook: a signed HTTPS POST to an address that is checked before it is called.

The receiver computes HMAC-SHA256 with the shared key over the header X-Fire-Timestamp, a full stop and the body, compares it
with X-Fire-Signature after `v1=`, and refuses timestamps that are minutes old; Idempotency-Key identifies repetitions.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from services.notify.notification import Notice, UndeliveredError
from services.notify.socket_timeout import hang_up_after

CONNECT_SECONDS = 4.0
ADDRESSES_TRIED = 3
REFUSED_BODY = (400, 413, 422)
NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """A receiver of webhooks; `timeout` limits the whole call, in seconds."""

    url: str
    key: bytes = field(repr=False)
    allow_private: bool = False
    ca_file: str | None = None
    timeout: float = 10.0

    def send(self, notice: Notice, at: datetime) -> str:
        """Posts the notice without following redirects or using a proxy.

        Raises:
            UndeliveredError: the address is not allowed, the server does not answer in time, or its answer is not 2xx.
        """
        try:
            status, reason = self._post(notice.json, self._headers(notice, at))
        except (OSError, http.client.HTTPException) as problem:
            raise UndeliveredError(f"{self._host} was not reached: {problem or type(problem).__name__}") from problem
        if 300 <= status < 400:
            raise UndeliveredError(f"{self._host} answered {status} {reason}; redirects are not followed, use the final address")
        if not 200 <= status < 300:
            raise UndeliveredError(f"{self._host} answered {status} {reason}", is_final=status in REFUSED_BODY)
        return ""

    @property
    def _host(self) -> str:
        return urlsplit(self.url).hostname or ""

    def _headers(self, notice: Notice, at: datetime) -> dict[str, str]:
        timestamp = str(int(at.timestamp()))
        return {"Content-Type": "application/json", "User-Agent": "fire-notify/1", "Idempotency-Key": notice.key,
                "X-Fire-Attempt": str(notice.attempt), "X-Fire-Timestamp": timestamp,
                "X-Fire-Signature": f"v1={signature(self.key, timestamp, notice.json)}"}

    def _post(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        parts = urlsplit(self.url)
        is_tls = parts.scheme == "https"
        port = parts.port or (443 if is_tls else 80)
        connection = (http.client.HTTPSConnection if is_tls else http.client.HTTPConnection)(self._host, port)
        addresses = checked(self._host, port, self.allow_private)
        if not is_tls and any(is_allowed(address, allow_private=False) for address in addresses):
            raise UndeliveredError(f"{self._host} has the public address {addresses[0]}; http:// may not leave this network")
        plain = _connect(addresses, port, self.timeout)
        try:
            with hang_up_after(self.timeout, lambda: connection.sock or plain):
                connection.sock = self._context().wrap_socket(plain, server_hostname=self._host) if is_tls else plain
                target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                connection.request("POST", target, body, dict(headers))
                answer = connection.getresponse()
                return answer.status, answer.reason
        finally:
            connection.close()
            plain.close()

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ca_file)


def signature(key: bytes, timestamp: str, body: bytes) -> str:
    """Returns the HMAC-SHA256 of `timestamp`, a full stop and `body`, in hexadecimal."""
    return hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def checked(host: str, port: int, allow_private: bool) -> list[str]:
    """Resolves `host` once and returns its addresses, all of them allowed; the call uses them without resolving again.

    Raises:
        UndeliveredError: one of the addresses is not allowed.
        OSError: the name cannot be resolved.
    """
    addresses = list(dict.fromkeys(str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
    for address in addresses:
        if not is_allowed(address, allow_private):
            remedy = "no webhook may use it" if allow_private else "if that is intended, set allow_private = true"
            raise UndeliveredError(f"{host} has the address {address}, which is not public; {remedy}")
    return addresses[:ADDRESSES_TRIED]


def is_allowed(address: str, allow_private: bool) -> bool:
    """Returns whether a webhook may go to this address: a public one or, with `allow_private`, one of this network or machine.

    Link-local addresses are always refused, because cloud metadata services answer there.
    """
    ip = _embedded(ipaddress.ip_address(address.partition("%")[0]))
    if ip.is_multicast or ip.is_unspecified or ip.is_link_local:
        return False
    return allow_private or (ip.is_global and not ip.is_reserved and not _is_tunnel(ip))


def _embedded(ip: Address) -> Address:
    """Returns the IPv4 address that an IPv6 address embeds, or the address itself."""
    if isinstance(ip, ipaddress.IPv6Address):
        return ip.ipv4_mapped or (ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in NAT64 else ip)
    return ip


def _is_tunnel(ip: Address) -> bool:
    return isinstance(ip, ipaddress.IPv6Address) and bool(ip.sixtofour or ip.teredo)


def _connect(addresses: list[str], port: int, timeout: float) -> socket.socket:
    problems = []
    for address in addresses:
        try:
            connected = socket.create_connection((address, port), min(CONNECT_SECONDS, timeout))
        except OSError as problem:
            problems.append(problem)
            continue
        connected.settimeout(timeout)
        return connected
    raise problems[0]
