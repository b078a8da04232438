"""Tests the dashboard's texts: each exists in both languages, and none is unused."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from services.dashboard import wording
from services.dashboard.presentation import RESOLUTIONS, STATES
from services.dashboard.views import health_reasons
from udfs.readings.thresholds import NORMAL_RANGES

HOME = Path(wording.__file__).parent
TEMPLATES = {file.name: file.read_text(encoding="utf-8") for file in sorted((HOME / "templates").glob("*.html"))}
USED = re.compile(r"""\bt\(["']([\w.]+\w)["'][,)]""")
FAMILIES = re.compile(r"""(?:\bt\(|has_wording\()["']([\w]+\.)["'] ~""")
NAMED = re.compile(r"""parts\.named\("(\w+)"|\bnamed\("(\w+)\"""")
FLASHED = re.compile(r"""flash\("([\w.]+)"\)""")
HANGUL = re.compile("[가-힣]")
KEYS = wording.catalogue()
OUTSIDE = ("reason.", "error.")
"""Families of texts that Python code uses rather than a template."""


def used() -> set[str]:
    return {key for text in TEMPLATES.values() for key in USED.findall(text)} | set(FLASHED.findall(
        (HOME / "pages.py").read_text(encoding="utf-8")))


def families() -> set[str]:
    prefixes = {family for text in TEMPLATES.values() for family in FAMILIES.findall(text)}
    return prefixes | {f"{one or other}." for text in TEMPLATES.values() for one, other in NAMED.findall(text)}


@pytest.mark.parametrize("key", sorted(used()))
def test_every_text_that_a_page_uses_is_in_the_catalogue(key: str) -> None:
    assert key in KEYS


def test_every_text_of_the_catalogue_is_used() -> None:
    groups = (*families(), *OUTSIDE)
    assert [key for key in KEYS if key not in used() and not key.startswith(groups)] == []


def test_every_family_of_texts_that_a_page_uses_is_in_the_catalogue() -> None:
    assert [family for family in families() if not any(key.startswith(family) for key in KEYS)] == []


@pytest.mark.parametrize("key", KEYS)
def test_a_text_exists_in_both_languages_with_the_same_values(key: str) -> None:
    text = KEYS[key]
    assert text.en and text.ko and not HANGUL.search(text.en)
    assert fields(text.en) == fields(text.ko)


def fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_choice_has_a_text() -> None:
    assert all(f"resolution.{name}" in KEYS and f"resolution_help.{name}" in KEYS for name in RESOLUTIONS)
    assert all(f"states.{name}" in KEYS for name in STATES)


def test_every_reason_of_a_degraded_system_has_a_text() -> None:
    codes = set(re.findall(r'_reason\("(\w+)"', Path(health_reasons.__file__).read_text(encoding="utf-8")))
    assert codes and {f"reason.{code}" for code in codes} == {key for key in KEYS if key.startswith("reason.")}


@pytest.mark.parametrize("sensor", NORMAL_RANGES)
def test_every_sensor_of_the_patterns_has_a_korean_name(sensor: str) -> None:
    assert HANGUL.search(wording.measurement(sensor, "ko"))


def test_a_text_without_its_value_is_refused() -> None:
    with pytest.raises(KeyError, match="active"):
        wording.say("en", "overview.active")


def test_templates_contain_no_texts_of_their_own() -> None:
    shown = re.compile(r">([^<>{}]*[A-Za-z가-힣]{3,}[^<>{}]*)<")
    allowed = {"idx", "CO ppm", "VOC µg/m³", "English", "한국어"}
    bare = [re.sub(r"\{[{%#].*?[}%#]\}", "", text, flags=re.S) for text in TEMPLATES.values()]
    assert {words.strip() for text in bare for words in shown.findall(text)} - allowed == set()
