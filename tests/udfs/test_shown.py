"""Texts of devices as people see them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dashboard.views.exports import cell
from services.notify.notification import one_line
from udfs.shown import plain
from udfs.texts.alert_messages import compose

ACTING = [chr(number) for number in (0, 7, 9, 10, 13, 0x1b, 0x7f, 0x85, 0x9b, 0x61c, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a,
                                     0x202e, 0x2066, 0x2069, 0xfeff)]  # fmt: skip
ALERT = {
    "transition": "OPENED", "alert_type": "GENERAL_RISK", "level": "HIGH", "risk_score": 0.6, "subject_kind": "DEVICE",
    "site_id": None, "explanation": [], "event_time": "2025-10-09T09:00:00.000Z", "opened_at": "2025-10-09T09:00:00.000Z",
    "last_candidate_at": "2025-10-09T09:00:00.000Z", "last_seen": None, "was_held": False,
}  # fmt: skip


@pytest.mark.parametrize("character", ACTING)
def test_no_control_or_bidirectional_character_of_a_device_reaches_a_message_an_email_or_the_csv(character: str) -> None:
    name = f"dev{character}gnihton"
    texts = compose(ALERT | {"subject": name, "site_id": name})
    for text in (texts["message_ko"], texts["message_en"], one_line(name), cell(name)):
        assert character not in text and "dev gnihton" in text


@given(st.text())
def test_text_of_any_script_stays_readable(text: str) -> None:
    kept = plain(text)
    assert plain(kept) == kept
    assert not any(unicodedata.category(character) == "Cc" or unicodedata.bidirectional(character) in
                   ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI") for character in kept)
    assert [character for character in kept if character.isalnum()] == [character for character in text if character.isalnum()]
