"""The reference pages that are made from code: settings and commands."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from commands import cli
from contract.render_markdown import FOLDER, page, prose, table
from core.settings import Settings, variable


def render() -> dict[str, str]:
    """Both pages as files: path in the repository → text."""
    return {f"{FOLDER}/settings.md": page(_settings(), "core/settings.py"),
            f"{FOLDER}/commands.md": page(_commands(), "commands/cli/")}


def _settings() -> Iterator[str]:
    yield from ("# Settings", "")
    yield from prose("Environment variables. On Amazon Managed Service for Apache Flink they are the property group `fire`, with "
                     "the same names in lower case and without `FIRE_`. Secrets come from the environment or a password file "
                     "(`PGPASSFILE`), never from arguments.")
    yield from table(("variable", "default", "meaning"), (
        (f"`{variable(each.name)}`", _default(each.default), each.metadata["meaning"] + _choices(each.metadata["choices"]))
        for each in fields(Settings)))


def _default(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`" if text else ""


def _choices(choices: tuple[str, ...]) -> str:
    return f" ({', '.join(f'`{choice}`' for choice in choices)})" if choices else ""


def _commands() -> Iterator[str]:
    declared = subcommands()
    yield from ("# Commands", "", "Every command explains itself with `--help`.", "")
    yield from table(("command", "what it does"),
                     ((f"[`./fire {name}`](#{name})", _about(sub)) for name, sub in declared.items()))
    for name, sub in declared.items():
        yield from ("", f"## {name}", "", *_command(sub))


def subcommands() -> dict[str, argparse.ArgumentParser]:
    """The parser of each command by its name."""
    [commands] = (action for action in cli.build_parser()._actions if isinstance(action, argparse._SubParsersAction))
    return dict(commands.choices)


def _about(sub: argparse.ArgumentParser) -> str:
    return (sub.description or "").removesuffix(".")


def _command(sub: argparse.ArgumentParser) -> Iterator[str]:
    yield f"{_about(sub)}."
    yield from ("", "```sh", _example(sub), "```")
    arguments = [action for action in sub._actions if not isinstance(action, argparse._HelpAction)]
    if arguments:
        yield ""
        yield from table(("argument", "meaning"), ((f"`{_spelled(action)}`", _help(action)) for action in arguments))


def _example(sub: argparse.ArgumentParser) -> str:
    return (sub.epilog or "").removeprefix("example:").strip()


def _spelled(action: argparse.Action) -> str:
    """`--port PORT`, `JOB…` as it is typed."""
    names: tuple[Any, ...] = (action.metavar,) if isinstance(action.metavar, str) else (action.metavar or (action.dest.upper(),))
    value = "" if action.nargs == 0 else " ".join(str(name) for name in names) + "…" * (action.nargs in ("*", "+"))
    return f"{', '.join(action.option_strings)} {value}".strip()


def _help(action: argparse.Action) -> str:
    said = action.help or ""
    return f"{said}; required" if action.required and action.option_strings else said
