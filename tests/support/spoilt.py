"""Messages spoilt at random: values and fields that no device means to send, and bytes that no JSON has."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from udfs.readings import plausibility

VECTORS = Path(__file__).parents[1] / "vectors"
NOW = 1_760_000_400_000
VALUES = [each.encode() for each in (
    "null", "true", "-0", "-0.0", "1e3", "1E+2", "1e999", "-1e999", "1.7976931348623157e308", "1.7976931348623159e308",
    "4.9e-324", "1e-400", "9007199254740992", "9007199254740993", "18446744073709551615", "18446744073709551616", "9" * 310,
    "0." + "3" * 400, "7.0", "1.5", "-3", "NaN", "Infinity", "-Infinity", '"220"', '" +2.5e1 "', '"nan"', '""', '" "',
    r'"a\u0000b"', r'"\ud800"', r'"\ud83d\ude00"', '"한"', '"x\x7f"', f'"{"k" * 64}"', f'"{"k" * 257}"', f'"{"한" * 86}"',
    '"dev-1"', "[1]", '{"a": 1}', "[" * 1100 + "]" * 1100, "1760000400000.0", "253402300800000", "1760009999999",
    '"1760000400000"', '"2025-10-09T09:00:00+09:00"', '"yesterday"', "01", "1.", "+1", "nul", "")]
VALUES += [b'"\xff"', b'"\xed\xa0\x80"']
NUMBERS = [each.encode() for each in (
    "-127", "-999", "327.67", "655.35", "999", "9999", "65535", "85", "66", "100.1", "-10.1", "300", "30", "0.05", "4096", "8191",
    "8192", '"unavailable"', "1e3", "1372", "1372.1", "-60", "-61", "1000.5", "3.4e38")]
"""Values at thresholds and error codes of sensors."""
TIMES = [each.encode() for each in (
    "1760000400", "1.7600004e12", '"2000-01-01T00:00:00Z"', "0", '"1970-01-01T00:00:00Z"', '"2014-12-31T23:59:59Z"', "-1",
    '"2025-10-09T09:00:00"', '"2025-10-09 18:00:00+0900"', '"2025-10-09T09:00:00+99:99"', '"2025-10-09T24:00:00Z"',
    '"2025-02-30T09:00:00Z"', '"2025-10-09T09:00:00.123456789Z"', '"2025-10-09T08:59:59-00:30"', "99999999999999", "1e15",
    '"9999-12-31T23:59:59Z"', '"2099-01-01T00:00:00Z"', "4070908800000", '{"a":1}', "[1760000400000]", "true",
    '" 1760000400000"')]
KEYS = [*(field.encode() for field in sorted(plausibility.FIELDS)),
        b"firmware", b"temperature", b"", b"\\u0069dx", b"\\ud800", b"\xff", b"a\\q"]
"""Fields of a message, escaped ones, unknown ones, and keys that are not JSON."""
BYTES = (b"", b"e9", b"\\", b'"', b",", b" ", b"{", b"}", b":", b"\n", b"\x00")


def fuzzed(chance: random.Random) -> bytes:
    """Returns a message with some values changed or given twice, and in two of five messages some bytes changed."""
    fields = [(b"deviceId", b'"dev-1"'), (b"idx", b"7"), (b"status", b"0"), (b"volt", b"220.0"), (b"timestamp", b"%d" % NOW)]
    for _ in range(chance.choice((0, 1, 1, 2))):
        fields.insert(chance.randrange(len(fields) + 1), (chance.choice(KEYS), chance.choice(VALUES)))
    return with_bytes_changed(b"{" + b",".join(b'"%b":%b' % field for field in fields) + b"}", chance)


def mutants(messages: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """Yields `count` messages, each made from one of those given: fields replaced, added or left out, and bytes changed."""
    chance, parsed = random.Random(seed), [fields_of(message) for message in messages]
    for _ in range(count):
        yield mutant(chance.choice(parsed), chance)


def fields_of(message: bytes) -> dict[bytes, bytes]:
    """Returns the names and values of a message's fields as they are written."""
    return {name.encode(): json.dumps(value).encode() for name, value in json.loads(message).items()}


def mutant(message: dict[bytes, bytes], chance: random.Random) -> bytes:
    """Returns one message made from the fields of another."""
    fields = list(message.items())
    for _ in range(chance.choice((0, 1, 1, 2, 4))):
        change_a_field(fields, chance)
    return with_bytes_changed(b"{" + b",".join(b'"%b":%b' % field for field in fields) + b"}", chance)


def change_a_field(fields: list[tuple[bytes, bytes]], chance: random.Random) -> None:
    """Leaves a field out, or puts one in with an odd value, in place of another or beside it."""
    at = chance.randrange(len(fields) + 1)
    if chance.random() < 0.15:
        del fields[at:at + 1]
        return
    name = chance.choice(KEYS)
    odd = TIMES if name == b"timestamp" else NUMBERS if chance.random() < 0.5 else VALUES
    fields[at:at + chance.randrange(2)] = [(name, chance.choice(odd))]


def with_bytes_changed(text: bytes, chance: random.Random) -> bytes:
    """Returns the text, in two of five cases with up to three changes of up to two bytes."""
    message = bytearray(text)
    for _ in range(chance.choice((0, 0, 0, 1, 3))):
        at = chance.randrange(len(message) + 1)
        message[at:at + chance.randrange(3)] = chance.choice((*BYTES, bytes([chance.randrange(256)])))
    return bytes(message)


def sound_messages() -> list[bytes]:
    """Returns the messages of the vectors: each hazard alone, and the stream's first ones."""
    single = (VECTORS / "single_readings.jsonl").read_text(encoding="utf-8").splitlines()
    with gzip.open(VECTORS / "stream.jsonl.gz") as stream:
        return [*(json.dumps(json.loads(line)["message"]).encode() for line in single),
                *(line.strip() for line, _ in zip(stream, range(1000), strict=False))]
