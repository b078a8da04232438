"""A digest of content depends on what was measured and on nothing else."""

from __future__ import annotations

import json

import pytest

from udfs.readings import decode, digest

MESSAGE = {"deviceId": "dev-1", "idx": 1, "timestamp": 1_760_000_400_000, "status": 0, "pcbTemp": 30.0, "co": 0, "aArc": 2}


def digests(*texts: str) -> list[int]:
    return list(map(int, digest.content(decode.read([text.encode() for text in texts]).columns)))


def test_order_and_spelling_do_not_matter() -> None:
    turned = json.dumps(dict(reversed(MESSAGE.items())), indent=2)
    spelled = json.dumps(MESSAGE | {"pcbTemp": "3e1", "co": "-0.0", "voc": None, "idx": 2, "deviceId": "dev-2"})
    assert len(set(digests(json.dumps(MESSAGE), turned, spelled))) == 1


@pytest.mark.parametrize("other", [{"pcbTemp": 30.1}, {"co": None}, {"aArc": 3}, {"status": 1}, {"pcbTemp": 0, "co": 30.0}])
def test_every_measurement_matters(other: dict[str, float | None]) -> None:
    assert len(set(digests(json.dumps(MESSAGE), json.dumps(MESSAGE | other)))) == 2


def test_many_contents_have_as_many_digests() -> None:
    texts = [json.dumps(MESSAGE | {"pcbTemp": heat / 10, "co": gas}) for heat in range(200) for gas in range(50)]
    assert len(set(digests(*texts))) == len(texts)
