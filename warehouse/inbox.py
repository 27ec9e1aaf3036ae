"""What lies in the inbox, held against the ledger: which files are new, which are known, which still grow."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

SETTLE_SECONDS: Final = 1.0
"""Least time between the two looks at a file: one that changes between them is still being copied."""

TEMPORARY: Final = "ignored.temporary_file"
"""Reason of files known by name alone: their bytes may come again under the name that counts."""

Sight = tuple[int, int]
"""Size and mtime of a file: only ever compared between two looks within a run."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A file in the inbox: its path relative to it, its bytes' sha256, and how it looked."""

    path: str
    sha256: str
    size_bytes: int
    sight: Sight


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the inbox: every file there, those that could not be opened, and when the look began."""

    sightings: tuple[Sighting, ...]
    unreadable: tuple[str, ...]
    at: float


def look(inbox: Path) -> Look:
    """Every file of the inbox, links followed, sorted by path."""
    at = time.monotonic()
    paths = sorted(path for path in inbox.rglob("*") if path.is_file()) if inbox.is_dir() else []
    found, unreadable = [], []
    for path in paths:
        try:
            sight = _sight(path)
            digest = sha256(path.read_bytes()).hexdigest()
        except OSError:  # gone again, still locked by whoever writes it, or not ours to read
            unreadable.append(path.relative_to(inbox).as_posix())
            continue
        found.append(Sighting(path.relative_to(inbox).as_posix(), digest, sight[0], sight))
    return Look(tuple(found), tuple(unreadable), at)


def new_sightings(seen: Look, files: Iterable[dict[str, Any]]) -> list[Sighting]:
    """Sightings the ledger's files do not know. A known file that was only moved is not new."""
    known: set[tuple[str, str]] = set()
    homes: dict[str, set[str]] = {}
    for row in files:
        known.add((row["file_sha256"], row["path"]))
        if row["reason"] != TEMPORARY:
            homes.setdefault(row["file_sha256"], set()).add(row["path"])
    here = {(one.sha256, one.path) for one in seen.sightings}
    return [
        one
        for one in seen.sightings
        if (one.sha256, one.path) not in known
        and (one.sha256 not in homes or any((one.sha256, home) in here for home in homes[one.sha256]))
    ]


def settled(inbox: Path, first: Iterable[Sighting], looked_at: float) -> tuple[dict[str, bytes], list[str]]:
    """The bytes of the files that have stopped changing since the first look, and the paths of those that have not."""
    time.sleep(max(0.0, SETTLE_SECONDS - (time.monotonic() - looked_at)))
    quiet: dict[str, bytes] = {}
    moving: list[str] = []
    for one in first:
        path = inbox / one.path
        try:
            before, data, after = _sight(path), path.read_bytes(), _sight(path)
        except OSError:
            moving.append(one.path)
            continue
        if before == after == one.sight and sha256(data).hexdigest() == one.sha256:
            quiet[one.path] = data
        else:
            moving.append(one.path)
    return quiet, moving


def _sight(path: Path) -> Sight:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns
