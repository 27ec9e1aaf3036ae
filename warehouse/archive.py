"""Original bytes, kept once under their sha256; nothing here is ever changed or removed."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from expectations.errors import UsageError


def place(folder: Path, digest: str) -> Path:
    """Where the bytes with that sha256 lie."""
    return folder / "archive" / digest[:2] / digest


def keep(folder: Path, data: bytes) -> str:
    """Keeps the bytes and gives their sha256; bytes that are there already are left alone."""
    digest = sha256(data).hexdigest()
    path = place(folder, digest)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        part.replace(path)
    return digest


def fetch(folder: Path, digest: str) -> bytes:
    """The bytes with that sha256.

    Raises UsageError (study.lake_damaged) where they are gone or no longer have it.
    """
    path = place(folder, digest)
    data = path.read_bytes() if path.is_file() else None
    if data is None or sha256(data).hexdigest() != digest:
        raise UsageError(
            str(path),
            code="study.lake_damaged",
            problem="the archive no longer holds the original bytes of a file"
            if data is None
            else "archived bytes changed",
            remedy="restore the folder `archive` from a backup",
        )
    return data
