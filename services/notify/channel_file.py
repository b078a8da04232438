"""One table of a channel file, field by field: what is missing, unknown or wrong is refused with its line."""

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
    """A channel file cannot be used; the text names the file, the line, the field and the remedy."""


class Table:
    """The `number`-th (from 0) `[[channel]]` of a file; each field is taken out by name, `finish` refuses what is left."""

    def __init__(self, file: Path, text: str, number: int, given: dict[str, Any]) -> None:
        self.file, self._lines, self._number, self._left = file, text.splitlines(), number, dict(given)

    def text(self, name: str, default: str | None = None, *, choices: Sequence[str] = (), pattern: str = ".+",
             rule: str = "a text that is not empty") -> str:
        """A text, one of `choices` if there are any; without a default the field is required."""
        value = self._take(name, default)
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise self.problem(name, f"must be {rule}")
        if choices and value not in choices:
            raise self.problem(name, f"is {value!r}; use one of: {', '.join(choices)}")
        return value

    def optional(self, name: str, *, pattern: str = ".+", rule: str = "a text that is not empty") -> str | None:
        """A text, or None where the field is absent."""
        return self.text(name, pattern=pattern, rule=rule) if name in self._left else None

    def flag(self, name: str) -> bool:
        """Takes a boolean; returns False if the field is absent."""
        value = self._take(name, False)
        if not isinstance(value, bool):
            raise self.problem(name, "must be true or false")
        return value

    def number(self, name: str, default: float | None = None, *, highest: float) -> float:
        """A number above 0."""
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= highest:
            raise self.problem(name, f"must be a number above 0 and at most {highest:g}")
        return value

    def texts(self, name: str, default: Sequence[str] | None = None, *, pattern: str = ".+",
              rule: str = "texts that are not empty") -> tuple[str, ...]:
        """A list of texts, not empty; without a default the field is required."""
        value = self._take(name, default)
        if value is default and default is not None:
            return tuple(default)
        if not isinstance(value, list) or not value or not all(
                isinstance(each, str) and re.fullmatch(pattern, each) for each in value):
            raise self.problem(name, f"must be a list of {rule}")
        return tuple(value)

    def secret(self, environment: Callable[[str], str | None], shortest: int = 1) -> str:
        """What the environment variable `secret_env` or the file `secret_file` holds; exactly one of them is given."""
        names = [name for name in ("secret_env", "secret_file") if name in self._left]
        if len(names) != 1:
            raise self.problem(names[-1] if names else None, "needs either secret_env, an environment variable's name, or "
                                                             "secret_file, a file's")
        given = self.text(names[0])
        value = self._from_environment(given, environment) if names[0] == "secret_env" else self._from_file(given)
        if len(value) < shortest:
            raise self.problem(names[0], f"names a secret of {len(value)} characters; use at least {shortest}")
        return value

    def present(self, name: str) -> bool:
        """Whether the field is given and was not taken yet."""
        return name in self._left

    def path(self, name: str) -> str | None:
        """A file that exists, or None where the field is absent; a relative one lies beside the channel file."""
        given = self.optional(name)
        if given is not None and not self._beside(given).is_file():
            raise self.problem(name, f"names {given}, which is no file")
        return None if given is None else str(self._beside(given))

    def finish(self) -> None:
        """Refuses fields that nobody asked for."""
        for name in self._left:
            if name in SECRET_WORDS:
                raise self.problem(name, "may not stand here: secrets come from an environment variable (secret_env) or a file "
                                         "(secret_file)")
            raise self.problem(name, "is no field of such a channel; infra/notify/channels.example.toml shows them all")

    def problem(self, name: str | None, rule: str) -> ChannelFileError:
        """The error for one field (None: the table), with the line where it stands."""
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
            raise self.problem("secret_env", f"is {name}; names that begin with {SETTINGS_PREFIX} are kept for settings")
        value = environment(name)
        if not value:
            raise self.problem("secret_env", f"names {name}, which is not set in the environment")
        return value

    def _from_file(self, given: str) -> str:
        file = self._beside(given)
        try:
            if file.stat().st_mode & OTHERS:
                raise self.problem("secret_file", f"names {given}, which others may use; chmod 600 (or 640) it")
            return file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as problem:
            raise self.problem("secret_file", f"names {given}, which cannot be read: {type(problem).__name__}") from problem

    def _beside(self, given: str) -> Path:
        return self.file.parent / given
