"""Real receivers of notifications on the loopback address that fail on demand, and transitions to send to them."""

from __future__ import annotations

import json
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from core import installation

HANG, DRIP = "hang", "drip"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EXAMPLE = json.loads((installation.ROOT / "infra/schemas/alerts.schema.json").read_text(encoding="utf-8"))["examples"][0]


def alert(transition: str = "OPENED", **changed: Any) -> dict[str, Any]:
    """Returns a transition as on the topic `alerts`."""
    return EXAMPLE | {"transition": transition} | changed


@dataclass(frozen=True)
class Call:
    """One received request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """An HTTP server; `answers` holds a status, HANG or DRIP for each of the next calls, later ones are answered with 204."""

    port: int = 0
    answers: deque[int | str] = field(default_factory=deque)
    calls: list[Call] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/fire?unit=7"

    @property
    def keys(self) -> list[str]:
        """The received idempotency keys, in order."""
        return [call.headers["Idempotency-Key"] for call in self.calls]


@contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Runs a receiver in a thread for the duration of the block."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.calls.append(Call(self.path, dict(self.headers), body))
            answer = receiver.answers.popleft() if receiver.answers else 204
            if answer == HANG:
                receiver.ended.wait()
            elif answer == DRIP:
                self._drip()
            else:
                self.send_response(int(answer))
                self.send_header("Location", f"{receiver.url}&redirected")
                self.end_headers()

        def _drip(self) -> None:
            """Sends an endless answer, one byte every 50 ms, so that each read succeeds and the answer never ends."""
            while not receiver.ended.wait(0.05):
                try:
                    self.wfile.write(b"H")
                except OSError:
                    return

        def log_message(self, *_: Any) -> None:
            """Logs nothing, to keep the output of the tests clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Creates a self-signed certificate for 127.0.0.1; returns its file and a server's TLS context."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
            .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(datetime.now(UTC) + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256()))
    file = folder / "certificate.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    both = folder / "both.pem"
    both.write_bytes(file.read_bytes() + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return file, context
