"""Gates as a person draws them on events, and how many events are inside, computed from their geometry alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy.typing as npt

Path = tuple[str, ...]
Channels = Mapping[str, Any]
"""Values of every event by channel."""


@dataclass(frozen=True, slots=True)
class Polygon:
    """Inside of a polygon in two channels."""

    x: str
    y: str
    vertices: tuple[tuple[float, float], ...]

    def holds(self, values: Channels) -> npt.NDArray[Any]:
        """Whether each event is inside: a ray from it crosses the outline an odd number of times."""
        import numpy as np

        x, y = values[self.x], values[self.y]
        is_inside = np.zeros(len(x), dtype=bool)
        for (x0, y0), (x1, y1) in zip(self.vertices, (*self.vertices[1:], self.vertices[0]), strict=True):
            is_level = (y0 > y) != (y1 > y)
            at = x0 + (y - y0) * ((x1 - x0) / (y1 - y0)) if y0 != y1 else x
            is_inside ^= is_level & (x < at)
        return is_inside


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Between two values in each of some channels, the lower one included; None leaves that side open."""

    bounds: Mapping[str, tuple[float | None, float | None]]

    def holds(self, values: Channels) -> npt.NDArray[Any]:
        """Whether each event is inside."""
        import numpy as np

        sides = []
        for channel, (low, high) in self.bounds.items():
            sides += [] if low is None else [values[channel] >= low]
            sides += [] if high is None else [values[channel] < high]
        return np.asarray(np.logical_and.reduce(sides))


@dataclass(frozen=True, slots=True)
class Both:
    """In all of several populations."""

    of: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate with its name and the gates inside it."""

    name: str
    shape: Polygon | Rectangle | Both
    inside: tuple[Gate, ...] = ()


FSC, SSC, CD3, CD4, CD8, IFNG, TNF, CD107A = (
    "FSC-A",
    "SSC-A",
    "APC-H7-A",
    "PE-Cy7-A",
    "PerCP-Cy5-5-A",
    "APC-A",
    "FITC-A",
    "PE-A",
)
STAINS: Final[dict[str, str | None]] = {
    FSC: None,
    SSC: None,
    CD3: "CD3",
    CD4: "CD4",
    CD8: "CD8",
    IFNG: "IFNg",
    TNF: "TNFa",
    CD107A: "CD107a",
}
"""Channels but for time, and what is stained with them."""
_LYMPHOCYTES: Final = (
    (34500.5, 7000.25),
    (88000.5, 7000.25),
    (92000.5, 30000.5),
    (70000.5, 41000.5),
    (34500.5, 36000.5),
)
_POSITIVE: Final = 2500.0
_RESPONDING: Final = (("IFNg+", IFNG), ("TNFa+", TNF), ("CD107a+", CD107A))
T_CELLS: Final[Path] = ("Lymphocytes", "CD3+")


def _t_cells(name: str, shape: Rectangle) -> Gate:
    path = (*T_CELLS, name)
    single = tuple(Gate(marker, Rectangle({channel: (_POSITIVE, None)})) for marker, channel in _RESPONDING)
    double = Gate("IFNg+&TNFa+", Both(((*path, "IFNg+"), (*path, "TNFa+"))))
    return Gate(name, shape, (*single, double))


TREE: Final = Gate(
    T_CELLS[0],
    Polygon(FSC, SSC, _LYMPHOCYTES),
    (
        Gate(
            T_CELLS[1],
            Rectangle({CD3: (_POSITIVE, None)}),
            (
                _t_cells("CD8+", Rectangle({CD8: (_POSITIVE, None), CD4: (None, _POSITIVE)})),
                _t_cells("CD4+", Rectangle({CD4: (_POSITIVE, None), CD8: (None, _POSITIVE)})),
            ),
        ),
    ),
)
"""The gates of the cytokine panel."""


def count(values: Channels) -> dict[Path, int]:
    """Events of every population of TREE, all events (an empty path) first."""
    import numpy as np

    everything = np.ones(len(values[FSC]), dtype=bool)
    masks = {(): everything} | dict(_masks(TREE, (), everything, values))
    return {path: int(mask.sum()) for path, mask in masks.items()}


def _masks(gate: Gate, above: Path, within: Any, values: Channels) -> Iterator[tuple[Path, Any]]:
    """The population of a gate that is drawn and everything inside it; joined ones after those they are made of."""
    path, found = (*above, gate.name), {}
    if isinstance(gate.shape, Both):
        return
    found[path] = within & gate.shape.holds(values)
    for inner in gate.inside:
        found |= dict(_masks(inner, path, found[path], values))
    for joined in gate.inside:
        if isinstance(joined.shape, Both):
            found[*path, joined.name] = reduce(lambda one, other: one & other, (found[at] for at in joined.shape.of))
    yield from found.items()
