"""The maximum length of an id: of a device, a site, a zone, a profile, the subject of an alert, or any name in a registry."""

from __future__ import annotations

import unicodedata

LONGEST_BYTES = 256
"""The maximum in bytes of UTF-8; a key of three ids and a time then fits an index row of Postgres (2704 bytes)."""
MOST_BYTES_PER_CHARACTER = 4


def is_too_long(text: str, longest: int = LONGEST_BYTES) -> bool:
    """Checks whether a text has more than `longest` bytes in UTF-8."""
    return len(text) * MOST_BYTES_PER_CHARACTER > longest and len(text.encode(errors="surrogatepass")) > longest


def normal(text: str) -> str:
    """Returns an id as it is compared: in Unicode's form NFC, without white space around it."""
    return unicodedata.normalize("NFC", text.strip())
