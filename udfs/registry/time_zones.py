"""Time zones by their IANA names, such as `Asia/Seoul`."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,30}(/[A-Za-z0-9_+-]{1,30}){0,2}")


def is_known(name: str) -> bool:
    """Returns whether there is a time zone of this name."""
    if not NAME.fullmatch(name):
        return False
    try:
        return bool(ZoneInfo(name).key)
    except (ValueError, OSError, LookupError):  # no such name, or a folder of names
        return False
