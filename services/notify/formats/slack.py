"""The message of a Slack incoming webhook: blocks of plain text, in which nothing becomes a link, a mention or markup."""

from __future__ import annotations

from typing import Any

from services.notify.bounds import cut, lines_within, units
from services.notify.content import Block, Content, content
from services.notify.formats import plain_text
from services.notify.notification import Notice

HEADER, SECTION, FIELD, BUTTON, FALLBACK = 150, 3000, 2000, 75, 4000
"""Most characters of a header block, a section's text, a field, a button's text, and the message's own text."""
MOST_FIELDS = 10
LONGEST_URL = 3000
ESCAPED = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}


def payload(notice: Notice) -> dict[str, Any]:
    """Returns the message; `text` is what notifications and screen readers show instead of the blocks."""
    said = content(notice)
    return {"text": _fallback(said.title), "blocks": [
        {"type": "header", "text": _plain(said.title, HEADER)},
        {"type": "section", "fields": [_plain(f"{name}: {value}", FIELD) for name, value in said.facts[:MOST_FIELDS]]},
        *(_section(block) for block in said.blocks), *_button(said),
        {"type": "context", "elements": [_plain(f"{name}: {value}", FIELD) for name, value in said.references]}]}


def simplest(notice: Notice) -> dict[str, Any]:
    """Returns the message as text alone."""
    return {"text": _fallback(plain_text.text(notice))}


def _fallback(text: str) -> str:
    return cut(text, FALLBACK, _escaped_size).translate(ESCAPED)


def _section(block: Block) -> dict[str, Any]:
    lines = lines_within((f"• {each}" for each in block.lines), SECTION - len(block.heading) - 2)
    return {"type": "section", "text": _plain("\n".join([f"{block.heading}:", *lines]), SECTION)}


def _button(said: Content) -> list[dict[str, Any]]:
    if not said.link or len(said.link) > LONGEST_URL:
        return []
    return [{"type": "actions", "elements": [{"type": "button", "text": _plain(said.open_link, BUTTON), "url": said.link}]}]


def _plain(text: str, longest: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": cut(text, longest), "emoji": False}


def _escaped_size(text: str) -> int:
    return units(text.translate(ESCAPED))
