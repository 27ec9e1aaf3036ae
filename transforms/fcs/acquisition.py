"""How evenly a tube was acquired: gaps and jumps in time, and events at the ends of a channel's range."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.fcs.channels import Channel, real
from transforms.fcs.data_sets import DataSet

_PARTS: Final = 10
_FEWEST: Final = 1000
"""Events from which on rates of tenths can be compared: with 100 a tenth, chance alone hardly doubles one."""
_LAST_STEP: Final = 1 / 4096
"""Part of the range that is its upper end where values are no whole numbers: the last step of a 12-bit converter,
the coarsest whose values instruments write so."""


class Measure(NamedTuple):
    """One measure by its name in the contract; `channel` is empty where it is about all of the file."""

    name: str
    channel: str
    value: float


def measures_of(data_set: DataSet, events: pl.DataFrame) -> list[Measure]:
    """Every measure that can be made of the stored events; one that cannot is left out, never 0.

    time_gap, seconds: longest time between an event and the next by the clock; needs $TIMESTEP. flow_rate_jump: largest
    ratio between the events of neighbouring tenths of the time acquired, an empty tenth counting as one event; needs
    1000 events. time_backwards: events whose time is before that of the event before. margin_events, percent of events
    at either end of a channel's range: of whole numbers 0 and the highest there is; of others the last 1/4096 of the
    range or more, and the lowest value where it is 0 or less and several events share it, as those cut off there do
    (other values below 0 are at no end). After flowAI (Monaco, Bioinformatics 2016;32:2473) and the margins of PeacoQC
    (Emmaneel, Cytometry A 2022;101:325).
    """
    if events.is_empty():
        return []
    clock = next((channel for channel in data_set.channels if channel.is_time), None)
    told = list(_of_time(events[clock.name], real(data_set.keywords.get("$TIMESTEP")))) if clock else []
    for channel in data_set.channels:
        if not channel.is_time and channel.value_range is not None:
            told.append(
                Measure(
                    "margin_events", channel.name, _at_either_end(events[channel.name], channel, channel.value_range)
                )
            )
    return told


def _of_time(clock: pl.Series, step: float | None) -> Iterator[Measure]:
    time = clock.cast(pl.Float64).to_numpy()
    begin, end = float(time.min()), float(time.max())
    if not math.isfinite(end - begin):
        return
    yield Measure("time_backwards", "", float(np.count_nonzero(np.diff(time) < 0)))
    if step and step > 0 and len(time) > 1:
        gap = float(np.diff(np.sort(time)).max()) * step
        if math.isfinite(gap):
            yield Measure("time_gap", "", gap)
    if end > begin and len(time) >= _FEWEST:
        yield Measure("flow_rate_jump", "", _largest_jump(time, begin, end))


def _largest_jump(time: npt.NDArray[Any], begin: float, end: float) -> float:
    tenth = np.minimum((time - begin) / (end - begin) * _PARTS, _PARTS - 1).astype(np.int64)
    counts = np.maximum(np.bincount(tenth, minlength=_PARTS), 1)
    ratios = counts[1:] / counts[:-1]
    return float(np.maximum(ratios, 1 / ratios).max())


def _at_either_end(values: pl.Series, channel: Channel, value_range: float) -> float:
    if channel.data_type == "integer":
        at_end = (values <= 0) | (values >= value_range - 1)
    else:
        at_end = (values >= value_range * (1 - _LAST_STEP)) & values.is_not_nan()
        finite = values.filter(values.is_finite())
        at_lowest = finite.filter(finite == finite.min()) if len(finite) else finite
        if len(at_lowest) > 1 and at_lowest[0] <= 0:
            at_end |= values == at_lowest[0]
    return 100.0 * int(at_end.sum()) / len(values)
