"""What lies in the inbox, held against the ledger: which files are new, which are known, which still grow."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path, PurePosixPath
from typing import Any, Final

from expectations.errors import UsageError

SETTLE_SECONDS: Final = 1.0
"""Least time between the two looks at a file: one that changes between them is still being copied."""

TEMPORARY: Final = "ignored.temporary_file"
"""Reason of files known by name alone: their bytes may come again under the name that counts."""

_TEMPORARY_NAME: Final = re.compile(
    r"~\$.*|\..*|.*~|Thumbs\.db|desktop\.ini|.*\.(tmp|temp|part|partial|crdownload|swp|lock)", re.IGNORECASE
)

_PORTION_BYTES: Final = 64 * 2**20
"""Bytes of new files held in memory at a time."""

Sight = tuple[int, int]
"""Size and mtime of a file: only ever compared between two looks within a run."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A file in the inbox: its path relative to it, its bytes' sha256, and how it looked."""

    path: str
    """As it can be shown and stored: bytes that are no UTF-8 are written out."""
    sha256: str
    size_bytes: int
    sight: Sight
    on_disk: Path
    """The path as the file system spells it."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the inbox: every file there, those that could not be opened, and when the look began."""

    sightings: tuple[Sighting, ...]
    unreadable: tuple[str, ...]
    at: float


def look(inbox: Path) -> Look:
    """Every file of the inbox, links followed, sorted by path.

    Raises UsageError (study.no_inbox) where there is no inbox: a share that is not mounted is not an empty one.
    """
    if not inbox.is_dir():
        raise UsageError(
            str(inbox),
            code="study.no_inbox",
            problem="the study has no folder `inbox`",
            remedy="make it, or mount the share it lies on, and run again",
        )
    at = time.monotonic()
    paths, closed = _files(inbox)
    found, unreadable = [], [_shown(folder, inbox) for folder in closed]
    for path in paths:
        try:
            if path.exists() and not path.is_file():
                continue  # a pipe or a device
            sight = _sight(path)
            with path.open("rb") as handle:
                digest = file_digest(handle, "sha256").hexdigest()
        except OSError:  # gone again, still locked by whoever writes it, or not ours to read
            if not is_temporary(_shown(path, inbox)):
                unreadable.append(_shown(path, inbox))
            continue
        found.append(Sighting(_shown(path, inbox), digest, sight[0], sight, path.relative_to(inbox)))
    return Look(tuple(sorted(found, key=lambda one: one.path)), tuple(sorted(unreadable)), at)


def is_temporary(path: str) -> bool:
    """True for lock, hidden and half-copied files of office programs, editors and sync jobs, known by name alone."""
    return any(_TEMPORARY_NAME.fullmatch(part) for part in PurePosixPath(path).parts)


def new_sightings(seen: Look, files: Iterable[dict[str, Any]]) -> list[Sighting]:
    """Sightings the ledger's files do not know; not a known file that moved, nor a temporary one that changed.

    Bytes that came back to a place where others arrived after them are new: somebody took a correction back.
    """
    arrivals: dict[str, dict[str, int]] = {}
    ignored: set[str] = set()
    homes: dict[str, set[str]] = {}
    for row in files:
        arrivals.setdefault(row["path"], {})[row["file_sha256"]] = row.get("arrival") or 0
        if row["reason"] == TEMPORARY:
            ignored.add(row["path"])
        else:
            homes.setdefault(row["file_sha256"], set()).add(row["path"])
    here = {(one.sha256, one.path) for one in seen.sightings}

    def is_new(one: Sighting) -> bool:
        there = arrivals.get(one.path, {})
        if one.sha256 in there:
            return there[one.sha256] < max(there.values())
        return one.sha256 not in homes or any((one.sha256, home) in here for home in homes[one.sha256])

    return [one for one in seen.sightings if is_new(one) and not (one.path in ignored and is_temporary(one.path))]


def portions(sightings: Iterable[Sighting]) -> Iterator[list[Sighting]]:
    """The files in their order, as many at a time as fit in memory well; a large one alone."""
    some: list[Sighting] = []
    size = 0
    for one in sightings:
        if some and size + one.size_bytes > _PORTION_BYTES:
            yield some
            some, size = [], 0
        some.append(one)
        size += one.size_bytes
    if some:
        yield some


def settled(inbox: Path, first: Iterable[Sighting], looked_at: float) -> tuple[dict[str, bytes], list[str]]:
    """The bytes of the files that have stopped changing since the first look, and the paths of those that have not."""
    awaited = list(first)
    if awaited:
        time.sleep(max(0.0, SETTLE_SECONDS - (time.monotonic() - looked_at)))
    quiet: dict[str, bytes] = {}
    moving: list[str] = []
    for one in awaited:
        path = inbox / one.on_disk
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


def _files(inbox: Path) -> tuple[list[Path], list[Path]]:
    """Everything in the inbox that is no folder, and the folders that cannot be opened; each folder once."""
    found: list[Path] = []
    closed: list[Path] = []
    seen: set[tuple[int, int]] = set()

    def refused(error: OSError) -> None:
        closed.append(Path(error.filename))

    for place, folders, names in os.walk(inbox, followlinks=True, onerror=refused):
        try:
            here = Path(place).stat()
        except OSError:  # gone since
            continue
        if (here.st_dev, here.st_ino) in seen:  # a link back into the inbox
            folders.clear()
            continue
        seen.add((here.st_dev, here.st_ino))
        found += [Path(place) / name for name in names]
    return found, closed


def _shown(path: Path, inbox: Path) -> str:
    """The path relative to the inbox. A name another system wrote in its own encoding must not stop a run."""
    return os.fsencode(path.relative_to(inbox).as_posix()).decode("utf-8", "backslashreplace")


def _sight(path: Path) -> Sight:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns
