"""Replaces the generated parts of hand-written files: the lines between two comments."""

from __future__ import annotations

import re
from collections.abc import Iterable

from contract.model import ContractError

START, END = "# generated from contract/ by ./fire generate: {part}", "# end of {part}"


def replaced(text: str, part: str, lines: Iterable[str], where: str) -> str:
    """Replaces the lines between the two comments that mark a part of a text, indented like the first comment.

    Args:
        text: the whole text.
        part: the name that both comments carry.
        lines: the new lines, without the indentation of the comment.
        where: the file of the text, named in errors.

    Raises:
        ContractError: the comments are missing or appear more than once.
    """
    start, end = START.format(part=part), END.format(part=part)
    indents = re.findall(rf"(?m)^( *){re.escape(start)}\n(?:.*\n)*?\1{re.escape(end)}$", text)
    if len(indents) != 1:
        raise ContractError(f"{where} must contain the comments {start!r} and {end!r} once, one below the other, but contains "
                            f"them {len(indents)} times; restore them")
    [indent] = indents
    block = "\n".join(f"{indent}{line}" for line in (start, *lines, end))
    return re.sub(rf"(?m)^{indent}{re.escape(start)}\n(?:.*\n)*?{indent}{re.escape(end)}$", lambda _: block, text)
