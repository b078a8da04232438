"""The text of an SMS: at most two segments, the most important first.

A segment has 160 septets in the GSM 7-bit alphabet or 70 code units in UCS-2, and 153 or 67 where a message has several.
"""

from __future__ import annotations

from collections.abc import Iterator

from services.notify.bounds import ELLIPSIS, units
from services.notify.content import hazards, is_number, label, place_names
from services.notify.notification import Notice

GSM = frozenset("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
                "abcdefghijklmnopqrstuvwxyzäöñüà")
GSM_EXTENSION = frozenset("^{}\\[~]|€")
"""Characters of GSM 03.38 that take two septets."""
ALONE, OF_SEVERAL = (160, 70), (153, 67)
"""Most septets in GSM, and most code units in UCS-2, of a single segment and of one of several."""
MOST_SEGMENTS, MOST_HAZARDS = 2, 2
PLAINER = str.maketrans({"°": "", "µ": "u", "³": "3", "²": "2", "·": ".", "…": "...", "–": "-", "—": "-", "’": "'", "“": '"',
                         "”": '"', "\u00a0": " "})
"""Signs that would force UCS-2 → what a reader understands as well."""


def text(notice: Notice) -> str:
    """Returns the notice in at most two segments; what does not fit is left out from the end."""
    said = ""
    for part in _parts(notice):
        longer = f"{said} {part.translate(PLAINER)}".strip()
        if segments(longer) <= MOST_SEGMENTS:
            said = longer
        elif not said:
            said = _cut(longer)
    return said


def segments(message: str) -> int:
    """Returns how many segments a message needs; a character is never split between two."""
    is_gsm = all(character in GSM or character in GSM_EXTENSION for character in message)
    sizes = [_septets(each) if is_gsm else units(each) for each in message]
    if sum(sizes) <= ALONE[0 if is_gsm else 1]:
        return 1
    count, used, room = 1, 0, OF_SEVERAL[0 if is_gsm else 1]
    for size in sizes:
        if used + size > room:
            count, used = count + 1, 0
        used += size
    return count


def _septets(character: str) -> int:
    return 2 if character in GSM_EXTENSION else 1


def _parts(notice: Notice) -> Iterator[str]:
    """Yields the title, the titles of a digest, the first action, the place, the risk, the worst hazards, the link, the time."""
    yield f"{notice.title}."
    yield from (f"{each.title}." for each in notice.digest)
    yield from notice.recommendations[:1]
    if notice.place.site_name or notice.place.zone:
        yield f"{', '.join(value for _, value in place_names(notice)[:2])}."
    if is_number(notice.alert.get("risk_score")):
        yield f"{label(notice, 'risk')} {notice.alert['risk_score']:.2f}."
    yield from (f"{each}." for each in hazards(notice)[:MOST_HAZARDS])
    yield notice.link
    yield notice.place.clock(notice.alert["event_time"])


def _cut(message: str) -> str:
    kept = message
    while segments(kept + ELLIPSIS) > MOST_SEGMENTS:
        kept = kept[:-1]
    return kept.rstrip() + ELLIPSIS
