"""The message of a Microsoft Teams workflow webhook: an adaptive card of text runs, which unlike text blocks know no Markdown."""

from __future__ import annotations

from typing import Any

from services.notify.bounds import cut, json_bytes, lines_within
from services.notify.content import Block, Content, content
from services.notify.formats import plain_text
from services.notify.notification import Notice

LARGEST = 28_000
"""Bytes of a whole message; Teams refuses more than 28 KB."""
TITLE, FACTS, BLOCK = 1_000, 3_000, 5_000
"""Bytes for the title, all facts and each block, so that a card with all of them stays below the limit."""
LINE_OVERHEAD = 80
"""Bytes of JSON around the text of a line, at most."""
CONTENT_TYPE = "application/vnd.microsoft.card.adaptive"
SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"
VERSION = "1.4"
COLOURS = {"CRITICAL": "attention", "HIGH": "attention", "MEDIUM": "warning"}
LONGEST_URL = 2_000


def payload(notice: Notice) -> dict[str, Any]:
    """Returns the message with its card."""
    said = content(notice)
    title = {"type": "TextRun", "text": cut(said.title, TITLE, json_bytes), "size": "large", "weight": "bolder",
             "color": COLOURS.get(said.level, "default")}
    card = {"$schema": SCHEMA, "type": "AdaptiveCard", "version": VERSION,
            "msteams": {"width": "Full"}, "fallbackText": title["text"],
            "body": [_rich([title]), *_lines([f"{name}: {value}" for name, value in said.facts], FACTS),
                     *(each for block in said.blocks for each in _block(block)),
                     *_lines([f"{name}: {value}" for name, value in said.references], FACTS)],
            "actions": _actions(said)}
    return _message(card)


def simplest(notice: Notice) -> dict[str, Any]:
    """Returns the message with a card of a single text."""
    text = cut(" | ".join(filter(None, plain_text.text(notice).splitlines())), BLOCK, json_bytes)
    return _message({"$schema": SCHEMA, "type": "AdaptiveCard", "version": "1.2",
                     "body": [_rich([{"type": "TextRun", "text": text}])]})


def _message(card: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "attachments": [{"contentType": CONTENT_TYPE, "contentUrl": None, "content": card}]}


def _block(block: Block) -> list[dict[str, Any]]:
    heading = {"type": "TextRun", "text": block.heading, "weight": "bolder"}
    return [_rich([heading]) | {"separator": True}, *_lines([f"• {each}" for each in block.lines], BLOCK)]


def _lines(lines: list[str], largest: int) -> list[dict[str, Any]]:
    kept = lines_within(lines, largest, lambda text: json_bytes(text) + LINE_OVERHEAD)
    return [_rich([{"type": "TextRun", "text": each}]) | {"spacing": "none"} for each in kept]


def _rich(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": runs}


def _actions(said: Content) -> list[dict[str, Any]]:
    if not said.link or len(said.link) > LONGEST_URL:
        return []
    return [{"type": "Action.OpenUrl", "title": said.open_link, "url": said.link}]
