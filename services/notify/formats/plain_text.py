"""The text of an e-mail, and its HTML."""

from __future__ import annotations

from html import escape

from services.notify.content import Content, Fact, content
from services.notify.notification import Notice

COLOURS = {"CRITICAL": "#b00020", "HIGH": "#b34700", "MEDIUM": "#7a5c00"}
"""Colours of a level's heading, each with a contrast of at least 4.5 to white."""
OTHER_COLOUR = "#30506b"
FONT = "font-family:sans-serif;font-size:15px;line-height:1.5;color:#1c1c1c"


def text(notice: Notice) -> str:
    """Returns the notice as plain text."""
    said = content(notice)
    blocks = [line for block in said.blocks for line in (f"{block.heading}:", *(f"- {each}" for each in block.lines), "")]
    link = [f"{said.open_link}: {said.link}", ""] if said.link else []
    return "\n".join([said.title, "", *_lines(said.facts), "", *blocks, *link, *_lines(said.references), ""])


def html(notice: Notice) -> str:
    """Returns the notice as an HTML page that needs nothing from outside itself."""
    said = content(notice)
    blocks = "".join(f"<h2 style=\"font-size:15px\">{escape(block.heading)}</h2><ul>"
                     + "".join(f"<li>{escape(each)}</li>" for each in block.lines) + "</ul>" for block in said.blocks)
    return (f"<!DOCTYPE html><html lang=\"{notice.language}\"><head><meta charset=\"utf-8\"><title>{escape(said.title)}</title>"
            f"</head><body style=\"{FONT}\">"
            f"<h1 style=\"font-size:19px;color:{COLOURS.get(said.level, OTHER_COLOUR)}\">{escape(said.title)}</h1>"
            f"{_table(said.facts)}{blocks}{_link(said)}"
            f"<p style=\"color:#595959\">{'<br>'.join(map(escape, _lines(said.references)))}</p></body></html>\n")


def _lines(facts: tuple[Fact, ...]) -> list[str]:
    return [f"{name}: {value}" for name, value in facts]


def _table(facts: tuple[Fact, ...]) -> str:
    heading = "<th style=\"text-align:left;padding-right:1em\">"
    return f"<table>{''.join(f'<tr>{heading}{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in facts)}</table>"


def _link(said: Content) -> str:
    return f"<p><a href=\"{escape(said.link)}\">{escape(said.open_link)}</a></p>" if said.link else ""
