"""Reads a registry file, described in `infra/registry/README.md`: the whole file, or nothing with the line and the reason."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from contract import identifiers
from core.errors import FireError
from udfs.readings import event_time
from udfs.registry import profiles, time_zones
from udfs.registry.profiles import Path, Profile, Refused, only, shown
from udfs.registry.registry import Entry, Registry, Site, Spans, Windows, joined

SECTIONS = ("version", "sites", "profiles", "devices", "maintenance")
LONGEST_MAINTENANCE_DAYS = 31
"""A limit so that a typing error cannot withhold alerts for years."""
LONGEST_EXACT = 15
"""Digits of a number that is read as a whole number; a longer one is read as floating-point."""
UNUSABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
"""Control characters, and halves of characters, which UTF-8 cannot encode."""
MARK = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],\n]')


class RegistryError(FireError):
    """A registry that is refused; the message starts with the line and names the rule."""


class DuplicateName(ValueError):
    """A JSON object contains a name more than once."""


def parse(content: bytes) -> Registry:
    """Reads the registry in the content of a file.

    Raises:
        RegistryError: the content is not JSON, or breaks a rule.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise _refusal(content[: problem.start].count(b"\n") + 1, f"the registry is not UTF-8 text: {problem.reason}") from None
    try:
        return _registry(json.loads(text, object_pairs_hook=_object, parse_int=_whole), content)
    except json.JSONDecodeError as problem:
        raise _refusal(problem.lineno, f"the registry is not JSON: {problem.msg}") from None
    except RecursionError:
        raise _refusal(1, "the registry is nested too deeply") from None
    except DuplicateName:
        path, line = _second(text)
        raise _refusal(line, str(Refused(path, "appears a second time; remove one"))) from None
    except Refused as problem:
        raise _refusal(_line(text, problem.path), str(problem)) from None


def _refusal(line: int, reason: str) -> RegistryError:
    return RegistryError(f"line {line}: {reason}")


def _registry(document: Any, content: bytes) -> Registry:
    only(document, SECTIONS, ())
    version = _text(document.get("version"), ("version",)) or hashlib.sha256(content).hexdigest()[:12]
    sites, devices = _section(document, "sites"), _section(document, "devices")
    declared = {name: profiles.profile(name, about, ("profiles", name)) for name, about in _section(document, "profiles").items()}
    entries = {device: _entry(about, ("devices", device), sites, declared) for device, about in devices.items()}
    windows = _maintenance(document.get("maintenance", []), devices, sites)
    return Registry(version, entries, windows, {site: _site(about, ("sites", site)) for site, about in sites.items()})


def _section(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    section: dict[str, Any] = document.get(name, {})
    only(section, section, (name,))
    for each in section:
        _text(each, (name, each))
    return section


def _site(about: Any, path: Path) -> Site:
    only(about, Site._fields, path)
    zone = _text(about.get("time_zone"), (*path, "time_zone"))
    if zone is not None and not time_zones.is_known(zone):
        raise Refused((*path, "time_zone"), f"must be an IANA name such as Asia/Seoul, not {shown(zone)}")
    return Site(_text(about.get("name"), (*path, "name")), zone)


def _entry(about: Any, path: Path, sites: Mapping[str, Any], declared: Mapping[str, Profile]) -> Entry:
    only(about, Entry._fields, path)
    site, zone, profile = (_text(about.get(field), (*path, field)) for field in ("site", "zone", "profile"))
    _require_declared(site, sites, "sites", (*path, "site"))
    test = about.get("test", False)
    if not isinstance(test, bool):
        raise Refused((*path, "test"), f"must be true or false, not {shown(test)}")
    if profile in (None, profiles.DEFAULT.name):
        return Entry(site, zone, test=test)
    _require_declared(profile, declared, "profiles", (*path, "profile"))
    return Entry(site, zone, declared[profile], test)


def _require_declared(name: str | None, section: Mapping[str, Any], title: str, path: Path) -> None:
    if name is not None and name not in section:
        raise Refused(path, f"is {shown(name)}, which is not among the {title} of the registry; add it there")


def _maintenance(windows: Any, devices: Mapping[str, Any], sites: Mapping[str, Any]) -> Windows:
    if not isinstance(windows, list):
        raise Refused(("maintenance",), f"must be a list, not {shown(windows)}")
    spans: dict[str, dict[str, Spans]] = {"device": defaultdict(tuple), "site": defaultdict(tuple)}
    for number, window in enumerate(windows):
        path = ("maintenance", number)
        only(window, ("device", "site", "from", "to", "note"), path)
        _text(window.get("note"), (*path, "note"))
        field, subject = _subject(window, path)
        _require_declared(subject, devices if field == "device" else sites, f"{field}s", (*path, field))
        spans[field][subject] = joined((*spans[field][subject], _span(window, path)))
    return Windows(dict(spans["device"]), dict(spans["site"]))


def _subject(window: Mapping[str, Any], path: Path) -> tuple[str, str]:
    named = [field for field in ("device", "site") if field in window]
    subject = _text(window[named[0]], (*path, named[0])) if len(named) == 1 else None
    if subject is None:
        raise Refused(path, "must name either a device or a site")
    return named[0], subject


def _span(window: Mapping[str, Any], path: Path) -> tuple[int, int]:
    start, end = (_moment(window.get(field), (*path, field)) for field in ("from", "to"))
    if not start < end <= start + LONGEST_MAINTENANCE_DAYS * 86_400_000:
        raise Refused((*path, "to"), f"must be after from, by {LONGEST_MAINTENANCE_DAYS} days at most, not {shown(window['to'])}")
    return start, end


def _moment(value: Any, path: Path) -> int:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Refused(path, f"must be an ISO-8601 time with an offset, such as 2025-10-09T22:00:00+09:00, not {shown(value)}")
    return (moment - event_time.EPOCH) // timedelta(milliseconds=1)


def _text(value: Any, path: Path) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or identifiers.is_too_long(value) or UNUSABLE.search(value):
        raise Refused(path, f"must be a text of 1 to {identifiers.LONGEST_BYTES} bytes in UTF-8 without control characters, "
                            f"not {shown(value)}")
    return identifiers.normal(value)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = {identifiers.normal(name): value for name, value in pairs}
    if len(fields) < len(pairs):
        raise DuplicateName
    return fields


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= LONGEST_EXACT else float(digits)


def _line(text: str, path: Path) -> int:
    """Returns the line of a field, or of the innermost object or list around it if the field is absent."""
    lines = dict(_positions(text))
    return next((lines[path[:length]] for length in range(len(path), 0, -1) if path[:length] in lines), 1)


def _second(text: str) -> tuple[Path, int]:
    seen = set()
    for path, line in _positions(text):
        if path in seen:
            return path, line
        seen.add(path)
    return (), 1


def _positions(text: str) -> Iterator[tuple[Path, int]]:
    """Yields every field and list element of valid JSON with its line; slow, so only for errors."""
    path: list[str | int] = []
    inside: list[str] = []
    line, before = 1, ""
    for mark in (match[0] for match in MARK.finditer(text)):
        if mark == "\n":
            line += 1
            continue
        if inside and inside[-1] == "{" and before in "{," and mark.startswith('"'):
            path[-1] = json.loads(mark)
            yield tuple(path), line
        elif inside and inside[-1] == "[" and before in "[," and mark in "{[":
            yield tuple(path), line
        if mark in "{[":
            inside.append(mark)
            path.append("" if mark == "{" else 0)
        elif mark in "}]":
            inside.pop()
            path.pop()
        elif mark == "," and inside[-1] == "[":
            path[-1] = int(path[-1]) + 1
        before = mark
