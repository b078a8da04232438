"""`python -m infra.postgres.migrate --dump`: writes `schema.sql`, the schema that all migrations make, in one piece to read.

The migrations run on an embedded server of their own, which goes afterwards; no other database is touched.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.local import ports, postgres
from infra.postgres.migrate import MIGRATIONS, migrate
from jobs.errors import FireError

SCHEMA = MIGRATIONS.parent / "schema.sql"
HEADING = """\
-- The schema of the results database in one piece, to read. `python -m infra.postgres.migrate --dump` writes it from what the
-- migrations make on a real server, and a test compares the two. Run it again after a new migration.

"""
NOISE = re.compile(r"^(?:--|SET (?!check_function_bodies)|SELECT pg_catalog\.set_config|\\(?:un)?restrict ).*\n?", re.MULTILINE)
"""pg_dump's comments and settings of the session, which begin a line as nothing within a function does. Functions come before
the tables that they use, so that one setting is needed."""
FIRST_PORT = 26_500


class DumpError(FireError):
    """The schema could not be read from the server; the text says what pg_dump wrote."""


def write(target: Path = SCHEMA) -> None:
    """Writes the schema of a fresh database with all migrations into a file."""
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
    """The schema of a database that `psycopg`'s keywords name, as SQL that makes it.

    Raises:
        DumpError: pg_dump failed.
    """
    environment = os.environ | {"PGPASSFILE": str(database["passfile"])}
    command = [str(postgres.binaries() / "pg_dump"), "--schema-only", "--no-owner", "--no-privileges",
               f"--host={database['host']}", f"--port={database['port']}", f"--username={database['user']}",
               str(database["dbname"])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DumpError(f"pg_dump could not read the schema: {done.stderr.strip()}")
    return HEADING + tidy(done.stdout)


def tidy(sql: str) -> str:
    """pg_dump's text without what it says about itself."""
    return re.sub(r"\n{3,}", "\n\n", NOISE.sub("", sql).replace("public.", "")).strip() + "\n"
