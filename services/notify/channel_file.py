"""Reads one table of a channel file field by field; refuses missing, unknown and invalid fields with their line number."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from core.errors import FireError

TABLE = re.compile(r"^\s*\[\[\s*channel\s*\]\]")
SECRET_WORDS = ("secret", "password", "key", "hmac_key", "token")
SETTINGS_PREFIX = "FIRE_"
OTHERS = stat.S_IRWXO | stat.S_IWGRP


class ChannelFileError(FireError):
    """A channel file cannot be used; the message names the file, the line, the field and the remedy."""


class Table:
    """The `[[channel]]` table at index `number` of a file; each method takes one field, and `finish` refuses the remaining ones.

    Every method that takes a field raises ChannelFileError if the field is invalid, or if it is missing and has no default.
    """

    def __init__(self, file: Path, text: str, number: int, fields: dict[str, Any]) -> None:
        self.file, self._lines, self._number, self._left = file, text.splitlines(), number, dict(fields)

    def text(self, name: str, default: str | None = None, *, choices: Sequence[str] = (), pattern: str = ".+",
             rule: str = "a non-empty string") -> str:
        """Takes a string that matches `pattern` and, if there are choices, is one of them."""
        value = self._take(name, default)
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise self.problem(name, f"must be {rule}")
        if choices and value not in choices:
            raise self.problem(name, f"is {value!r}; use one of: {', '.join(choices)}")
        return value

    def optional(self, name: str, *, pattern: str = ".+", rule: str = "a non-empty string") -> str | None:
        """Takes a string; returns None if the field is absent."""
        return self.text(name, pattern=pattern, rule=rule) if name in self._left else None

    def flag(self, name: str) -> bool:
        """Takes a boolean; returns False if the field is absent."""
        value = self._take(name, False)
        if not isinstance(value, bool):
            raise self.problem(name, "must be true or false")
        return value

    def number(self, name: str, default: float | None = None, *, highest: float) -> float:
        """Takes a number above 0 and at most `highest`."""
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= highest:
            raise self.problem(name, f"must be a number above 0 and at most {highest:g}")
        return value

    def texts(self, name: str, default: Sequence[str] | None = None, *, pattern: str = ".+",
              rule: str = "non-empty strings") -> tuple[str, ...]:
        """Takes a non-empty list of strings that match `pattern`."""
        value = self._take(name, default)
        if value is default and default is not None:
            return tuple(default)
        if not isinstance(value, list) or not value or not all(
                isinstance(each, str) and re.fullmatch(pattern, each) for each in value):
            raise self.problem(name, f"must be a list of {rule}")
        return tuple(value)

    def secret(self, environment: Callable[[str], str | None], shortest: int = 1) -> str:
        """Takes the secret named by `secret_env` (an environment variable) or `secret_file`; exactly one of them must be set."""
        names = [name for name in ("secret_env", "secret_file") if name in self._left]
        if len(names) != 1:
            raise self.problem(names[-1] if names else None, "needs either secret_env, the name of an environment variable, or "
                                                             "secret_file, the name of a file")
        source = self.text(names[0])
        value = self._from_environment(source, environment) if names[0] == "secret_env" else self._from_file(source)
        if len(value) < shortest:
            raise self.problem(names[0], f"names a secret of {len(value)} characters; use at least {shortest}")
        return value

    def present(self, name: str) -> bool:
        """Returns whether the table has the field and it was not taken yet."""
        return name in self._left

    def path(self, name: str) -> str | None:
        """Takes the path of an existing file, relative to the channel file's folder; returns None if the field is absent."""
        file = self.optional(name)
        if file is not None and not self._resolved(file).is_file():
            raise self.problem(name, f"names {file}, which is not a file")
        return None if file is None else str(self._resolved(file))

    def finish(self) -> None:
        """Refuses the fields that no method took.

        Raises:
            ChannelFileError: there is such a field.
        """
        for name in self._left:
            if name in SECRET_WORDS:
                raise self.problem(name, "is not allowed in this file: secrets come from an environment variable (secret_env) or "
                                         "a file (secret_file)")
            raise self.problem(name, "is not a field of such a channel; infra/notify/channels.example.toml shows them all")

    def problem(self, name: str | None, rule: str) -> ChannelFileError:
        """Returns the error for one field, or for the whole table if `name` is None, with its line number."""
        return ChannelFileError(f"{self.file}, line {self._line(name)}: {name or 'the channel'} {rule}")

    def _take(self, name: str, default: Any) -> Any:
        if name not in self._left and default is None:
            raise self.problem(None, f"has no {name}; add it")
        return self._left.pop(name, default)

    def _line(self, name: str | None) -> int:
        headers = [number for number, line in enumerate(self._lines, 1) if TABLE.match(line)]
        first = headers[self._number] if self._number < len(headers) else 1
        last = headers[self._number + 1] - 1 if self._number + 1 < len(headers) else len(self._lines)
        field = re.compile(rf"^\s*[\"']?{re.escape(name)}[\"']?\s*[=.]") if name else TABLE
        return next((number for number in range(first, last + 1) if field.match(self._lines[number - 1])), first)

    def _from_environment(self, name: str, environment: Callable[[str], str | None]) -> str:
        if name.startswith(SETTINGS_PREFIX):
            raise self.problem("secret_env", f"is {name}; names that begin with {SETTINGS_PREFIX} are reserved for settings")
        value = environment(name)
        if not value:
            raise self.problem("secret_env", f"names {name}, which is not set in the environment")
        return value

    def _from_file(self, name: str) -> str:
        file = self._resolved(name)
        try:
            if file.stat().st_mode & OTHERS:
                raise self.problem("secret_file", f"names {name}, which other users can access; chmod 600 (or 640) it")
            return file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as problem:
            raise self.problem("secret_file", f"names {name}, which cannot be read: {type(problem).__name__}") from problem

    def _resolved(self, path: str) -> Path:
        return self.file.parent / path
