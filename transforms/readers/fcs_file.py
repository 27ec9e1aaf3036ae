"""Raw FCS files: the tube, its data sets and channels, and how it was acquired. Events stay in the archived file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final, TypeVar

from expectations.cytometry_in import (
    ACQUISITION_MEASURES,
    CYTOMETRY_CHANNELS,
    CYTOMETRY_FILES,
    CYTOMETRY_SAMPLES,
)
from expectations.study import StudySettings
from transforms.fcs.acquisition import measures_of
from transforms.fcs.data_sets import SIGNATURE, DataSet, open_fcs
from transforms.readers.dates import Order
from transforms.readers.fcs_dates import acquisition_day, time_of_day
from transforms.readers.sample_words import batches_of, file_name, kept_keywords
from transforms.readers.source import Reading, SourceFile, incoming

FORMAT: Final = "fcs"
_SEPARATOR: Final = " | "
Told = TypeVar("Told")


def recognises(data: bytes) -> bool:
    """True where it begins as FCS files of every version do."""
    return SIGNATURE.match(bytes(data[:8])) is not None


def read(source: SourceFile, settings: StudySettings) -> Reading:
    """One sample with its kept keywords, a row a data set, a row a channel, and the measures of the first data set.

    Further data sets of the file are told but are no samples: LMD files write one acquisition twice.

    Raises SourceFileError (fcs.*): the first data set cannot be read, its events included.
    """
    data_sets = open_fcs(source)
    first, order = data_sets[0], settings.dates.order
    # Dates and times are of no consequence to the events: one that cannot be read is told and left out.
    rows = [_file_row(source, one, order) for one in data_sets]
    sample = {
        "sample_number": 1,
        "sample_name": file_name(source.path),
        "fcs_name": _fil(first),
        "batches": batches_of(source.path, first.keywords, settings),
        "keywords": kept_keywords(first.keywords, settings),
        "n_events": first.n_events,
        "acquisition_date": rows[0]["acquisition_date"],
        "source": FORMAT,
        "software_version": first.keywords.get("CREATOR") or None,
        "file_sha256": source.sha256,
        "place": "data set 1",
    }
    tables = {
        "cytometry_samples": incoming(CYTOMETRY_SAMPLES, [sample]),
        "cytometry_files": incoming(CYTOMETRY_FILES, rows),
        "cytometry_channels": incoming(
            CYTOMETRY_CHANNELS, [row for one in data_sets for row in _channel_rows(source, one)]
        ),
        "acquisition_measures": incoming(ACQUISITION_MEASURES, _measure_rows(source, first)),
    }
    return Reading(FORMAT, {name: table for name, table in tables.items() if len(table)})


def _fil(data_set: DataSet) -> str | None:
    """The name the file was acquired under; the one it lies under may be another."""
    return file_name(data_set.keywords.get("$FIL", "")) or None


def _file_row(source: SourceFile, one: DataSet, order: Order) -> dict[str, object]:
    remarks = list(one.remarks)

    def told(names: Sequence[str], parse: Callable[[str], Told]) -> Told | None:
        return _told(one, names, parse, remarks)

    day = told(("$DATE", "$BEGINDATETIME"), lambda word: acquisition_day(word, order))
    begun = _moment(day, told(("$BTIM", "$BEGINDATETIME"), time_of_day))
    ended = _moment(day, told(("$ETIM", "$ENDDATETIME"), time_of_day))
    if begun is not None and ended is not None and ended < begun:
        ended += timedelta(days=1)
    return {
        "data_set": one.number,
        "sample_name": file_name(source.path),
        "fcs_name": _fil(one),
        "fcs_version": one.version,
        "n_events": one.n_events,
        "n_events_declared": one.n_events_declared,
        "n_channels": len(one.channels),
        "data_type": one.data_type,
        "decoded_by": one.decoder,
        "cytometer": one.keywords.get("$CYT") or None,
        "acquisition_date": day,
        "begun_at": begun,
        "ended_at": ended,
        "has_compensation": one.spillover is not None,
        # Last, when all remarks have been made.
        "remarks": _SEPARATOR.join(remarks) or None,
        "file_sha256": source.sha256,
        "place": f"data set {one.number}",
    }


def _moment(day: date | None, at: time | None) -> datetime | None:
    return None if day is None or at is None else datetime.combine(day, at)


def _told(one: DataSet, names: Sequence[str], parse: Callable[[str], Told], remarks: list[str]) -> Told | None:
    """What the first filled of these keywords says; None, and a remark, where that cannot be read."""
    filled = next((name for name in names if one.keywords.get(name)), None)
    if filled is None:
        return None
    try:
        return parse(one.keywords[filled])
    except ValueError:
        remarks.append(f"{filled} cannot be read and was left out")
        return None


def _channel_rows(source: SourceFile, one: DataSet) -> list[dict[str, object]]:
    return [
        {
            "data_set": one.number,
            "channel_number": channel.number,
            "channel": channel.name,
            "stain": channel.stain,
            "bits": channel.bits,
            "value_range": channel.value_range,
            "log_decades": channel.log_decades,
            "log_offset": channel.log_offset,
            "gain": channel.gain,
            "voltage": channel.voltage,
            "file_sha256": source.sha256,
            "place": f"data set {one.number}, channel {channel.number}",
        }
        for channel in one.channels
    ]


def _measure_rows(source: SourceFile, first: DataSet) -> list[dict[str, object]]:
    return [
        {
            "data_set": first.number,
            "measure": measure.name,
            "channel": measure.channel,
            "value": measure.value,
            "file_sha256": source.sha256,
            "place": f"data set {first.number}",
        }
        for measure in measures_of(first, first.events())
    ]
