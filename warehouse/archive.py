"""Original bytes, kept once under their sha256; nothing here is ever changed or removed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Final

from expectations.errors import UsageError

_AT_ONCE: Final = 16
"""Files written at once: a disk that takes its time to confirm one confirms several together."""


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


def keep_all(folder: Path, contents: Sequence[bytes]) -> None:
    """Keeps the bytes of several files that differ from each other."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for _ in pool.map(lambda data: keep(folder, data), contents):
            pass  # waits for each, and raises what it raised


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
