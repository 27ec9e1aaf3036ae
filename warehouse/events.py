"""Events of FCS files, kept as Parquet where the study file asks for it: one file per FCS file, under its sha256.

They stay beside the published file: its view `events` reads them where they lay when it was published.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import polars as pl

LOG = logging.getLogger("perdure")

EVENTS: Final = "events"
"""The folder, and the view."""
FILE: Final = "file_sha256"
NUMBER: Final = "event_number"
_COMPRESSION: Final = "zstd"


def place(folder: Path, digest: str) -> Path:
    """Where the events of the FCS file with that sha256 lie."""
    return folder / EVENTS / digest[:2] / f"{digest}.parquet"


def keep(folder: Path, digest: str, events: pl.DataFrame) -> Path:
    """Keeps events, one column a channel and one row an event; what is there and can be read is left alone.

    A channel named like another one, or like file_sha256 or event_number, whatever their capitals, has its number
    behind its name.
    """
    import polars as pl

    path = place(folder, digest)
    if is_whole(path):
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    numbered = events.rename(dict(zip(events.columns, _named_once(events.columns), strict=True))).select(
        pl.lit(digest).alias(FILE), pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias(NUMBER), pl.all()
    )
    try:
        numbered.write_parquet(part, compression=_COMPRESSION)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def is_whole(path: Path) -> bool:
    """True for a Parquet file that is there and whose footer can be read: one cut short has none."""
    import pyarrow
    import pyarrow.parquet

    try:
        pyarrow.parquet.read_metadata(path)
    except (OSError, pyarrow.ArrowException):
        return False
    return True


def _named_once(channels: Sequence[str]) -> list[str]:
    """Names that stay apart where capitals make no difference, as in DuckDB."""
    taken = {name.lower() for name in (FILE, NUMBER)}
    theirs = {name.lower() for name in channels}
    named: list[str] = []
    for number, channel in enumerate(channels, 1):
        name = channel
        while name.lower() in taken or (name != channel and name.lower() in theirs):
            name = f"{name} ({number})"
        taken.add(name.lower())
        named.append(name)
    return named


def kept(folder: Path, digests: Iterable[str]) -> list[Path]:
    """The Parquet files there are of these FCS files and that can be read, sorted; others are logged."""
    there = sorted(path for digest in set(digests) if (path := place(folder, digest)).is_file())
    whole = [path for path in there if is_whole(path)]
    for path in sorted(set(there) - set(whole)):
        LOG.warning("the events in %s cannot be read; they are made again at the next run", path)
    return whole


def view(folder: Path, digests: Iterable[str], *, is_temporary: bool = False) -> list[str]:
    """SQL that makes the view `events` with its comment; nothing where no events of these FCS files are kept.

    One row an event; a channel that a file does not have is null in its rows. Paths are absolute as of now: where the
    study's folder has moved since, other clients than `perdure query` must wait until it is published again.

    Args:
        folder: of the study.
        digests: sha256 of the FCS files.
        is_temporary: of the connection alone, in front of a view of that name that is published.
    """
    files = kept(folder.resolve(), digests)
    if not files:
        return []
    listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in files)
    grain = "Grain: one event of one FCS file, a column a channel, values as the file stores them."
    reading = f"view {EVENTS} as select * from read_parquet([{listed}], union_by_name = true)"
    if is_temporary:
        return [f"create temporary {reading}"]
    return [f"create {reading}", f"comment on view {EVENTS} is '{grain}'"]
