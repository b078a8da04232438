"""Parts of hand-written files that are generated: the lines between two comments."""

from __future__ import annotations

import re
from collections.abc import Iterable

from contract.model import ContractError

START, END = "# generated from contract/ by ./fire generate: {part}", "# end of {part}"


def replaced(text: str, part: str, lines: Iterable[str], where: str) -> str:
    """A text with other lines between the two comments of `part`, indented as the first of them.

    Args:
        lines: without indentation of their own beyond what their place in the part needs.
        where: the file, for the error.

    Raises:
        ContractError: the comments are missing, or there more than once.
    """
    start, end = START.format(part=part), END.format(part=part)
    found = re.findall(rf"(?m)^( *){re.escape(start)}\n(?:.*\n)*?\1{re.escape(end)}$", text)
    if len(found) != 1:
        raise ContractError(f"{where} must hold the comments {start!r} and {end!r} once, one below the other; it holds them "
                            f"{len(found)} times")
    [indent] = found
    block = "\n".join(f"{indent}{line}" for line in (start, *lines, end))
    return re.sub(rf"(?m)^{indent}{re.escape(start)}\n(?:.*\n)*?{indent}{re.escape(end)}$", lambda _: block, text)
