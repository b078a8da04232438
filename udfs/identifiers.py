"""How long an id may be: of a device, a site, a zone, a profile, the subject of an alert, and every name of a registry."""

from __future__ import annotations

LONGEST_BYTES = 256
"""Bytes in UTF-8. A key of three ids and a time then fits an index row of Postgres, which ends at 2704 bytes."""
MOST_BYTES_A_CHARACTER = 4


def is_too_long(text: str) -> bool:
    """Whether the text has more than `LONGEST_BYTES` bytes in UTF-8."""
    return len(text) * MOST_BYTES_A_CHARACTER > LONGEST_BYTES and len(text.encode(errors="surrogatepass")) > LONGEST_BYTES
