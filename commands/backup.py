"""`./fire backup` and `./fire restore`: save and restore the results database with Postgres's pg_dump and pg_restore.

Both programs read the password from the environment or from `PGPASSFILE`; it is never an argument of a process.
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
    """The database could not be saved or restored; the text gives the reason and the remedy."""


def backup(args: argparse.Namespace) -> int:
    """Saves the whole database to a new file in the folder `args.folder` and prints how to restore it."""
    file, rows = save(_database(), Path(args.folder), datetime.now(UTC))
    print(f"{file}: {sum(rows.values()):,} rows of {len(rows)} tables, {file.stat().st_size:,} bytes")
    print(f"to restore it: ./fire restore {file}, then ./fire rewind store --to {_begun(file)}")
    return 0


def restore(args: argparse.Namespace) -> int:
    """Restores the database from a backup; replaces existing tables only with `args.replace`."""
    file = newest(Path(args.backup))
    rows = load(_database(), file, replace=args.replace)
    print(f"restored {sum(rows.values()):,} rows of {len(rows)} tables from {file}")
    print(f"to store what came after it: ./fire rewind store --to {_begun(file)}, then ./fire submit store")
    return 0


def save(database: Mapping[str, Any], folder: Path, now: datetime) -> tuple[Path, dict[str, int]]:
    """Dumps the database to `folder/fire-<time>.dump`; the file gets this name only once it is complete and readable.

    Returns:
        The file, and the number of rows by table, counted just before the dump.

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
    """Restores a dump completely, or leaves the database as it was.

    Returns:
        The number of rows by table after the restore.

    Raises:
        BackupError: the database has tables and `replace` is false, or pg_restore failed.
    """
    if row_counts(database) and not replace:
        raise BackupError(f"the database {_name(database)} already has tables; use --replace to delete them first")
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
        raise BackupError("an interrupted restore left the schema fire_replaced behind; compare its tables with those of "
                          "public, then drop it or rename it to public") from problem


def row_counts(database: Mapping[str, Any]) -> dict[str, int]:
    """Returns the exact number of rows by table; partitions count towards their parent."""
    with psycopg.connect(**database) as connection:
        names = [name for (name,) in connection.execute((SQL / "table_names.sql").read_bytes())]
        return {name: _count(connection, name) for name in names}


def newest(path: Path) -> Path:
    """Returns the path itself if it is a file, otherwise the newest backup in that folder.

    Raises:
        BackupError: the path is neither a file nor a folder with a backup.
    """
    backups = [path] if path.is_file() else sorted(path.glob(f"fire-*{SUFFIX}"))
    if not backups:
        raise BackupError(f"{path} is not a backup and contains none; name a file or a folder that ./fire backup wrote")
    return backups[-1]


def _count(connection: psycopg.Connection[Any], table: str) -> int:
    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
    assert row is not None, "count has one row"
    return int(row[0])


def _run(database: Mapping[str, Any], program: str, options: Sequence[str]) -> None:
    login = {"PGHOST": database["host"], "PGPORT": database["port"], "PGUSER": database["user"],
             "PGPASSWORD": database.get("password"), "PGPASSFILE": database.get("passfile")}
    environment = os.environ | {name: str(value) for name, value in login.items() if value}
    done = subprocess.run([_program(program), *options], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackupError(f"{program} failed: {done.stderr.strip() or done.stdout.strip()}")


def _program(name: str) -> str:
    """Returns the path of the bundled program, which suits the newest server, or else of the one on the PATH."""
    bundled = postgres.binaries() / name
    path = str(bundled) if bundled.exists() else shutil.which(name)
    if path is None:
        raise BackupError(f"{name} is not installed; install postgresql-client of the server's version or a newer one")
    return path


def _database() -> dict[str, Any]:
    settings = Settings.load()
    local = embedded_stack.configured(installation.home_folder(settings), settings)
    return local.database() if local else conninfo(settings)


def _name(database: Mapping[str, Any]) -> str:
    return str(database["dbname"])


def _begun(file: Path) -> str:
    """Returns the time at which a backup began, taken from its file name."""
    try:
        return datetime.strptime(file.stem, "fire-%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return "TIME (when the backup began)"
