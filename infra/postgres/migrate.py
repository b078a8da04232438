"""Brings the results database to the newest schema: applies what `migrations/` holds and the database has not seen.

A file is `<version>_<subject>.sql`, is applied in one transaction, and never changes afterwards: the next change is the
next file. `--dump` writes the result of all of them in one piece, `schema.sql`, instead.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from infra.postgres import conninfo
from jobs.errors import FireError
from jobs.settings import Settings, SettingsError

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
FILE_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
LOCK = 7_041_566  # advisory lock of this project's migrations; any number that others do not use
LEDGER: LiteralString = """
    CREATE TABLE IF NOT EXISTS schema_migrations (
        version    text        PRIMARY KEY,
        checksum   text        NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    )"""


class MigrationError(FireError):
    """The migrations and the database do not fit together; the text says which file and the remedy."""


@dataclass(frozen=True)
class Migration:
    """One file: `version` is its name without the ending, `checksum` the SHA-256 of its bytes."""

    version: str
    checksum: str
    sql: bytes


def migrate(folder: Path = MIGRATIONS, **conninfo: Any) -> list[str]:
    """Applies the pending migrations to the database that `conninfo` (psycopg's keywords) names.

    Safe to call from several processes at once: the later ones wait, then find nothing to do.

    Returns:
        The versions applied now, in order.

    Raises:
        MigrationError: an applied file was edited or removed, or a file's name does not fit.
    """
    known = migrations(folder)
    with psycopg.connect(**conninfo, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        connection.execute(LEDGER)
        applied = dict(connection.execute("SELECT version, checksum FROM schema_migrations").fetchall())
        _refuse_edited(known, applied)
        pending = [migration for migration in known if migration.version not in applied]
        for migration in pending:
            _apply(connection, migration)
    return [migration.version for migration in pending]


def migrations(folder: Path = MIGRATIONS) -> list[Migration]:
    """The migrations of a folder, oldest first.

    Raises:
        MigrationError: a file is not called `<4 digits>_<subject>.sql`, or two files share a number.
    """
    files = sorted(folder.glob("*.sql"))
    numbers = [_number(file) for file in files]
    twice = [file.name for file, number in zip(files, numbers, strict=True) if numbers.count(number) > 1]
    if twice:
        raise MigrationError(f"{' and '.join(twice)} share a number; give the newer one the next free number")
    return [_read(file) for file in files]


def _number(file: Path) -> str:
    match = FILE_NAME.fullmatch(file.name)
    if match is None:
        raise MigrationError(f"{file.name} is no name for a migration; call it like 0007_what_it_adds.sql")
    return match[1]


def _read(file: Path) -> Migration:
    content = file.read_bytes()
    return Migration(file.stem, hashlib.sha256(content).hexdigest(), content)


def _refuse_edited(known: list[Migration], applied: dict[str, str]) -> None:
    checksums = {migration.version: migration.checksum for migration in known}
    for version, checksum in sorted(applied.items()):
        if version not in checksums:
            raise MigrationError(f"the database has migration {version}, which this version of the project does not; "
                                 "use the newer version that applied it")
        if checksums[version] != checksum:
            raise MigrationError(f"migration {version} was edited after the database applied it; restore the file and "
                                 "put the change into a new migration")


def _apply(connection: psycopg.Connection[Any], migration: Migration) -> None:
    with connection.transaction():
        connection.execute(migration.sql)
        connection.execute("INSERT INTO schema_migrations (version, checksum) VALUES (%s, %s)",
                           [migration.version, migration.checksum])


def main(argv: Sequence[str] | None = None) -> int:
    """Migrates the database of the settings, or writes `schema.sql`; exit code 1 with a sentence when it cannot."""
    parser = argparse.ArgumentParser(prog="python -m infra.postgres.migrate", description=__doc__.splitlines()[0])
    parser.add_argument("--dump", action="store_true", help="write infra/postgres/schema.sql from the migrations, and end")
    if parser.parse_args(argv).dump:
        from infra.postgres import dump

        dump.write()
        return 0
    try:
        settings = Settings.load()
        applied = migrate(**conninfo(settings))
    except (MigrationError, SettingsError, psycopg.Error) as error:
        print(f"The database was not migrated: {str(error).strip()}", file=sys.stderr)
        return 1
    print(f"{settings.postgres_database}: {', '.join(applied) if applied else 'the schema is up to date'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
