"""Updates the results database to the newest schema by applying the files of `migrations/` that it lacks.

A file is called `<version>_<subject>.sql`, is applied in one transaction and never changes afterwards; each further change
is a new file. `--dump` writes the schema that all migrations make to `schema.sql` instead.
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

from core.database import conninfo
from core.errors import FireError
from core.settings import Settings, SettingsError

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
FILE_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
LOCK = 7_041_566  # advisory lock of this project's migrations; arbitrary but unique in the database
LEDGER: LiteralString = """
    CREATE TABLE IF NOT EXISTS schema_migrations (
        version    text        PRIMARY KEY,
        checksum   text        NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    )"""


class MigrationError(FireError):
    """The migrations do not match the database or the naming rules; the text names the file and the remedy."""


@dataclass(frozen=True)
class Migration:
    """One migration: `version` is its file name without suffix, `checksum` the SHA-256 of its bytes."""

    version: str
    checksum: str
    sql: bytes


def migrate(folder: Path = MIGRATIONS, **conninfo: Any) -> list[str]:
    """Applies the pending migrations to the database of `conninfo`, keyword arguments of `psycopg.connect`.

    Several processes may call it at once: the later ones wait and then have nothing to apply.

    Returns:
        The versions that were applied by this call, in order.

    Raises:
        MigrationError: an applied file was edited or removed, or a file has an invalid name.
    """
    present = migrations(folder)
    with psycopg.connect(**conninfo, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        connection.execute(LEDGER)
        applied = dict(connection.execute("SELECT version, checksum FROM schema_migrations").fetchall())
        _refuse_edited(present, applied)
        pending = [migration for migration in present if migration.version not in applied]
        for migration in pending:
            _apply(connection, migration)
    return [migration.version for migration in pending]


def migrations(folder: Path = MIGRATIONS) -> list[Migration]:
    """Returns the migrations of a folder, oldest first.

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
        raise MigrationError(f"{file.name} is not a valid name for a migration; use one like 0007_what_it_adds.sql")
    return match[1]


def _read(file: Path) -> Migration:
    content = file.read_bytes()
    return Migration(file.stem, hashlib.sha256(content).hexdigest(), content)


def _refuse_edited(present: list[Migration], applied: dict[str, str]) -> None:
    checksums = {migration.version: migration.checksum for migration in present}
    for version, checksum in sorted(applied.items()):
        if version not in checksums:
            raise MigrationError(f"the database has migration {version}, which this version of the project lacks; "
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
    """Migrates the configured database or writes `schema.sql`; returns 1 after a sentence on standard error if that fails."""
    parser = argparse.ArgumentParser(prog="python -m infra.postgres.migrate", description=__doc__.splitlines()[0])
    parser.add_argument("--dump", action="store_true", help="write infra/postgres/schema.sql from the migrations instead")
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
