"""Raw events of a cytokine staining: clouds of cells in every channel, told apart as well as a good panel does.

Only additions and multiplications make them, so that they are the same bytes on every computer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random
from typing import TYPE_CHECKING, Any, Final

from flows.demo.chance import whole
from flows.demo.cytokines import MARKERS, POPULATIONS, Staining
from flows.demo.fcs_files import write_fcs
from flows.demo.gates import CD3, CD4, CD8, CD107A, FSC, IFNG, SSC, STAINS, TNF, Path, count

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Column = npt.NDArray[np.float64]

_OTHERS: Final = {"other T": 420, "other lymphocytes": 1500, "monocytes": 1100, "debris": 1300}
"""Events beside CD8 and CD4 T cells."""
_SCATTER: Final = {
    "monocytes": ((95_000.0, 30_000.0), (55_000.0, 22_000.0)),
    "debris": ((16_000.0, 11_000.0), (12_000.0, 9_000.0)),
}
"""Centre and reach of forward and side scatter; monocytes overlap with the lymphocyte gate."""
_LYMPHOID: Final = ((60_000.0, 22_000.0), (22_000.0, 12_000.0))
_NEGATIVE: Final = (650.0, 550.0)
_POSITIVE: Final = {
    CD3: (30_000.0, 16_000.0),
    CD4: (22_000.0, 12_000.0),
    CD8: (40_000.0, 24_000.0),
    IFNG: (14_000.0, 10_000.0),
    TNF: (9_000.0, 6_000.0),
    CD107A: (7_500.0, 4_500.0),
}
FLUORESCENT: Final = tuple(_POSITIVE)
_SPILL: Final = {(TNF, CD107A): 0.11, (CD107A, TNF): 0.02, (CD8, CD4): 0.07, (CD4, CD3): 0.05, (IFNG, CD3): 0.06}
"""Share of the first channel's dye that the second sees."""
_TICKS_PER_EVENT: Final = 1.3
_TIMESTEP: Final = "0.01"
CLOG_TICKS: Final = 700.0
"""How long no cell passes where the tube was clogged for a while, ticks of 0.01 s."""


@dataclass(frozen=True, slots=True)
class RawTube:
    """One acquired tube: its file, the counts its gates give, and keywords that a workspace copies."""

    name: str
    fcs: bytes
    counts: dict[Path, int]
    keywords: dict[str, str]


def spillover() -> list[list[float]]:
    """Share of every row's dye in every column's channel, both in the order of FLUORESCENT."""
    return [[1.0 if a == b else _SPILL.get((a, b), 0.0) for b in FLUORESCENT] for a in FLUORESCENT]


def acquire(
    seed: int, staining: Staining, acquired_on: date, *, needs_compensation: bool, is_clogged: bool = False
) -> RawTube:
    """The tube's events in the order they passed, and how many of them every gate holds.

    With `needs_compensation` dyes spill into other channels, and the file says how much.
    """
    import numpy as np

    name = f"{staining.name}.fcs"
    rng = Random(f"{seed}/events/{staining.name}")
    true = _clouds(rng, _kinds(staining))
    order = np.argsort(_whole(rng, len(true[FSC]), 8), kind="stable")
    true = {channel: values[order] for channel, values in true.items()}
    seen = _spilled(true) if needs_compensation else true
    clock = np.floor(np.cumsum(_bell(rng, len(order)) * 0.8 + 1.0) * _TICKS_PER_EVENT)
    if is_clogged:
        clock[len(clock) * 2 // 3 :] += CLOG_TICKS
    stored = np.column_stack([*seen.values(), clock]).astype(np.float32)
    keywords = _keywords(rng, name, acquired_on, needs_compensation=needs_compensation)
    told = {channel: stored[:, index].astype(np.float64) for index, channel in enumerate(STAINS)}
    counts = count(_compensated(told) if needs_compensation else told)
    return RawTube(name, write_fcs(stored, STAINS | {"Time": None}, keywords), counts, keywords)


def _kinds(staining: Staining) -> list[tuple[str, tuple[bool, ...], int]]:
    """Kind of cell, its markers and how many there are."""
    kinds = [(population, subset, n) for population in POPULATIONS for subset, n in staining.events[population].items()]
    return kinds + [(kind, (False,) * len(MARKERS), n) for kind, n in _OTHERS.items()]


def _clouds(rng: Random, kinds: list[tuple[str, tuple[bool, ...], int]]) -> dict[str, Column]:
    import numpy as np

    n_of_kind = [n for _, _, n in kinds]
    n_events = sum(n_of_kind)

    def around(centres: list[tuple[float, float]]) -> Column:
        centre, reach = np.repeat(np.array(centres), n_of_kind, axis=0).T
        return np.asarray(centre + reach * _bell(rng, n_events))

    values = {
        channel: around([_SCATTER.get(kind, _LYMPHOID)[index] for kind, _, _ in kinds])
        for index, channel in enumerate((FSC, SSC))
    }
    has = {
        CD3: [kind in ("CD8", "CD4", "other T") for kind, _, _ in kinds],
        CD4: [kind == "CD4" for kind, _, _ in kinds],
        CD8: [kind == "CD8" for kind, _, _ in kinds],
    } | {channel: [subset[i] for _, subset, _ in kinds] for i, channel in enumerate((IFNG, TNF, CD107A))}
    for channel, is_positive in has.items():
        values[channel] = around([_POSITIVE[channel] if one else _NEGATIVE for one in is_positive])
    return values


def _bell(rng: Random, n: int) -> Column:
    """Sums of four uniform numbers, between -1 and 1: nearly normal, and nothing far out."""
    import numpy as np

    parts = np.frombuffer(rng.randbytes(8 * n), dtype="<u2").reshape(n, 4)
    return np.asarray((parts.sum(axis=1, dtype=np.int64) - 131_070) / 131_072)


def _whole(rng: Random, n: int, width: int) -> Any:
    import numpy as np

    return np.frombuffer(rng.randbytes(width * n), dtype=f"<u{width}")


def _spilled(true: dict[str, Column]) -> dict[str, Column]:
    """What the detectors see; term by term, since a library's matrix product may round differently elsewhere."""
    seen = dict(true)
    for (dye, channel), share in _SPILL.items():
        seen[channel] = seen[channel] + share * true[dye]
    return seen


def _compensated(seen: dict[str, Column]) -> dict[str, Column]:
    import numpy as np

    dyes = np.linalg.solve(np.array(spillover()).T, np.array([seen[channel] for channel in FLUORESCENT]))
    return seen | dict(zip(FLUORESCENT, dyes, strict=True))


def _keywords(rng: Random, name: str, acquired_on: date, *, needs_compensation: bool) -> dict[str, str]:
    minutes = whole(rng, 9 * 60, 16 * 60)
    told = {
        "$FIL": name,
        "$CYT": "LSRII",
        "$DATE": f"{acquired_on:%d-%b-%Y}".upper(),
        "$BTIM": f"{minutes // 60:02d}:{minutes % 60:02d}:11",
        "$ETIM": f"{(minutes + 4) // 60:02d}:{(minutes + 4) % 60:02d}:37",
        "$TIMESTEP": _TIMESTEP,
        "$OP": "BMN",
        "CREATOR": "BD FACSDiva Software Version 6.1.3",
        "TUBE NAME": name.removesuffix(".fcs"),
    }
    if needs_compensation:
        shares = ",".join(f"{share:g}" for row in spillover() for share in row)
        told["$SPILLOVER"] = f"{len(FLUORESCENT)},{','.join(FLUORESCENT)},{shares}"
    return told
