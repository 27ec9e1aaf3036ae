"""Delta tables under `lake/`: appended to, replaced or rewritten by source file; read only at a version somebody names.

Delta has no transaction across tables. A run writes as many versions as it needs and the ledger names, last, those that
belong together (`warehouse.ledger`); versions nobody named are undone by the next run (`repair`).
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from expectations.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

    from expectations.contract import Table

LAKE: Final = "lake"
_COMPACT_ABOVE: Final = 64
"""Data files a table may have before an append compacts it: small appends by scheduled runs add up."""

Versions = Mapping[str, int]
"""Table name to the Delta version that belongs to a state."""


def location(folder: Path, name: str) -> Path:
    """Where a table lies."""
    return folder / LAKE / name


def _address(path: Path) -> str:
    """A table's place as an address: in a plain path Delta would take `%20`, `#` or `?` for parts of one."""
    return path.resolve().as_uri()


def latest(folder: Path, name: str) -> int | None:
    """The newest version on disk, committed or not; None where there is no table."""
    from deltalake import DeltaTable

    path = location(folder, name)
    return DeltaTable(_address(path)).version() if DeltaTable.is_deltatable(_address(path)) else None


def data_files(folder: Path, name: str, version: int) -> list[str]:
    """The Parquet files of a table at a version.

    Raises UsageError (study.lake_damaged) where that version cannot be read any more.
    """
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    path = location(folder, name)
    try:
        uris = DeltaTable(_address(path), version=version).file_uris()
    except DeltaError as error:
        raise UsageError(
            str(path),
            code="study.lake_damaged",
            problem=f"version {version} of the table cannot be read any more ({str(error)[:120]})",
            remedy="restore the folder `lake` from a backup; states older than store.as_of_days may be gone for good",
        ) from error
    # No table is partitioned, so a data file's name is all that tells it apart; the address before it is encoded.
    return [str(path / uri.rpartition("/")[2]) for uri in uris]


def read(folder: Path, table: Table, versions: Versions) -> pl.DataFrame:
    """A table as of the named versions, sorted by its key; no rows where the state has no such table."""
    import polars as pl

    if table.name not in versions:
        return table.empty()
    files = data_files(folder, table.name, versions[table.name])
    if not files:
        return table.empty()
    frame = pl.concat(
        [pl.read_parquet(file, hive_partitioning=False, glob=False) for file in files], how="diagonal_relaxed"
    )
    missing = [
        pl.lit(None, dtype=dtype).alias(name) for name, dtype in table.schema.items() if name not in frame.columns
    ]
    return table.conform(frame.with_columns(missing)).sort(table.key)


def append(folder: Path, table: Table, frame: pl.DataFrame, as_of_days: int) -> int:
    """Adds rows; gives the new version."""
    from deltalake import DeltaTable

    _write(folder, table, frame, as_of_days, overwrite=False)
    stored = DeltaTable(_address(location(folder, table.name)))
    if len(stored.file_uris()) > _COMPACT_ABOVE:
        stored.optimize.compact()
    return stored.version()


def replace(folder: Path, table: Table, frame: pl.DataFrame, as_of_days: int) -> int:
    """Puts these rows in the place of all there were; gives the new version."""
    _write(folder, table, frame, as_of_days, overwrite=True)
    version = latest(folder, table.name)
    assert version is not None
    return version


def rewrite(folder: Path, table: Table, files: Collection[str], frame: pl.DataFrame, as_of_days: int) -> int:
    """Puts these rows in the place of all rows of those source files; gives the new version."""
    from deltalake import DeltaTable

    if files and latest(folder, table.name) is not None:
        names = ", ".join(f"'{digest}'" for digest in sorted(files))
        DeltaTable(_address(location(folder, table.name))).delete(f"file_sha256 IN ({names})")
    return append(folder, table, frame, as_of_days)


def repair(folder: Path, versions: Versions) -> dict[str, int]:
    """Undoes what a killed run left: every table is brought back to its named version, tables of no state are removed.

    Gives the versions to go on from; their content is that of `versions`.
    """
    from deltalake import DeltaTable

    now = {}
    root = folder / LAKE
    for path in sorted(root.iterdir()) if root.is_dir() else []:
        if not path.is_dir() or path.name == _LEDGER:
            continue
        if path.name not in versions:
            shutil.rmtree(path)
            continue
        newest = latest(folder, path.name)
        if newest is not None and newest > versions[path.name]:
            DeltaTable(_address(path)).restore(versions[path.name])
            newest = latest(folder, path.name)
        now[path.name] = versions[path.name] if newest is None else newest
    return now


def tidy(folder: Path, versions: Versions, as_of_days: int) -> None:
    """Removes data files and log entries that no state of the last `as_of_days` days needs.

    Called after a commit, when every table's newest version is the committed one, so that nothing the ledger's newest
    row names can go.
    """
    from deltalake import DeltaTable

    for name, version in versions.items():
        table = DeltaTable(_address(location(folder, name)))
        if table.version() == version:
            table.vacuum(retention_hours=24 * as_of_days, dry_run=False, enforce_retention_duration=False)


_LEDGER: Final = "runs"


def _write(folder: Path, table: Table, frame: pl.DataFrame, as_of_days: int, *, overwrite: bool) -> None:
    from deltalake import DeltaTable, write_deltalake

    properties = _properties(as_of_days)
    address = _address(location(folder, table.name))
    write_deltalake(
        address,
        table.conform(frame).sort(table.key).to_arrow(),
        mode="overwrite" if overwrite else "append",
        schema_mode="overwrite" if overwrite else "merge",
        configuration=properties,
        description=table.grain,
    )
    stored = DeltaTable(address)
    if any(stored.metadata().configuration.get(name) != value for name, value in properties.items()):
        stored.alter.set_table_properties(properties)


def _properties(as_of_days: int) -> dict[str, str]:
    """How long the past is kept. Delta's own log clean-up is off: it could take a version the ledger still names."""
    retention = f"interval {as_of_days} days"
    return {
        "delta.logRetentionDuration": retention,
        "delta.deletedFileRetentionDuration": retention,
        "delta.enableExpiredLogCleanup": "false",
    }
