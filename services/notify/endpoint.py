"""Posts to addresses over HTTPS: each is checked before it is called, without redirects and proxies, within a time limit."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from services.notify.notification import UndeliveredError
from services.notify.socket_timeout import hang_up_after

CONNECT_SECONDS = 4.0
ADDRESSES_TRIED = 3
REFUSED_BODY = (400, 413, 422)
NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An address that may itself be a secret, so that neither errors nor logs show more of it than its host.

    `timeout` limits the whole call, in seconds.
    """

    url: str = field(repr=False)
    allow_private: bool = False
    ca_file: str | None = None
    timeout: float = 10.0

    def post(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Posts the body without following redirects or using a proxy.

        Raises:
            UndeliveredError: the address is not allowed, the server does not answer in time, or its answer is not 2xx.
        """
        try:
            status, reason = self._post(body, {"User-Agent": "fire-notify/1"} | dict(headers))
        except (OSError, http.client.HTTPException) as problem:
            raise UndeliveredError(f"{self.host} was not reached: {problem or type(problem).__name__}") from problem
        if 300 <= status < 400:
            raise UndeliveredError(f"{self.host} answered {status} {reason}; redirects are not followed, use the final address")
        if not 200 <= status < 300:
            raise UndeliveredError(f"{self.host} answered {status} {reason}", is_final=status in REFUSED_BODY)

    @property
    def host(self) -> str:
        """The host of the address."""
        return urlsplit(self.url).hostname or ""

    def _post(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        parts = urlsplit(self.url)
        is_tls = parts.scheme == "https"
        port = parts.port or (443 if is_tls else 80)
        connection = (http.client.HTTPSConnection if is_tls else http.client.HTTPConnection)(self.host, port)
        addresses = checked(self.host, port, self.allow_private)
        if not is_tls and any(is_allowed(address, allow_private=False) for address in addresses):
            raise UndeliveredError(f"{self.host} has the public address {addresses[0]}; http:// may not leave this network")
        plain = _connect(addresses, port, self.timeout)
        try:
            with hang_up_after(self.timeout, lambda: connection.sock or plain):
                connection.sock = self._context().wrap_socket(plain, server_hostname=self.host) if is_tls else plain
                target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                connection.request("POST", target, body, dict(headers))
                answer = connection.getresponse()
                return answer.status, answer.reason
        finally:
            connection.close()
            plain.close()

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ca_file)


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
