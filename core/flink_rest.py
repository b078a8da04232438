"""Asks a JobManager's REST interface."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any


def get(address: str, path: str) -> Any:
    """The JSON answer of a JobManager's REST interface; None when it does not answer."""
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as response:
            return json.load(response)
    except (OSError, urllib.error.URLError, ValueError):
        return None
