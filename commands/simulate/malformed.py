"""Malformed messages as broken devices, gateways and lines produce them; each must become a dead letter."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson

Document = dict[str, Any]


def malformed(kind: str, document: Document) -> bytes:
    """Returns the valid message `document` spoilt in the way named `kind`; it has no line break, so that it fits one line."""
    return MAKERS[kind](document)


def _with(**changes: object) -> Callable[[Document], bytes]:
    return lambda document: orjson.dumps(document | changes)


def _without(*names: str) -> Callable[[Document], bytes]:
    return lambda document: orjson.dumps({name: value for name, value in document.items() if name not in names})


def _with_literal(name: str, value: float) -> Callable[[Document], bytes]:
    """Writes NaN or Infinity, which are not JSON, with Python's own encoder, which allows them."""
    return lambda document: json.dumps(document | {name: value}).encode()


def _truncated(document: Document) -> bytes:
    text = orjson.dumps(document)
    return text[: 2 * len(text) // 3]


def _nothing_measured(document: Document) -> bytes:
    return orjson.dumps({name: document[name] for name in ("deviceId", "siteId", "idx", "timestamp")})


MAKERS: dict[str, Callable[[Document], bytes]] = {
    "truncated": _truncated,
    "not_json": lambda document: f"{document['deviceId']} OK {document['volt']} V".encode(),
    "not_an_object": lambda document: orjson.dumps([document["deviceId"], document["idx"], document["volt"]]),
    "empty": lambda document: b"",
    "invalid_utf8": lambda document: orjson.dumps(document).replace(b'"siteId":"', b'"siteId":"\xff\xfe', 1),
    "no_device_id": _without("deviceId"),
    "no_idx": _without("idx"),
    "nothing_measured": _nothing_measured,
    "text_for_number": _with(volt="n/a"),
    "object_for_number": _with(ct={"value": 5}),
    "true_for_number": _with(pcbTemp=True),
    "nan": _with_literal("idx", float("nan")),
    "infinity": _with_literal("co", float("inf")),
    "negative_count": _with(aArc=-3),
    "fractional_count": _with(status=0.5),
    "unreadable_time": _with(timestamp="yesterday"),
    "impossible_offset": _with(timestamp="2025-10-09T18:00:00+99:99"),
}
KINDS = tuple(MAKERS)
