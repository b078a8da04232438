"""Writes `schema.sql`, the schema that all migrations make, for `python -m infra.postgres.migrate --dump`.

The migrations run on an embedded server of their own, which is removed afterwards; no other database is touched.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import FireError
from infra.local import ports, postgres
from infra.postgres.migrate import MIGRATIONS, migrate

SCHEMA = MIGRATIONS.parent / "schema.sql"
HEADING = """\
-- The schema of the results database in one piece, to read. `python -m infra.postgres.migrate --dump` writes it from what the
-- migrations make on a real server, and a test compares the two. Run it again after a new migration.

"""
NOISE = re.compile(r"^(?:--|SET (?!check_function_bodies)|SELECT pg_catalog\.set_config|\\(?:un)?restrict ).*\n?", re.MULTILINE)
"""Comments and session settings of pg_dump, which start a line as nothing within a function does.

One setting stays, because functions come before the tables that they use.
"""
FIRST_PORT = 26_500


class DumpError(FireError):
    """The schema could not be read from the server; the message contains the output of pg_dump."""


def write(target: Path = SCHEMA) -> None:
    """Writes the schema of a new database with all migrations to a file."""
    with tempfile.TemporaryDirectory(prefix="fire-schema-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        port = ports.choose({"Postgres": FIRST_PORT}, lambda line: None)["Postgres"]
        postgres.start(home, port)
        try:
            database = postgres.connection(home, port)
            migrate(**database)
            target.write_text(dumped(database), encoding="utf-8")
        finally:
            postgres.stop(home)


def dumped(database: Mapping[str, Any]) -> str:
    """Returns the schema of a database, given as keywords of `psycopg`, as SQL.

    Raises:
        DumpError: pg_dump failed.
    """
    environment = os.environ | {"PGPASSFILE": str(database["passfile"])}
    command = [str(postgres.binaries() / "pg_dump"), "--schema-only", "--no-owner", "--no-privileges",
               f"--host={database['host']}", f"--port={database['port']}", f"--username={database['user']}",
               str(database["dbname"])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DumpError(f"pg_dump could not read the schema: {done.stderr.strip()}; check the migrations and try again")
    return HEADING + tidy(done.stdout)


def tidy(sql: str) -> str:
    """Removes from the text of pg_dump what it says about itself."""
    return re.sub(r"\n{3,}", "\n\n", NOISE.sub("", sql).replace("public.", "")).strip() + "\n"
