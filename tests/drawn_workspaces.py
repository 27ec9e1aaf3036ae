"""FlowJo workspaces, Gating-ML files and FCS files, drawn: gates on the linear scale, counts as a test wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import quoteattr

import numpy as np

SPACES = (
    'xmlns:gating="http://www.isac-net.org/std/Gating-ML/v2.0/gating" '
    'xmlns:data-type="http://www.isac-net.org/std/Gating-ML/v2.0/datatypes" '
    'xmlns:transforms="http://www.isac-net.org/std/Gating-ML/v2.0/transformations"'
)
LOGICLE = (
    '<transforms:logicle transforms:T="262144" transforms:W="0.5" transforms:M="4.5" transforms:A="0">'
    "{}</transforms:logicle>"
)
LINEAR = '<transforms:linear transforms:minRange="0" transforms:maxRange="262144">{}</transforms:linear>'
MILTENYI = "<transforms:miltenyi>{}</transforms:miltenyi>"
"""A scale nobody has published."""


@dataclass
class Population:
    """A population with its gate as XML (`rectangle`, `polygon`, ...); a boolean has `node` and `of`."""

    name: str
    count: object = None
    gate: str = ""
    inside: Sequence[Population] = ()
    node: str = "Population"
    of: Sequence[str] = ()

    def xml(self) -> str:
        count = "" if self.count is None else f" count={quoteattr(str(self.count))}"
        gate = f"<Gate>{self.gate}</Gate>" if self.gate else ""
        of = "".join(f"<Dependent name={quoteattr(name)}/>" for name in self.of)
        joined = f"<Dependents>{of}</Dependents>" if self.of else ""
        below = f"<Subpopulations>{''.join(one.xml() for one in self.inside)}</Subpopulations>" if self.inside else ""
        graph = f'<{self.node} name={quoteattr(self.name)} owningGroup=""{count}><Graph/>'
        return f"{graph}{gate}{joined}{below}</{self.node}>"


@dataclass
class Sample:
    """A sample: `count` of all events, keywords, scales by channel and a spillover matrix."""

    name: str
    count: object = None
    populations: Sequence[Population] = ()
    keywords: Mapping[str, str] = field(default_factory=dict)
    uri: str | None = None
    scales: Mapping[str, str] = field(default_factory=dict)
    matrix: str = ""
    before: str = ""

    def xml(self, number: int) -> str:
        uri = self.uri if self.uri is not None else f"file:/C:/data/{self.name}"
        told = "".join(f"<Keyword name={quoteattr(k)} value={quoteattr(v)}/>" for k, v in self.keywords.items())
        scales = "".join(
            scale.format(f"<data-type:parameter data-type:name={quoteattr(name)}/>")
            for name, scale in self.scales.items()
        )
        count = "" if self.count is None else f" count={quoteattr(str(self.count))}"
        below = "".join(one.xml() for one in self.populations)
        return (
            f'<Sample><DataSet uri={quoteattr(uri)} sampleID="{number}"/>{self.matrix}'
            f"<Transformations>{scales}</Transformations><Keywords>{told}</Keywords>"
            f'<SampleNode name={quoteattr(self.name)}{count} sampleID="{number}"><Graph/>{self.before}'
            f"<Subpopulations>{below}</Subpopulations></SampleNode></Sample>"
        )


def workspace(
    *samples: Sample,
    version: str = "20.0",
    software: str = "10.8.1",
    saved: str = "Thu Mar 02 14:05:09 CET 2023",
    groups: Mapping[str, Sequence[int]] | None = None,
) -> bytes:
    """A workspace of FlowJo 10; `groups` hold the numbers of their samples."""
    nodes = "".join(
        f"<GroupNode name={quoteattr(name)}><Group><SampleRefs>"
        + "".join(f'<SampleRef sampleID="{number}"/>' for number in numbers)
        + "</SampleRefs></Group></GroupNode>"
        for name, numbers in (groups or {}).items()
    )
    told = "".join(sample.xml(number) for number, sample in enumerate(samples, 1))
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Workspace version="{version}" modDate="{saved}" '
        f'flowJoVersion="{software}" {SPACES}><Groups>{nodes}</Groups><SampleList>{told}</SampleList></Workspace>'
    ).encode()


def rectangle(bounds: Mapping[str, tuple[float | None, float | None]], more: str = "") -> str:
    """Events of at least the first and less than the second bound on every channel."""
    dimensions = "".join(_dimension(name, low, high) for name, (low, high) in bounds.items())
    return f"<gating:RectangleGate {more}>{dimensions}</gating:RectangleGate>"


def polygon(x: str, y: str, vertices: Sequence[tuple[float, float]], more: str = "") -> str:
    """A polygon over two channels."""
    drawn = "".join(
        "<gating:vertex>"
        + "".join(f'<gating:coordinate data-type:value="{value}"/>' for value in vertex)
        + "</gating:vertex>"
        for vertex in vertices
    )
    return f"<gating:PolygonGate {more}>{_dimension(x)}{_dimension(y)}{drawn}</gating:PolygonGate>"


def boolean(operation: str, of: Sequence[str], more: str = "") -> str:
    """A boolean gate of Gating-ML."""
    told = "".join(f"<gating:gateReference gating:ref={quoteattr(name)}/>" for name in of)
    return f"<gating:BooleanGate {more}><gating:{operation}>{told}</gating:{operation}></gating:BooleanGate>"


def named(name: str, parent: str | None = None) -> str:
    """What names a gate of Gating-ML, and its parent."""
    return f"gating:id={quoteattr(name)}" + (f" gating:parent_id={quoteattr(parent)}" if parent else "")


def gating_ml(*parts: str) -> bytes:
    """A Gating-ML 2.0 file of gates, scales and matrices."""
    return f'<?xml version="1.0"?><gating:Gating-ML {SPACES}>{"".join(parts)}</gating:Gating-ML>'.encode()


def spillover(channels: Sequence[str], matrix: Sequence[Sequence[float]], prefix: str = "Comp-") -> str:
    """A sample's matrix as FlowJo 10 writes it."""
    named_channels = "".join(f'<data-type:parameter data-type:name="{name}"/>' for name in channels)
    rows = "".join(
        f'<transforms:spillover data-type:parameter="{name}">'
        + "".join(
            f'<transforms:coefficient data-type:parameter="{other}" transforms:value="{value}"/>'
            for other, value in zip(channels, row, strict=True)
        )
        + "</transforms:spillover>"
        for name, row in zip(channels, matrix, strict=True)
    )
    return (
        f'<transforms:spilloverMatrix spectral="0" prefix="{prefix}" suffix="" name="drawn">'
        f"<data-type:parameters>{named_channels}</data-type:parameters>{rows}</transforms:spilloverMatrix>"
    )


def fcs(channels: Mapping[str, Sequence[float]], keywords: Mapping[str, str] | None = None) -> bytes:
    """An FCS 3.1 file of 32-bit floats, little endian."""
    names = list(channels)
    values = np.column_stack([np.asarray(channels[name], dtype="<f4") for name in names])
    data = values.tobytes()
    told = {
        "$BYTEORD": "1,2,3,4", "$DATATYPE": "F", "$MODE": "L", "$NEXTDATA": "0", "$PAR": str(len(names)),
        "$TOT": str(len(values)), "$BEGINSTEXT": "0", "$ENDSTEXT": "0", "$BEGINANALYSIS": "0", "$ENDANALYSIS": "0",
    }  # fmt: skip
    for number, name in enumerate(names, 1):
        told |= {f"$P{number}N": name, f"$P{number}B": "32", f"$P{number}E": "0,0", f"$P{number}R": "262144"}
    told |= keywords or {}
    width = 20
    told |= {"$BEGINDATA": "0" * width, "$ENDDATA": "0" * width}
    length = len(_text(told))
    begin = 58 + length
    told |= {"$BEGINDATA": str(begin).zfill(width), "$ENDDATA": str(begin + len(data) - 1).zfill(width)}
    offsets = (58, begin - 1, begin, begin + len(data) - 1, 0, 0)
    header = b"FCS3.1    " + b"".join(f"{n if n < 10**8 else 0:>8}".encode() for n in offsets)
    return header + _text(told) + data


def ellipsoid_of_flowjo(x: str, y: str) -> str:
    """An ellipse in FlowJo's display space of 256 bins: foci and edges around the middle."""

    def points(of: Sequence[tuple[float, float]]) -> str:
        return "".join(
            "<gating:vertex>"
            + "".join(f'<gating:coordinate data-type:value="{v}"/>' for v in point)
            + "</gating:vertex>"
            for point in of
        )

    foci, edge = points([(100, 128), (156, 128)]), points([(88, 128), (168, 128), (128, 156.57), (128, 99.43)])
    return (
        f"<gating:EllipsoidGate>{_dimension(x)}{_dimension(y)}<gating:foci>{foci}</gating:foci>"
        f"<gating:edge>{edge}</gating:edge></gating:EllipsoidGate>"
    )


def _dimension(name: str, low: float | None = None, high: float | None = None) -> str:
    bounds = "".join(f' gating:{side}="{value}"' for side, value in (("min", low), ("max", high)) if value is not None)
    return f"<gating:dimension{bounds}><data-type:fcs-dimension data-type:name={quoteattr(name)}/></gating:dimension>"


def _text(keywords: Mapping[str, str]) -> bytes:
    return ("|" + "".join(f"{name}|{value}|" for name, value in keywords.items())).encode()
