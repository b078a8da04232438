"""Tests that every key and index of every table, on a real server, holds the largest ids that the project accepts."""

from __future__ import annotations

import random
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from contract.identifiers import LONGEST_BYTES, MOST_BYTES_PER_CHARACTER
from jobs import store
from services.notify import notification

Connection = psycopg.Connection[Any]
CHANNEL, WORD, TOPIC = 40, 64, 249
"""Characters of a channel's name (services/notify/channels.py), of a word (jobs/store.py) and of a topic's name (Kafka)."""
NAMES = ("device_id", "site_id", "device1", "device2", "subject")
LARGEST: dict[str, int] = {
    "dead_letters.source": LONGEST_BYTES, "store_refusals.source": len("notify:") + TOPIC + len("[2147483647]@") + 19,
    "notifications.channel": CHANNEL, "notifications.idempotency_key": WORD + len(":") + WORD + len(":") + WORD,
    "notifications.alert_id": WORD, "schema_migrations.version": 64, "result_retention.result": 63,
}  # fmt: skip
"""Bytes of the columns that are not in NAMES; for those that the store writes, the most that its checks accept."""
TEXTS: LiteralString = """
    SELECT DISTINCT c.relname, a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
    WHERE c.relnamespace = 'public'::regnamespace AND a.atttypid = 'text'::regtype AND NOT c.relispartition"""
COLUMNS: LiteralString = """
    SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attidentity = ''"""
CONSTANTS = {"bigint": 2**63 - 1, "integer": 1, "double precision": 1.7e308, "boolean": True, "jsonb": "[]", "json": "{}",
             "timestamp with time zone": "2025-10-09T09:00:00.959Z", "interval": "1 day"}
PEOPLE = ("acknowledged_at", "acknowledged_by", "resolved_at", "resolved_by", "replayed_at", "replayed_by")
WORDS = {"state": "PENDING", "action": "RESOLVED"}


def incompressible(size: int) -> str:
    """Returns a text of that many bytes, of four-byte characters where they fit, that Postgres cannot compress."""
    drawn = random.Random(size)
    wide, rest = divmod(size, MOST_BYTES_PER_CHARACTER)
    return "".join(chr(drawn.randrange(0x20000, 0x2A6D0)) for _ in range(wide)) + "x" * rest


def largest(table: str, column: str) -> str:
    """Returns the longest text of a column of ids or words."""
    if column in WORDS:
        return WORDS[column]
    size = LARGEST.get(f"{table}.{column}", LONGEST_BYTES if column in NAMES or column == "alert_id" else WORD)
    return incompressible(size)


def insert(connection: Connection, table: str) -> None:
    """Inserts a row with every column at its longest, except the columns that people fill."""
    columns = [(name, kind) for name, kind in connection.execute(COLUMNS, [table]).fetchall() if name not in PEOPLE]
    values = [largest(table, name) if kind == "text" else CONSTANTS[kind] for name, kind in columns]
    connection.execute(sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table), sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns),
        sql.SQL(", ").join(sql.Placeholder() for _ in columns)), values)


def tables(connection: Connection) -> set[str]:
    return {table for table, _ in connection.execute(TEXTS).fetchall()}


def test_every_indexed_text_has_a_bound_that_is_known_here(connection: Connection) -> None:
    words = {"transition", "level", "alert_type", "risk_level", "state"}
    unknown = {f"{table}.{column}" for table, column in connection.execute(TEXTS).fetchall()
               if column not in {*NAMES, *words, "alert_id"}} - set(LARGEST)
    assert unknown == set(), "say in LARGEST how long it can become"


def test_the_largest_ids_fit_every_key_and_index(connection: Connection) -> None:
    found = tables(connection)
    for table in sorted(found):
        insert(connection, table)
    assert {"device_correlations", "alert_transitions", "notifications", "store_refusals", "readings"} <= found


def test_ids_of_as_many_characters_of_four_bytes_would_not_fit(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.infra.test_postgres_keys.LONGEST_BYTES", LONGEST_BYTES * MOST_BYTES_PER_CHARACTER)
    with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="index row size"):
        insert(connection, "device_correlations")


def test_the_bounds_are_those_of_the_code() -> None:
    assert f"{{1,{LONGEST_BYTES}}}" in store.PATTERNS["NAME"] and f"{{1,{WORD}}}" in store.PATTERNS["WORD"]
    alert = {"alert_id": "a" * WORD, "transition": "REMINDED", "level": "CRITICAL", "event_time": "t" * WORD}
    assert notification.WORD.fullmatch("a" * WORD) and not notification.WORD.fullmatch("a" * (WORD + 1))
    assert len(notification.idempotency_key(alert)) <= LARGEST["notifications.idempotency_key"]
