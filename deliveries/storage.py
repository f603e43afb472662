"""Where documents lie: a folder of files named by their SHA-256, written once and never changed (C5)."""

import hashlib
import os
import time
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

from django.conf import settings

ORPHAN_AGE = 24 * 60 * 60  # seconds
FILES_KNOWN = 4096  # whose bytes a process need not read again while they stay as they are


class NotAsWritten(Exception):
    """A written file that is not what was written any more: it must not get the name of what it should have been."""


def temporary() -> Path:
    """A path for a document that is being written."""
    folder = settings.DOCUMENTS_DIR / "unfinished"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / uuid4().hex


def keep(path: Path, sha256: str) -> Path:
    """Move a written document to its place by its hash, durably; a crash leaves it whole here or not at all.

    Raise NotAsWritten if its hash is another.
    """
    if _hash_of(path) != sha256:
        raise NotAsWritten
    return keep_as(path, place_of(sha256))


def keep_as(path: Path, target: Path) -> Path:
    """Move a written file to a place, durably."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _sync(path)
    path.replace(target)
    _sync(target.parent)
    return target


def place_of(sha256: str) -> Path:
    return settings.DOCUMENTS_DIR / sha256[:2] / f"{sha256}.xml"


def is_whole(sha256: str, size: int) -> bool:
    """Whether the document is there, of its length and hash."""
    path = place_of(sha256)
    if not path.is_file() or path.stat().st_size != size:
        return False
    return _hash_of(path) == sha256


def is_still_whole(sha256: str, size: int) -> bool:
    """The same, its bytes read once by this process for as long as the file is the same and nothing has touched it."""
    path = place_of(sha256)
    try:
        now = path.stat()
    except OSError:
        return False
    return now.st_size == size and _hash_while(path, now.st_ino, size, now.st_mtime_ns, now.st_ctime_ns) == sha256


@lru_cache(maxsize=FILES_KNOWN)
def _hash_while(path: Path, _inode: int, _size: int, _written: int, _touched: int) -> str:
    return _hash_of(path)


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sweep(known: Iterable[str]) -> int:
    """Remove documents that no delivery names and that are a day old; return how many."""
    kept = set(known)
    limit = time.time() - ORPHAN_AGE
    removed = 0
    for path in settings.DOCUMENTS_DIR.glob("*/*"):
        if path.stem not in kept and path.is_file() and path.stat().st_mtime < limit:
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
