"""Events of FCS files, kept as Parquet where the study file asks for it: one file per FCS file, under its sha256.

They stay beside the published file: its view `events` reads them where they lay when it was published.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import polars as pl

EVENTS: Final = "events"
"""The folder, and the view."""
NUMBER: Final = "event_number"
_COMPRESSION: Final = "zstd"


def place(folder: Path, digest: str) -> Path:
    """Where the events of the FCS file with that sha256 lie."""
    return folder / EVENTS / digest[:2] / f"{digest}.parquet"


def keep(folder: Path, digest: str, events: pl.DataFrame) -> Path:
    """Keeps events, one column a channel and one row an event; what is there already is left alone."""
    import polars as pl

    path = place(folder, digest)
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    numbered = events.select(
        pl.lit(digest).alias("file_sha256"), pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias(NUMBER), pl.all()
    )
    numbered.write_parquet(part, compression=_COMPRESSION)
    part.replace(path)
    return path


def kept(folder: Path, digests: Iterable[str]) -> list[Path]:
    """The Parquet files there are of these FCS files, sorted."""
    return sorted(path for digest in set(digests) if (path := place(folder, digest)).is_file())


def view(folder: Path, digests: Iterable[str]) -> list[str]:
    """SQL that makes the view `events` with its comment; nothing where no events of these FCS files are kept.

    One row an event; a channel that a file does not have is null in its rows. Paths are absolute as of now: where the
    study's folder has moved since, the view fails until the study is published again, and everything else works.
    """
    files = kept(folder.resolve(), digests)
    if not files:
        return []
    listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in files)
    grain = "Grain: one event of one FCS file, a column a channel, values as the file stores them."
    return [
        f"create view {EVENTS} as select * from read_parquet([{listed}], union_by_name = true)",
        f"comment on view {EVENTS} is '{grain}'",
    ]
