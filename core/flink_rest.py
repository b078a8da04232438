"""Queries the REST interface of a Flink JobManager."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any


def get(address: str, path: str) -> Any:
    """Returns the JSON answer for a path of the JobManager at `host:port`, or None if it does not answer."""
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as response:
            return json.load(response)
    except (OSError, urllib.error.URLError, ValueError):
        return None
