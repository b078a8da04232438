"""`./fire package managed-flink`: builds a zip for Managed Service for Apache Flink 2.2, and its runtime properties.

The zip has `main.py` at its root, one jar in `lib/`, and in `dep/` what Python imports: the project with its SQL, and packages.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from core import installation
from core.errors import FireError
from core.settings import PROPERTY_GROUP, Settings
from infra.local import jars, java
from infra.managed_flink import jar, wheels

NAME = "fire-managed-flink.zip"
PROPERTIES = "application_properties.json"
JAR = "lib/pyflink-dependencies.jar"
RUN_OPTIONS: dict[str, object] = {"PropertyGroupId": "kinesis.analytics.flink.run.options",
               "PropertyMap": {"python": "main.py", "jarfile": JAR, "pyFiles": "dep/"}}
PROJECT = {"contract": "*.*", "core": "*.py", "jobs": "*.py", "udfs": "*.py", "udfs/readings": "*.java", "sql": "*.sql"}
SHADED = "flink-sql-connector-kafka"
"""Name of the jar to leave out: it renames the Kafka client's packages, and MSK's login module needs the original names."""
LOCAL_ONLY = ("home", "maven_url", "managed_flink", "kinesis_jar", "python_executable", "parallelism", "checkpoint_seconds",
              "bundle_size", "bundle_millis")
"""Settings that apply only to this machine, or that Managed Flink has in its application's configuration."""
LARGEST_MB = 512


class PackageError(FireError):
    """The package cannot be built; the text says what is missing or too large."""


def run(args: argparse.Namespace) -> int:
    """Writes the zip and its properties to `args.out` and prints their paths."""
    settings = Settings.load()
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    package(out / NAME, installation.home_folder(settings), settings.kinesis_jar)
    properties = out / PROPERTIES
    properties.write_text(json.dumps(application_properties(settings), indent=2) + "\n", encoding="utf-8")
    print(f"{out / NAME}  {(out / NAME).stat().st_size / 1024**2:.0f} MB\n{properties}  the application's runtime properties")
    if not settings.kinesis_jar:
        print("without the Kinesis connector; set FIRE_KINESIS_JAR to its jar if a source or sink is Kinesis")
    return 0


def package(target: Path, home: Path, kinesis_jar: str = "", python: str = wheels.PYTHON) -> None:
    """Builds the zip `target` from the jars of `home`, with wheels for the version `python`.

    Raises:
        PackageError: a jar is missing, or the zip is too large.
    """
    with tempfile.TemporaryDirectory(prefix="fire-package-") as folder:
        root = Path(folder)
        jar.merge([*connectors(home, kinesis_jar), *_functions()], root / JAR)
        wheels.unpack(root / "dep", python)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, file in _contents(root):
                archive.write(file, name, zipfile.ZIP_STORED if file.suffix == ".jar" else None)
    if target.stat().st_size > LARGEST_MB * 1024**2:
        raise PackageError(f"{target} must not exceed the {LARGEST_MB} MB that Managed Service for Apache Flink accepts and has "
                           f"{target.stat().st_size / 1024**2:.0f} MB; remove jars or packages from it")


def _functions() -> list[Path]:
    """Compiles the functions in Java."""
    from jobs.flink import java_functions

    java.use()
    return [java_functions.jar(source) for source in (java_functions.FIRST_ARRIVALS, java_functions.SLICE_RISES)]


def connectors(home: Path, kinesis_jar: str = "") -> list[Path]:
    """Returns the jars to merge: Kafka with MSK's login, JDBC with Postgres, and Kinesis if there is a jar for it.

    Raises:
        PackageError: a jar is missing.
    """
    wanted = [each.target(home) for each in jars.locked(("managed-flink", "flink", "kinesis")) if SHADED not in each.path]
    wanted += [Path(kinesis_jar)] if kinesis_jar else []
    missing = [str(each) for each in wanted if not each.is_file()]
    if missing:
        raise PackageError(f"{', '.join(missing)} must exist and is missing; ./fire package downloads the locked jars, and "
                           "FIRE_KINESIS_JAR names that of Kinesis")
    return wanted


def application_properties(settings: Settings) -> list[dict[str, object]]:
    """Returns the application's property groups: its run options, and every setting with a changed value except secrets."""
    values = {each.name: getattr(settings, each.name) for each in fields(settings)
             if each.name not in LOCAL_ONLY and not each.metadata["secret"]}
    changed = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in values.items()
               if value != getattr(Settings(), name) or name in ("job", "kafka_brokers")}
    return [RUN_OPTIONS, {"PropertyGroupId": PROPERTY_GROUP, "PropertyMap": changed}]


def _contents(root: Path) -> Iterator[tuple[Path, Path]]:
    """Yields the path in the zip and the file of each entry."""
    yield Path("main.py"), Path(__file__).with_name("main.py")
    for part, pattern in PROJECT.items():
        for file in sorted((installation.ROOT / part).rglob(pattern)):
            yield "dep" / file.relative_to(installation.ROOT), file
    for file in sorted(each for each in root.rglob("*") if each.is_file()):
        yield file.relative_to(root), file
