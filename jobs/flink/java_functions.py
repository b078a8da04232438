"""Functions in Java, compiled at submission by Janino, the compiler of Flink's generated code, which every Flink contains."""

from __future__ import annotations

import functools
import tempfile
import zipfile
from pathlib import Path

from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment

from core.installation import ROOT

FIRST_ARRIVALS = ROOT / "udfs" / "readings" / "FirstArrivals.java"
"""The function that drops repeated readings."""
SLICE_RISES = ROOT / "udfs" / "readings" / "SliceRises.java"
"""The function that compares the slices of a device's temperature."""
CLASS_FILES = 8
"""Version of the class files; of an older one, an interface could not have the static methods that Flink's have."""


def register(t_env: StreamTableEnvironment, name: str, source: Path, is_packed: bool = False) -> None:
    """Declares the function `name` by the class of a Java file, which Flink ships with the job, beside `pipeline.jars`.

    `is_packed` says that the application's own jar contains the class: Managed Service for Apache Flink lets no program add jars.
    """
    package = source.read_text(encoding="utf-8").partition("package ")[2].partition(";")[0]
    using = "" if is_packed else f" USING JAR '{jar(source).as_uri()}'"
    t_env.execute_sql(f"CREATE TEMPORARY FUNCTION {name} AS '{package}.{source.stem}' LANGUAGE JAVA{using}")


@functools.cache
def jar(source: Path) -> Path:
    """Compiles a Java file into a jar that lives as long as this process."""
    target = Path(_folder().name) / f"{source.stem}.jar"
    with zipfile.ZipFile(target, "w") as archive:
        for name, code in _classes(source.read_text(encoding="utf-8")).items():
            archive.writestr(f"{name.replace('.', '/')}.class", code)
    return target


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="fire-java-")


def _classes(code: str) -> dict[str, bytes]:
    """Compiles Java code; returns the class file of each class by the name of the class."""
    java = get_gateway().jvm
    compiler = java.org.codehaus.janino.SimpleCompiler()
    compiler.setParentClassLoader(java.Thread.currentThread().getContextClassLoader())
    compiler.setDebuggingInformation(True, True, True)
    compiler.setTargetVersion(CLASS_FILES)
    compiler.cook(code)
    compiled = compiler.getBytecodes()
    return {str(name): bytes(compiled[name]) for name in compiled}
