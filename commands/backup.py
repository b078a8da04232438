"""`./fire backup` and `./fire restore`: the results database as one file, by Postgres's own pg_dump and pg_restore.

The password never stands among a process's arguments: both programs read it from the environment or from `PGPASSFILE`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from core import embedded_stack, installation
from core.database import conninfo
from core.errors import FireError
from core.installation import ROOT
from core.settings import Settings
from infra.local import postgres

SUFFIX = ".dump"
SQL = ROOT / "infra" / "postgres"


class BackupError(FireError):
    """The database was not saved or not restored; the text says why and what to do."""


def backup(args: argparse.Namespace) -> int:
    """Writes the whole database into a new file of the folder `args.folder`, and says how to restore it."""
    file, rows = save(_database(), Path(args.folder), datetime.now(UTC))
    print(f"{file}: {sum(rows.values()):,} rows of {len(rows)} tables, {file.stat().st_size:,} bytes")
    print(f"to restore it: ./fire restore {file}, then ./fire rewind store --to {_begun(file)}")
    return 0


def restore(args: argparse.Namespace) -> int:
    """Fills the database from a backup; one that holds tables already only where `args.replace` says so."""
    file = newest(Path(args.backup))
    rows = load(_database(), file, replace=args.replace)
    print(f"restored {sum(rows.values()):,} rows of {len(rows)} tables from {file}")
    print(f"what came after it: ./fire rewind store --to {_begun(file)}, then ./fire submit store")
    return 0


def save(database: Mapping[str, Any], folder: Path, now: datetime) -> tuple[Path, dict[str, int]]:
    """Dumps the database to `folder/fire-<time>.dump`; the file appears under its name only when it is complete and readable.

    Returns:
        The file, and the rows of each table, counted just before.

    Raises:
        BackupError: pg_dump failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"fire-{now:%Y%m%dT%H%M%SZ}{SUFFIX}"
    part = file.with_suffix(".part")
    rows = row_counts(database)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    _run(database, "pg_dump", ["--format=custom", "--no-owner", "--no-privileges", f"--file={part}", _name(database)])
    _run(database, "pg_restore", ["--list", str(part)])
    part.replace(file)
    return file, rows


def load(database: Mapping[str, Any], file: Path, *, replace: bool) -> dict[str, int]:
    """Restores a dump: all of it, or the database stays as it was.

    Returns:
        The rows of each table afterwards.

    Raises:
        BackupError: the database holds tables and `replace` is false, or pg_restore failed.
    """
    if row_counts(database) and not replace:
        raise BackupError(f"the database {_name(database)} holds tables already; --replace deletes them first")
    _execute(database, "set_aside")
    try:
        _run(database, "pg_restore", ["--schema=public", "--single-transaction", "--exit-on-error", "--no-owner",
                                      "--no-privileges", f"--dbname={_name(database)}", str(file)])
    except BackupError:
        _execute(database, "put_back")
        raise
    _execute(database, "forget")
    return row_counts(database)


def _execute(database: Mapping[str, Any], name: str) -> None:
    try:
        with psycopg.connect(**database, autocommit=True) as connection, connection.transaction():
            connection.execute((SQL / "restore" / f"{name}.sql").read_bytes())
    except psycopg.errors.DuplicateSchema as problem:
        raise BackupError("a restore was interrupted and left the schema fire_replaced; look at what it and public hold, "
                          "then drop it or rename it to public") from problem


def row_counts(database: Mapping[str, Any]) -> dict[str, int]:
    """Exact rows of every table, partitions within their parent."""
    with psycopg.connect(**database) as connection:
        names = [name for (name,) in connection.execute((SQL / "table_names.sql").read_bytes())]
        return {name: _count(connection, name) for name in names}


def newest(path: Path) -> Path:
    """The file itself, or the newest backup of a folder.

    Raises:
        BackupError: there is none.
    """
    found = [path] if path.is_file() else sorted(path.glob(f"fire-*{SUFFIX}"))
    if not found:
        raise BackupError(f"{path} is no backup and holds none; name a file or a folder that ./fire backup wrote")
    return found[-1]


def _count(connection: psycopg.Connection[Any], table: str) -> int:
    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
    assert row is not None, "count has one row"
    return int(row[0])


def _run(database: Mapping[str, Any], program: str, options: Sequence[str]) -> None:
    given = {"PGHOST": database["host"], "PGPORT": database["port"], "PGUSER": database["user"],
             "PGPASSWORD": database.get("password"), "PGPASSFILE": database.get("passfile")}
    environment = os.environ | {name: str(value) for name, value in given.items() if value}
    done = subprocess.run([_program(program), *options], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackupError(f"{program} ended with an error: {done.stderr.strip() or done.stdout.strip()}")


def _program(name: str) -> str:
    """The package's own program, which fits the newest server; else the one on the PATH."""
    bundled = postgres.binaries() / name
    found = str(bundled) if bundled.exists() else shutil.which(name)
    if found is None:
        raise BackupError(f"{name} is not installed; install postgresql-client of the server's version or a newer one")
    return found


def _database() -> dict[str, Any]:
    settings = Settings.load()
    local = embedded_stack.configured(installation.home_folder(settings), settings)
    return local.database() if local else conninfo(settings)


def _name(database: Mapping[str, Any]) -> str:
    return str(database["dbname"])


def _begun(file: Path) -> str:
    """When a backup began, as its name tells."""
    try:
        return datetime.strptime(file.stem, "fire-%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return "TIME, when the backup began"
