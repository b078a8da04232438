"""Merges jars into one, for Managed Service for Apache Flink takes one: factories of all are found, licences are kept.

The result depends on the jars alone, so that the same lock gives the same bytes.
"""

from __future__ import annotations

import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from core.errors import FireError

MANIFEST = "META-INF/MANIFEST.MF"
LEFT_OUT = re.compile(r"META-INF/(MANIFEST\.MF|INDEX\.LIST|[^/]+\.(SF|DSA|RSA|EC)|maven/.*|(versions/\d+/)?module-info\.class)"
                      r"|module-info\.class")
"""Signatures and indexes are those of one jar and would be wrong for all of them."""
LICENCE = re.compile(r"(META-INF/)?(licen[cs]es?/.*|(DEPENDENCIES|README)[^/]*|[^/]*(LICEN[CS]E|NOTICE)[^/.]*(\.(txt|md))?)",
                     re.IGNORECASE)
JOINED = re.compile(r"META-INF/services/[^/]+|META-INF/io\.netty\.versions\.properties|.*/execution\.interceptors")
"""Lists of which every jar has its part."""
FAST = 1
EARLIEST = (1980, 1, 1, 0, 0, 0)


class MergeError(FireError):
    """Jars that do not go together; the text names the file and both jars."""


def merge(jars: Iterable[Path], target: Path) -> None:
    """Writes all files of the jars into the jar `target`.

    Raises:
        MergeError: two jars hold a file of one name that is not the same and cannot be joined.
    """
    files: dict[str, bytes] = {}
    origins: dict[str, Path] = {}
    lists: dict[str, dict[bytes, None]] = defaultdict(dict)
    for jar in jars:
        for name, content in _files(jar):
            if JOINED.fullmatch(name):
                lists[name] |= dict.fromkeys(content.splitlines())
            elif files.setdefault(name, content) != content:
                raise MergeError(f"{name} is in {origins[name].name} and, differently, in {jar.name}; make infra/pom.xml "
                                 "resolve one version of both")
            origins.setdefault(name, jar)
    joined = {name: b"".join(line + b"\n" for line in lines if line) for name, lines in lists.items()}
    _write(target, files | joined)


def _files(jar: Path) -> Iterator[tuple[str, bytes]]:
    """The jar's files under the names that they have in the merged one; licences below a folder of the jar's name."""
    with zipfile.ZipFile(jar) as archive:
        for name in archive.namelist():
            if name.endswith("/") or LEFT_OUT.fullmatch(name):
                continue
            yield f"META-INF/licenses/{jar.stem}/{name}" if LICENCE.fullmatch(name) else name, archive.read(name)


def _write(target: Path, files: dict[str, bytes]) -> None:
    # Classes below META-INF/versions, for newer Javas, are looked at only where the manifest says so.
    manifest = b"Manifest-Version: 1.0\r\nMulti-Release: true\r\n\r\n"
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in [(MANIFEST, manifest), *sorted(files.items())]:
            archive.writestr(zipfile.ZipInfo(name, EARLIEST), content, zipfile.ZIP_DEFLATED, FAST)
