"""The end of the embedded stack; these tests come after all others, which need the stack."""

from __future__ import annotations

from pathlib import Path

from core.embedded_stack import Stack
from infra.local import stack as embedded


def test_down_leaves_nothing_running(stack: Stack) -> None:
    assert embedded.stop(stack.home)
    assert not any(alive for _, alive in embedded.parts(stack.home))
    left = [line for line in _command_lines() if str(stack.home) in line]
    assert left == []


def _command_lines() -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except FileNotFoundError:
            continue
    return found
