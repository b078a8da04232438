"""Where the registry is kept, and how an edit reaches every worker: a file or an S3 object, looked at every ten seconds.

Nothing here stops a reading: what cannot be read or used leaves the last good registry in force, and is logged once.
"""

from __future__ import annotations

import logging
import stat
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from udfs.registry.format import RegistryError, parse
from udfs.registry.registry import NONE, Registry

EVERY_S = 10.0
"""How often a worker looks; an edit must be in force everywhere within 30 s."""
LARGEST_BYTES = 64 * 1024 * 1024
S3 = "s3://"
S3_CONNECT_S, S3_READ_S, S3_ATTEMPTS = 2, 5, 2
"""Bounds what the first reading waits for when S3 cannot be reached."""

log = logging.getLogger(__name__)
Version = tuple[Any, bytes]
"""A mark by which a version is recognised, and its content."""


def resolved(location: str) -> str:
    """A location as a worker finds it, whose working folder is another one; empty stays empty.

    Raises:
        RegistryError: it is neither a path nor `s3://bucket/key`.
    """
    if location.startswith(S3):
        bucket, _, key = location.removeprefix(S3).partition("/")
        if bucket and key:
            return location
    elif "://" not in location:
        return location and str(Path(location).resolve())
    raise RegistryError(f"{location} is no place for a registry; name a file, or s3://bucket/key")


def in_background(work: Callable[[], None]) -> None:
    """Runs `work` beside the readings, which must not wait for a slow disk or network."""
    threading.Thread(target=work, name="registry", daemon=True).start()


class Source:
    """The registry at one location, kept up to date; `problem` says why the newest version is not in force, if so."""

    def __init__(self, location: str, clock: Callable[[], float] = time.monotonic,
                 start: Callable[[Callable[[], None]], None] = in_background) -> None:
        """`location` is a path, `s3://bucket/key` (endpoint and credentials from the AWS default chain), or empty: none."""
        self.location = location
        self.problem: str | None = None
        self._read = _reader(location)
        self._clock, self._start = clock, start
        self._looking = threading.Lock()
        self._looked_at: float | None = None
        self._mark: Any = None
        self._refusal: str | None = None
        self._registry = NONE

    def current(self) -> Registry:
        """The last good registry, `registry.NONE` before the first. Only the very first call waits for it."""
        now, looked_at = self._clock(), self._looked_at
        if looked_at is None:
            self.look()
        elif now - looked_at >= EVERY_S:
            self._looked_at = now
            self._start(self.look)
        return self._registry

    def look(self) -> None:
        """Reads the present version, where it is another one than before."""
        with self._looking:
            problem = self._look()
            if problem and problem != self.problem:
                log.warning("%s; in force stays: %s", problem, self._registry.version)
            self.problem = problem
            self._looked_at = self._clock()

    def _look(self) -> str | None:
        """Why the present version is not in force, None where it is."""
        try:
            version = self._read(self._mark)
        except Exception as problem:  # whatever a disk or a network does, readings go on
            return f"registry {self.location} cannot be read: {problem}"
        if version is not None:
            self._mark, content = version
            self._refusal = self._put_in_force(content)
        return self._refusal

    def _put_in_force(self, content: bytes) -> str | None:
        try:
            self._registry = parse(content)
        except RegistryError as problem:
            return f"registry {self.location} is refused: {problem}"
        log.info("registry %s is in force: %s", self.location, self._registry.version)
        return None


@lru_cache(maxsize=8)
def shared(location: str) -> Source:
    """The one source of a location in this process, whose workers then look once for all of them."""
    return Source(location)


def _reader(location: str) -> Callable[[Any], Version | None]:
    if location.startswith(S3):
        return S3Object(location)
    return File(location) if location else _nowhere


def _nowhere(mark: Any) -> None:
    return None


class File:
    """A registry in a file; its version is recognised by inode, size and time of change."""

    def __init__(self, location: str) -> None:
        self._path = Path(location)

    def __call__(self, mark: Any) -> Version | None:
        """The present version, None where it is the one of `mark`."""
        status = self._path.stat()
        present = (status.st_ino, status.st_size, status.st_mtime_ns)
        if present == mark:
            return None
        if not stat.S_ISREG(status.st_mode):
            raise RegistryError("it is no regular file")
        with self._path.open("rb") as file:
            return present, _bounded(file)


class S3Object:
    """A registry in an object of S3; its version is recognised by its ETag."""

    def __init__(self, location: str) -> None:
        self._bucket, _, self._key = location.removeprefix(S3).partition("/")
        self._client: Any = None

    def __call__(self, mark: Any) -> Version | None:
        """The present version, None where it is the one of `mark`."""
        from botocore.exceptions import ClientError  # type: ignore[import-untyped]

        self._client = self._client or _s3_client()
        unless = {"IfNoneMatch": mark} if mark else {}
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key, **unless)
        except ClientError as problem:
            if problem.response["ResponseMetadata"]["HTTPStatusCode"] == 304:
                return None
            raise
        with answer["Body"] as body:
            return answer["ETag"], _bounded(body)


def _s3_client() -> Any:
    import boto3  # type: ignore[import-untyped]
    from botocore.config import Config  # type: ignore[import-untyped]

    return boto3.client("s3", config=Config(connect_timeout=S3_CONNECT_S, read_timeout=S3_READ_S,
                                            retries={"total_max_attempts": S3_ATTEMPTS}))


def _bounded(stream: Any) -> bytes:
    content: bytes = stream.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        raise RegistryError(f"it is larger than {LARGEST_BYTES // 1024**2} MiB")
    return content
