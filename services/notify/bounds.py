"""Cuts texts to what a service accepts, measured as that service measures them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

Size = Callable[[str], int]
ELLIPSIS = "..."


def units(text: str) -> int:
    """Returns the length in UTF-16 code units, of which a character outside the basic plane has two."""
    return len(text) + sum(character > "\uffff" for character in text)


def json_bytes(text: str) -> int:
    """Returns the bytes that the text occupies in JSON in UTF-8, without its quotes."""
    return len(json.dumps(text, ensure_ascii=False).encode()) - 2


def cut(text: str, longest: int, size: Size = units) -> str:
    """Returns the text if its size is at most `longest`, else as much of it as fits in front of three dots."""
    if size(text) <= longest:
        return text
    kept, left = [], longest - size(ELLIPSIS)
    for character in text:
        left -= size(character)
        if left < 0:
            break
        kept.append(character)
    return "".join(kept).rstrip() + ELLIPSIS


def lines_within(lines: Iterable[str], longest: int, size: Size = units) -> list[str]:
    """Returns as many of the first lines as fit, each followed by a line break; if some do not, the last one is three dots."""
    all_lines, kept, left = list(lines), list[str](), longest
    for number, line in enumerate(all_lines):
        needed = size(line) + size("\n")
        reserve = size(ELLIPSIS) if number + 1 < len(all_lines) else 0
        if needed + reserve > left:
            return [*kept, ELLIPSIS] if kept else [cut(line + ELLIPSIS, longest, size)]
        kept.append(line)
        left -= needed
    return kept
