"""The dashboard's texts in Korean and English: the catalogue `wording.toml`, and the names of levels, alerts and measurements."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from contract.declared import CONTRACT
from contract.model import Text
from udfs.texts.alert_texts import texts_of
from udfs.texts.names import ALARM_NAMES, LEVEL_NAMES, MEASUREMENT_NAMES

CATALOGUE = Path(__file__).with_name("wording.toml")
LANGUAGES = ("en", "ko")


@cache
def catalogue() -> dict[str, Text]:
    """Returns all texts by their dotted keys, such as `alerts.none`."""
    return dict(_texts("", tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))))


def _texts(prefix: str, node: Mapping[str, Any]) -> Iterator[tuple[str, Text]]:
    for name, inner in node.items():
        if set(inner) == set(LANGUAGES) and all(isinstance(text, str) for text in inner.values()):
            yield prefix + name, Text(**inner)
        else:
            yield from _texts(f"{prefix}{name}.", inner)


def say(language: str, key: str, values: Mapping[str, Any] | None = None) -> str:
    """Returns the text of a key with its values filled in.

    Raises:
        KeyError: there is no such text, or one of its values is missing.
    """
    return of(catalogue()[key], language).format_map(values or {})


def of(text: Text, language: str) -> str:
    """Returns a text in one language."""
    return text.ko if language == "ko" else text.en


def level(name: str | None, language: str) -> str:
    """Returns the name of a level; an unknown one unchanged, a dash for None."""
    return _translated(LEVEL_NAMES, name, language)


def kind(alert_type: str, language: str) -> str:
    """Returns the title of an alert type."""
    return of(texts_of(alert_type).title, language)


def measurement(name: str, language: str) -> str:
    """Returns the capitalised name of a measurement, finding or alarm bit."""
    text = MEASUREMENT_NAMES.get(name) or ALARM_NAMES.get(name) or catalogue().get(f"series.{name}")
    spelled = of(text, language) if text else name.replace("_", " ")
    return spelled[:1].upper() + spelled[1:]


def advice(name: str, language: str) -> str:
    """Returns the text of an advice, or its name if only a later version knows it."""
    text = CONTRACT.advice.get(name)
    return of(text, language) if text else name.replace("_", " ")


def _translated(texts: Mapping[str, Text], name: str | None, language: str) -> str:
    text = texts.get(name or "")
    return of(text, language) if text else name or "–"
