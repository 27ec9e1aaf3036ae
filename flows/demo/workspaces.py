"""FlowJo 10 workspaces: the gates of every sample, and the counts FlowJo found when it last computed them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from xml.sax.saxutils import quoteattr

from flows.demo.fcs_files import RANGE
from flows.demo.gates import FSC, SSC, STAINS, TREE, Both, Gate, Path, Polygon, Rectangle
from flows.demo.raw_events import FLUORESCENT, spillover

NEVER_COMPUTED: Final = -1
_GROUP: Final = "All Samples"
_GATING_ML: Final = "http://www.isac-net.org/std/Gating-ML/v2.0/"
_LOGICLE: Final = 'transforms:length="256" transforms:T="262144" transforms:A="0" transforms:W="0.5" transforms:M="4.5"'
_LINEAR: Final = f'transforms:minRange="0" transforms:maxRange="{RANGE}" gain="1"'


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample: the counts the workspace stores, by path, and the keywords it copied from the FCS file."""

    name: str
    counts: Mapping[Path, int]
    keywords: Mapping[str, str]


def write_workspace(samples: list[Sample], folder: str, saved_on: date, *, is_compensated: bool) -> bytes:
    """The workspace with the gates of the cytokine panel in every sample.

    Args:
        samples: in the workspace's order.
        folder: where the FCS files lay on the computer of whoever gated.
        saved_on: day it was saved.
        is_compensated: gates are drawn on compensated channels with logicle scales; else on linear ones as acquired.
    """
    return "\n".join(_lines(samples, folder, saved_on, is_compensated=is_compensated)).encode()


def _lines(samples: list[Sample], folder: str, saved_on: date, *, is_compensated: bool) -> Iterator[str]:
    spaces = {"gating": "gating", "transforms": "transformations", "data-type": "datatypes"}
    declared = " ".join(f'xmlns:{prefix}="{_GATING_ML}{name}"' for prefix, name in spaces.items())
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    saved_at = f"{saved_on:%a %b %d} 15:42:07 CET {saved_on:%Y}"
    yield f'<Workspace version="1.8" modDate="{saved_at}" flowJoVersion="10.0.7r2" {declared}>'
    yield "<Matrices/><Groups>"
    yield f'<GroupNode name="{_GROUP}" annotation="" owningGroup="{_GROUP}" expanded="1" sortPriority="10" count="-1">'
    yield f'<Group name="{_GROUP}" live="1" key=""><Criteria/><SampleRefs>'
    yield from (f'<SampleRef sampleID="{number}"/>' for number, _ in enumerate(samples, start=1))
    yield "</SampleRefs></Group></GroupNode></Groups><SampleList>"
    for number, sample in enumerate(samples, start=1):
        uri = quoteattr(f"file:/D:/cytometry/{folder}/{sample.name}".replace(" ", "%20"))
        yield f'<Sample><DataSet uri={uri} sampleID="{number}"/>'
        yield from _scales(is_compensated=is_compensated)
        yield "<Keywords>"
        yield from (f'<Keyword name="{name}" value={quoteattr(value)}/>' for name, value in sample.keywords.items())
        yield "</Keywords>"
        yield f'<SampleNode name={quoteattr(sample.name)} {_node(sample.counts[()])} sampleID="{number}">'
        yield "<Subpopulations>"
        yield from _population(TREE, (), sample.counts, prefix="Comp-" if is_compensated else "")
        yield "</Subpopulations></SampleNode></Sample>"
    yield "</SampleList></Workspace>"


def _node(count: int) -> str:
    return f'annotation="" owningGroup="{_GROUP}" expanded="1" sortPriority="10" count="{count}"'


def _scales(*, is_compensated: bool) -> Iterator[str]:
    if is_compensated:
        yield from _matrix()
    logicle = (*FLUORESCENT, *(f"Comp-{channel}" for channel in FLUORESCENT)) if is_compensated else ()
    linear = (FSC, SSC) if is_compensated else tuple(STAINS)
    yield "<Transformations>"
    for kind, channels, parameters in (("linear", linear, _LINEAR), ("logicle", logicle, _LOGICLE)):
        for channel in channels:
            yield f"<transforms:{kind} {parameters}>{_parameter(channel)}</transforms:{kind}>"
    yield "</Transformations>"


def _parameter(channel: str) -> str:
    return f'<data-type:parameter data-type:name="{channel}"/>'


def _matrix() -> Iterator[str]:
    yield (
        '<transforms:spilloverMatrix spectral="0" prefix="Comp-" name="Acquisition-defined" editable="0" '
        'version="FlowJo-10.0.7r2" status="FINALIZED" transforms:id="acquisition" suffix="">'
    )
    yield f"<data-type:parameters>{''.join(map(_parameter, FLUORESCENT))}</data-type:parameters>"
    for dye, shares in zip(FLUORESCENT, spillover(), strict=True):
        yield f'<transforms:spillover data-type:parameter="{dye}">'
        for channel, share in zip(FLUORESCENT, shares, strict=True):
            yield f'<transforms:coefficient data-type:parameter="{channel}" transforms:value="{share:g}"/>'
        yield "</transforms:spillover>"
    yield "</transforms:spilloverMatrix>"


def _population(gate: Gate, above: Path, counts: Mapping[Path, int], prefix: str) -> Iterator[str]:
    path = (*above, gate.name)
    tag = "AndNode" if isinstance(gate.shape, Both) else "Population"
    yield f"<{tag} name={quoteattr(gate.name)} {_node(counts[path])}>"
    yield from _shape(gate.shape, f"ID{sum(map(ord, '/'.join(path)))}", prefix)
    if gate.inside:
        yield "<Subpopulations>"
        for inner in gate.inside:
            yield from _population(inner, path, counts, prefix)
        yield "</Subpopulations>"
    yield f"</{tag}>"


def _shape(shape: Polygon | Rectangle | Both, identity: str, prefix: str) -> Iterator[str]:
    if isinstance(shape, Both):
        parts = (f"<Dependent name={quoteattr('/'.join(path))}/>" for path in shape.of)
        yield f"<Dependents>{''.join(parts)}</Dependents>"
        return
    tag, body = (
        ("PolygonGate", _outline(shape)) if isinstance(shape, Polygon) else ("RectangleGate", _sides(shape, prefix))
    )
    yield f'<Gate gating:id="{identity}">'
    yield f'<gating:{tag} eventsInside="1" userDefined="1" quadId="-1" gating:id="{identity}">'
    yield from body
    yield f"</gating:{tag}></Gate>"


def _outline(polygon: Polygon) -> Iterable[str]:
    for channel in (polygon.x, polygon.y):
        yield f'<gating:dimension><data-type:fcs-dimension data-type:name="{channel}"/></gating:dimension>'
    for vertex in polygon.vertices:
        coordinates = "".join(f'<gating:coordinate data-type:value="{value}"/>' for value in vertex)
        yield f"<gating:vertex>{coordinates}</gating:vertex>"


def _sides(rectangle: Rectangle, prefix: str) -> Iterable[str]:
    for channel, sides in rectangle.bounds.items():
        told = "".join(
            f' gating:{name}="{value}"' for name, value in zip(("min", "max"), sides, strict=True) if value is not None
        )
        name = f"{prefix}{channel}"
        yield f'<gating:dimension{told}><data-type:fcs-dimension data-type:name="{name}"/></gating:dimension>'
