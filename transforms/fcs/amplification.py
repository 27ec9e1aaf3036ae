"""The linear scale of stored values: logarithmic amplification, gain and time steps undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from transforms.fcs.channels import Channel, real


def linear(events: pl.DataFrame, channels: Sequence[Channel], keywords: Mapping[str, str]) -> pl.DataFrame:
    """Events on the scale gates are drawn on.

    A channel of $PnE d,o and range r becomes o x 10^(d x / r), one of gain g becomes x / g, the channel Time becomes
    seconds by $TIMESTEP and has no gain (FCS 3.1, Cytometry A 2010;77:97, keywords $PnE, $PnG and $TIMESTEP; to the
    last bit what FlowIO and FlowKit make of them). Channels that change are Float64, others as they were.
    """
    step = real(keywords.get("$TIMESTEP"))
    changed = [
        _scaled(events[channel.name], channel, step if channel.is_time else None)
        for channel in channels
        if _is_scaled(channel, step)
    ]
    return events.with_columns(changed) if changed else events


def _is_scaled(channel: Channel, step: float | None) -> bool:
    return bool(channel.log_decades) or (step is not None if channel.is_time else channel.gain not in (None, 0.0, 1.0))


def _scaled(stored: pl.Series, channel: Channel, step: float | None) -> pl.Series:
    value = stored.cast(pl.Float64).to_numpy()
    # Values far beyond the range, which only a damaged file has, become infinite.
    with np.errstate(over="ignore", invalid="ignore"):
        if step is not None:
            value = value * step
        if channel.log_decades and channel.value_range:
            value = (10 ** (channel.log_decades * value / channel.value_range)) * channel.log_offset
        if channel.gain and not channel.is_time:
            value = value / channel.gain
    return pl.Series(stored.name, value)
