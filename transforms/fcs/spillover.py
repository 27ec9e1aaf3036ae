"""Spillover between channels as a file or workspace gives it, and events freed from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from transforms.fcs.channels import Channel, real, whole

_KEYWORDS: Final = ("$SPILLOVER", "SPILL", "SPILLOVER", "$SPILL")
_UNNAMED: Final = "$COMP"
Values = npt.NDArray[np.float64]


class SingularMatrixError(ValueError):
    """The matrix is not square, not finite, or has no inverse."""


@dataclass(frozen=True, slots=True)
class Spillover:
    """Row i, column j: what one unit of the fluorochrome of channel i adds to channel j."""

    channels: tuple[str, ...]
    matrix: tuple[tuple[float, ...], ...]


def spillover_of(keywords: Mapping[str, str], channels: Sequence[Channel], remarks: list[str]) -> Spillover | None:
    """The matrix the file carries: $SPILLOVER, SPILL, or $COMP of FCS 3.0; None where it has none that can be read.

    $COMP names no channels; it is read only where it is of all channels, in their order, and likewise as spillover.
    """
    for name in _KEYWORDS:
        if keywords.get(name):
            found = _named(keywords[name], channels)
            if found is None:
                remarks.append(f"{name} holds no matrix of the size it gives and was passed over")
            return found
    if not keywords.get(_UNNAMED):
        return None
    found = _of_all(keywords[_UNNAMED], channels)
    remarks.append(
        "$COMP was read as a spillover matrix of all channels in their order"
        if found
        else "$COMP does not say which channels it is of and was passed over"
    )
    return found


def compensated(observed: Mapping[str, Values], matrix: npt.ArrayLike) -> dict[str, Values]:
    """The channels of a matrix freed from spillover.

    Solves `observed = true x matrix` for every event (Bagwell and Adams, Ann N Y Acad Sci 1993;677:167).

    Args:
        observed: values of every channel of the matrix on the linear scale, in its order.
        matrix: row i, column j: what one unit of the fluorochrome of channel i adds to channel j.

    Raises SingularMatrixError.
    """
    shares, n = np.asarray(matrix, np.float64), len(observed)
    if shares.shape != (n, n) or not np.isfinite(shares).all():
        raise SingularMatrixError("the matrix has not one finite row and column for each of its channels")
    if np.linalg.matrix_rank(shares) < n:
        raise SingularMatrixError("the matrix has no inverse")
    true = np.linalg.solve(shares.T, np.stack(list(observed.values())).astype(np.float64, copy=False))
    return dict(zip(observed, true, strict=True))


def _named(word: str, channels: Sequence[Channel]) -> Spillover | None:
    """n, then n channels, then n x n numbers; channels by name, else by number or stain."""
    parts = [part.strip() for part in word.split(",")]
    n = whole(parts[0])
    if not n or n > len(channels) or len(parts) != 1 + n + n * n:
        return None
    matrix = _matrix(parts[1 + n :], n)
    return None if matrix is None else Spillover(_channels(parts[1 : 1 + n], channels), matrix)


def _channels(told: list[str], channels: Sequence[Channel]) -> tuple[str, ...]:
    """The names of the channels meant; as they are told where they are those of no channel."""
    names = {channel.name for channel in channels}
    by_number = {str(channel.number): channel.name for channel in channels}
    by_stain = {channel.stain: channel.name for channel in channels if channel.stain}
    for meant in (by_number, by_stain):
        if not names.issuperset(told) and all(one in meant for one in told):
            return tuple(meant[one] for one in told)
    return tuple(told)


def _of_all(word: str, channels: Sequence[Channel]) -> Spillover | None:
    parts = [part.strip() for part in word.split(",")]
    n = whole(parts[0])
    if n != len(channels) or len(parts) != 1 + n * n:
        return None
    matrix = _matrix(parts[1:], n)
    return None if matrix is None else Spillover(tuple(channel.name for channel in channels), matrix)


def _matrix(parts: Sequence[str], n: int) -> tuple[tuple[float, ...], ...] | None:
    numbers = [number for part in parts if (number := real(part)) is not None]
    if len(numbers) != n * n:
        return None
    return tuple(tuple(numbers[row * n : (row + 1) * n]) for row in range(n))
