"""Merges jars into one, as Managed Service for Apache Flink takes only one; keeps all service lists and licences.

The result depends only on the jars, so that the same lock gives the same bytes.
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
"""Signatures and indexes, which apply to a single jar and would be wrong for the merged one."""
LICENCE = re.compile(r"(META-INF/)?(licen[cs]es?/.*|(DEPENDENCIES|README)[^/]*|[^/]*(LICEN[CS]E|NOTICE)[^/.]*(\.(txt|md))?)",
                     re.IGNORECASE)
JOINED = re.compile(r"META-INF/services/[^/]+|META-INF/io\.netty\.versions\.properties|.*/execution\.interceptors")
"""Lists to which every jar contributes lines."""
FAST = 1
EARLIEST = (1980, 1, 1, 0, 0, 0)


class MergeError(FireError):
    """Two jars conflict; the text names the file, both jars and the remedy."""


def merge(jars: Iterable[Path], target: Path) -> None:
    """Writes all files of the jars to the jar `target`.

    Raises:
        MergeError: two jars have different files of the same name that cannot be joined.
    """
    files: dict[str, bytes] = {}
    origins: dict[str, Path] = {}
    lists: dict[str, dict[bytes, None]] = defaultdict(dict)
    for jar in jars:
        for name, content in _files(jar):
            if JOINED.fullmatch(name):
                lists[name] |= dict.fromkeys(content.splitlines())
            elif files.setdefault(name, content) != content:
                raise MergeError(f"{name} differs between {origins[name].name} and {jar.name}; make infra/pom.xml "
                                 "resolve one version of both")
            origins.setdefault(name, jar)
    joined = {name: b"".join(line + b"\n" for line in lines if line) for name, lines in lists.items()}
    _write(target, files | joined)


def _files(jar: Path) -> Iterator[tuple[str, bytes]]:
    """Yields the name in the merged jar and the content of each file; licences move to a folder of the jar's name."""
    with zipfile.ZipFile(jar) as archive:
        for name in archive.namelist():
            if name.endswith("/") or LEFT_OUT.fullmatch(name):
                continue
            yield f"META-INF/licenses/{jar.stem}/{name}" if LICENCE.fullmatch(name) else name, archive.read(name)


def _write(target: Path, files: dict[str, bytes]) -> None:
    # Java reads the classes for newer versions in META-INF/versions only if the manifest says Multi-Release.
    manifest = b"Manifest-Version: 1.0\r\nMulti-Release: true\r\n\r\n"
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in [(MANIFEST, manifest), *sorted(files.items())]:
            archive.writestr(zipfile.ZipInfo(name, EARLIEST), content, zipfile.ZIP_DEFLATED, FAST)
