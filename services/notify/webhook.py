"""Delivers notifications by webhook: a signed HTTPS POST to an address that is checked before it is called.

The receiver computes HMAC-SHA256 with the shared key over the header X-Fire-Timestamp, a full stop and the body, compares it
with X-Fire-Signature after `v1=`, and refuses timestamps that are minutes old; Idempotency-Key identifies repetitions.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime

from services.notify.endpoint import Endpoint
from services.notify.formats.webhook_json import payload
from services.notify.notification import Notice


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """A receiver of webhooks, which knows the key of their signatures."""

    endpoint: Endpoint
    key: bytes = field(repr=False)

    def send(self, notice: Notice, at: datetime) -> str:
        """Posts the notice as JSON, signed.

        Raises:
            UndeliveredError: the address is not allowed, the server does not answer in time, or its answer is not 2xx.
        """
        body = payload(notice)
        self.endpoint.post(body, self._headers(notice, body, at))
        return ""

    def _headers(self, notice: Notice, body: bytes, at: datetime) -> dict[str, str]:
        timestamp = str(int(at.timestamp()))
        return {"Content-Type": "application/json", "Idempotency-Key": notice.key,
                "X-Fire-Attempt": str(notice.attempt), "X-Fire-Timestamp": timestamp,
                "X-Fire-Signature": f"v1={signature(self.key, timestamp, body)}"}


def signature(key: bytes, timestamp: str, body: bytes) -> str:
    """Returns the HMAC-SHA256 of `timestamp`, a full stop and `body`, in hexadecimal."""
    return hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
