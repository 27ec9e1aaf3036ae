"""Exports of cytometry statistics as they lie in the inbox, written in tests; and what the readers make of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

import pytest

from expectations.errors import SourceFileError
from expectations.study import StudySettings
from tests.drawn_exports import source
from tests.drawn_tubes import study
from transforms.readers import registry
from transforms.readers.source import Reading

SETTINGS = study()
Counts = dict[tuple[str, str], tuple[int | None, str]]
"""Sample and path to count and status."""


def read(content: str | bytes, told: StudySettings = SETTINGS, path: str = "drawn.csv") -> Reading:
    """What the registry's reader makes of a file."""
    return registry.read(source(content, path), told)


def counts_of(reading: Reading) -> Counts:
    """Every population of every sample; samples of one name would be one, so none are drawn so."""
    names = {row["sample_number"]: row["sample_name"] for row in samples_of(reading)}
    return {
        (names[row["sample_number"]], row["population_path"]): (row["count"], row["status"])
        for row in reading.tables["cytometry_counts"].iter_rows(named=True)
    }


def percents_of(reading: Reading) -> dict[str, float | None]:
    """Path to percentage, of a reading of one sample."""
    frame = reading.tables["cytometry_counts"]
    return dict(zip(frame["population_path"], frame["percent_of_parent"], strict=True))


def samples_of(reading: Reading) -> list[dict[str, object]]:
    """Rows of cytometry_samples."""
    return reading.tables["cytometry_samples"].to_dicts()


def refusal(content: str | bytes, told: StudySettings = SETTINGS) -> SourceFileError:
    """The error a file is refused with."""
    with pytest.raises(SourceFileError) as refused:
        read(content, told)
    return refused.value


def unused(reading: Reading) -> list[str]:
    """Columns that were passed over."""
    return reading.unused_columns.get("cytometry_counts", [])


def lines(text: str) -> str:
    """A drawing without its indent, ended by a line break."""
    return "\n".join(line.strip() for line in text.strip().splitlines()) + "\n"


FLOWJO_10 = lines("""
    ,$FIL,CD3+ | Count,CD3+/CD8+ | Freq. of Parent (%),CD3+/CD8+ | Count,CD3+/CD8+/IFNg+ | Count,| Count,
    a.fcs,a.fcs,8000,25.0,2000,40,10000,
    b.fcs,b.fcs,9000,33.3,3000,3,12000,
    Mean,,8500,29.2,2500,21.5,11000,
    SD,,707,5.87,707,26.2,1414,
""")
COUNTS_OF_FLOWJO_10: Counts = {
    ("a.fcs", "CD3+"): (8000, "counted"),
    ("a.fcs", "CD3+/CD8+"): (2000, "counted"),
    ("a.fcs", "CD3+/CD8+/IFNg+"): (40, "counted"),
    ("a.fcs", ""): (10000, "counted"),
    ("b.fcs", "CD3+"): (9000, "counted"),
    ("b.fcs", "CD3+/CD8+"): (3000, "counted"),
    ("b.fcs", "CD3+/CD8+/IFNg+"): (3, "counted"),
    ("b.fcs", ""): (12000, "counted"),
}
HIERARCHY = lines("""
    Name,Statistic,Freq. of Parent (%),#Cells
    a.fcs,,,10000
    > CD3+,,80.0,8000
    > > CD8+,,25,2000
    > > > IFNg+,,2.0,40
    > > CD4+,,50,4000
    b.fcs,,,500
    > CD3+,,,
""")
COUNTS_OF_HIERARCHY: Counts = {
    ("a.fcs", ""): (10000, "counted"),
    ("a.fcs", "CD3+"): (8000, "counted"),
    ("a.fcs", "CD3+/CD8+"): (2000, "counted"),
    ("a.fcs", "CD3+/CD8+/IFNg+"): (40, "counted"),
    ("a.fcs", "CD3+/CD4+"): (4000, "counted"),
    ("b.fcs", ""): (500, "counted"),
    ("b.fcs", "CD3+"): (None, "not_counted"),
}
FACSDIVA = lines("""
    Experiment Name,ICS 7
    Specimen Name,P1-W4
    Tube Name,MART-1
    Record Date,"Mar 18, 2014 12:38:58 PM"
    $OP,Somebody

    Population,Parent Name,#Events,%Parent,%Total,IFNg PE-A Mean,,
    All Events,####,"10,000",####,100.0,12,,
    CD3,All Events,8000,80.0,80.0,14,,
    CD8,CD3,2000,25.0,20.0,9,,

    Experiment Name,ICS 7
    Specimen Name,P1-W4
    Tube Name,medium
    Record Date,"Mar 18, 2014 12:40:12 PM"

    Population,Parent Name,#Events,%Parent,%Total,IFNg PE-A Mean,,
    All Events,####,5000,####,100.0,12,,
    CD3,All Events,4001,80.0,80.0,####,,
    CD8,CD3,0,0.0,0.0,####,,
""")
COUNTS_OF_FACSDIVA: Counts = {
    ("MART-1", ""): (10000, "counted"),
    ("MART-1", "CD3"): (8000, "counted"),
    ("MART-1", "CD3/CD8"): (2000, "counted"),
    ("medium", ""): (5000, "counted"),
    ("medium", "CD3"): (4001, "counted"),
    ("medium", "CD3/CD8"): (0, "counted"),
}
CYTOBANK_BY_FILE = lines("""
    Experiment Name,ICS 7
    Exported,2014-03-18

    FCS Filename,Event Counts of Ungated,Event Counts of CD8+,CD8+ IFNg+_EventCounts,Median of CD8+ (PE-A),
    a.fcs,10000,2000,40,11.5,
    b.fcs,12000,3000,,9.1,
""")
CYTOBANK_BY_POPULATION = lines("""
    Experiment Name;ICS 7

    FCS Filename;a.fcs;b.fcs
    Event Counts of Ungated;10000;12000
    Event Counts of CD8+;2000;3000
    Median of CD8+ (PE-A);11,5;9,1
    Event Counts of CD8+ IFNg+;40;
""")
COUNTS_OF_CYTOBANK: Counts = {
    ("a.fcs", ""): (10000, "counted"),
    ("a.fcs", "CD8+"): (2000, "counted"),
    ("a.fcs", "CD8+ IFNg+"): (40, "counted"),
    ("b.fcs", ""): (12000, "counted"),
    ("b.fcs", "CD8+"): (3000, "counted"),
    ("b.fcs", "CD8+ IFNg+"): (None, "not_counted"),
}
LONG = lines("""
    sample,population,count,percent_of_parent,batch,acquisition_date
    T1,,10000,,A,2014-03-18
    T1,CD3+,8000,80.0,A,
    T1,CD3+/CD8+,2000,25,A,
    T1,CD3+/CD8+/IFNg+,,1.25,A,
    T2,CD3+,41.0,,B,2014-03-19
    T2,CD3+/CD8+,-1,,B,
""")
COUNTS_OF_LONG: Counts = {
    ("T1", ""): (10000, "counted"),
    ("T1", "CD3+"): (8000, "counted"),
    ("T1", "CD3+/CD8+"): (2000, "counted"),
    ("T1", "CD3+/CD8+/IFNg+"): (None, "percent_only"),
    ("T2", "CD3+"): (41, "counted"),
    ("T2", "CD3+/CD8+"): (None, "never_computed"),
}

Gate = tuple[str, object, str]
"""Full name, events and what is drawn of it."""
GATES: Sequence[Gate] = (
    ("All Events", 10000, ""),
    ("All Events\\CD3", 8000, "POLYGON_REGION"),
    ("All Events\\CD3\\CD8", 2000, "RECTANGLE_REGION"),
)


def facsdiva_tube(
    name: str, gates: Sequence[Gate] = GATES, *, file: str = "38980.fcs", keywords: Mapping[str, str] | None = None
) -> str:
    """A tube as FACSDiva writes it; without `file` it was never acquired."""
    acquired = f"<data_filename>{file}</data_filename><data_begin_date>2019-04-15T16:13:10</data_begin_date>"
    told = "".join(
        f"<keyword name={quoteattr(key)}><value>{escape(value)}</value></keyword>"
        for key, value in (keywords or {}).items()
    )
    drawn = "".join(_gate(*gate) for gate in gates)
    return (
        f"<tube name={quoteattr(name)}><date>2019-04-15T16:13:22</date>{acquired if file else ''}"
        f"<keywords>{told}</keywords>\n<gates>{drawn}</gates></tube>"
    )


def _gate(full: str, events: object, region: str) -> str:
    above, _, name = full.rpartition("\\")
    parent = f"<parent>{escape(above)}</parent>" if above else ""
    drawn = f'<region name={quoteattr(name)} type="{region}"/>' if region else ""
    count = "" if events is None else f"<num_events>{events}</num_events>"
    return (
        f'<gate fullname={quoteattr(full)} type="Region_Classifier"><name>{escape(name)}</name>\n'
        f"{count}{parent}{drawn}<input>{escape(above)}</input></gate>\n"
    )


def facsdiva_experiment(*tubes: str, worksheet: str = "", head: str = "<?xml version='1.0' encoding='UTF-8'?>") -> str:
    """An experiment with one specimen."""
    worksheets = re.sub(r"(</?)tube\b", r"\1worksheet_template", worksheet)
    return (
        f'{head}\n<bdfacs version="Version 6.2" release_version="Version 6.2"><experiment name="ICS 7">'
        f"<export_time>2019-04-15T16:27:27</export_time><owner_name>Somebody</owner_name>"
        f'<acquisition_worksheets name="Global Worksheets">{worksheets}</acquisition_worksheets>'
        f'<specimen name="P1-W4">{"".join(tubes)}</specimen></experiment></bdfacs>\n'
    )
