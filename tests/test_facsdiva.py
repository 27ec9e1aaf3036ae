"""FACSDiva exports: statistics as CSV and experiments as XML."""

from __future__ import annotations

import json
import re
from datetime import date, datetime

import pytest

from tests.drawing import SHARED, needs_shared
from tests.drawn_cytometry import (
    COUNTS_OF_FACSDIVA,
    FACSDIVA,
    GATES,
    counts_of,
    facsdiva_experiment,
    facsdiva_tube,
    lines,
    percents_of,
    read,
    refusal,
    samples_of,
    unused,
)
from tests.drawn_tubes import study

EXPERIMENT = SHARED / "real/cytometry/facsdiva/facsdiva_example_1.xml"
TUBE = "Tube Name,T\n\nPopulation,Parent Name,#Events,%Parent\nAll Events,,100,####\n"


def test_every_tube_of_a_table_gives_paths_by_its_parents():
    reading = read(FACSDIVA)
    assert reading.format == "facsdiva_table"
    assert counts_of(reading) == COUNTS_OF_FACSDIVA
    assert unused(reading) == ["%Total", "IFNg PE-A Mean"]


def test_a_tube_knows_its_events_and_day_and_no_names_of_people():
    told = study(keywords=["SPECIMEN NAME", "EXPERIMENT NAME"])
    first, second = samples_of(read(FACSDIVA, told))
    assert (first["sample_name"], first["n_events"], first["acquisition_date"]) == ("MART-1", 10000, date(2014, 3, 18))
    assert (first["batches"], second["n_events"]) == ("ICS 7", 5000)
    expected = {"EXPERIMENT NAME": "ICS 7", "SPECIMEN NAME": "P1-W4", "TUBE NAME": "MART-1"}
    assert json.loads(first["keywords"]) == expected
    assert json.loads(samples_of(read(FACSDIVA))[0]["keywords"]) == {"TUBE NAME": "MART-1"}


def test_percentages_are_of_the_parent():
    assert percents_of(read(f"{TUBE}CD3,All Events,80,80.0\nCD8,CD3,20,25.0\n")) == {
        "": None,
        "CD3": 80.0,
        "CD3/CD8": 25.0,
    }


def test_tubes_follow_each_other_without_an_empty_line():
    header = "Population,Parent Name,#Events\n"
    table = f"Tube Name,A\n{header}All Events,,5\nTube Name,B\n{header}P1,All Events,4\n"
    assert counts_of(read(table)) == {("A", ""): (5, "counted"), ("B", "P1"): (4, "counted")}


def test_semicolons_decimal_commas_and_trailing_empties_do_not_matter():
    table = lines("""Tube Name;T;;;
                     ;;;;
                     Population;Parent Name;#Events;%Parent;
                     All Events;####;28.095;####;
                     P1;All Events;22.927;81,6;;;""")
    assert counts_of(read(table)) == {("T", ""): (28095, "counted"), ("T", "P1"): (22927, "counted")}


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ("Population,Parent Name,#Events\nP1,All Events,4\n", "line 1"),
        ("Tube Name,T\nPopulation,#Events\nP1,4\n", "line 2"),
        ("Tube Name,T\nPopulation,Parent Name,#Events,#Events\nP1,All Events,4,4\n", "line 2"),
        (f"{TUBE}P2,P1,4,4.0\n", "line 5"),
        (f"{TUBE}P1,,4,4.0\n", "line 5"),
        (f"{TUBE}P1,All Events,4,4.0\nP1,All Events,4,4.0\n", "line 6"),
        (f"{TUBE}P1,All Events,4.5,4.0\n", "line 5"),
        (f"{TUBE}P1,All Events,-4,4.0\n", "line 5"),
        (f"{TUBE}P1,All Events\n", "line 5"),
        (f"{TUBE}P1,All Events,4,4.0,9\n", "line 5"),
        (f"{TUBE}P1,All Events,4,4", "line 5"),
        (f"{TUBE}P1,All Events,4,40.0\n", "line 5: P1"),
        (f"Tube Name,S\n{TUBE}", "line 2"),
        (f'{TUBE}"P1,All Events,4,4\n', "line 5"),
    ],
    ids=[
        "no tube",
        "no parents",
        "column twice",
        "unknown parent",
        "no parent",
        "population twice",
        "not whole",
        "negative",
        "short line",
        "long line",
        "no end",
        "percentage contradicts",
        "two names",
        "open quotation mark",
    ],
)
def test_a_table_that_is_not_whole_is_refused(table, place):
    refused = refusal(table)
    assert (refused.code, refused.place) == ("facsdiva.table", place)


def test_every_tube_of_an_experiment_gives_the_paths_of_its_gates():
    reading = read(facsdiva_experiment(facsdiva_tube("MART-1"), facsdiva_tube("medium", file="38981.fcs")))
    assert reading.format == "facsdiva_xml"
    counts = {"": 10000, "CD3": 8000, "CD3/CD8": 2000}
    assert counts_of(reading) == {
        (tube, path): (n, "counted") for tube in ("MART-1", "medium") for path, n in counts.items()
    }
    assert reading.tables["cytometry_counts"]["gate_type"].to_list()[:3] == [None, "polygon", "rectangle"]


def test_a_tube_of_an_experiment_tells_its_file_day_and_version_and_no_names_of_people():
    tube = facsdiva_tube("MART-1", keywords={"PATIENT ID": "Jane", "PLATE NAME": "P7", "STIM": "MART-1"})
    (sample,) = samples_of(read(facsdiva_experiment(tube), study(keywords=["STIM"])))
    assert (sample["sample_name"], sample["fcs_name"], sample["n_events"]) == ("MART-1", "38980.fcs", 10000)
    assert (sample["software_version"], sample["batches"]) == ("FACSDiva 6.2", "P7")
    assert (sample["acquisition_date"], sample["saved_at"]) == (date(2019, 4, 15), datetime(2019, 4, 15, 16, 27, 27))
    kept = {"$FIL": "38980.fcs", "PLATE NAME": "P7", "STIM": "MART-1", "TUBE NAME": "MART-1"}
    assert json.loads(sample["keywords"]) == kept


def test_the_tray_of_a_tube_is_a_batch():
    in_tray = facsdiva_experiment(facsdiva_tube("A1")).replace("<specimen ", '<tray name="Plate 3"><specimen ')
    (sample,) = samples_of(read(in_tray.replace("</specimen>", "</specimen></tray>")))
    assert sample["batches"] == "Plate 3"


def test_a_tube_acquired_and_never_counted_is_stale():
    empty = [(name, 0, region) for name, _, region in GATES]
    found = counts_of(read(facsdiva_experiment(facsdiva_tube("T", empty))))
    assert set(found.values()) == {(None, "stale")}
    assert [row["n_events"] for row in samples_of(read(facsdiva_experiment(facsdiva_tube("T", empty))))] == [None]


def test_a_tube_never_acquired_has_no_counts_whatever_stands_there():
    reading = read(facsdiva_experiment(facsdiva_tube("A"), facsdiva_tube("B", file="")))
    assert {found for (tube, _), found in counts_of(reading).items() if tube == "B"} == {(None, "not_counted")}


@pytest.mark.parametrize("content", ["", facsdiva_tube("B", file="")], ids=["no tube", "none acquired"])
def test_an_experiment_without_an_acquired_tube_has_no_counts(content):
    assert refusal(facsdiva_experiment(content)).code == "gating.no_counts"
    assert refusal(facsdiva_experiment(content, worksheet=facsdiva_tube("S", file=""))).code == "gating.no_counts"


def test_a_worksheet_that_recorded_data_is_a_sample_unless_a_tube_has_the_same_data():
    alone = facsdiva_experiment(facsdiva_tube("T"), worksheet=facsdiva_tube("Sheet", file="38979.fcs"))
    assert [row["sample_name"] for row in samples_of(read(alone))] == ["Sheet", "T"]
    shared = facsdiva_experiment(facsdiva_tube("T"), worksheet=facsdiva_tube("Sheet"))
    assert [row["sample_name"] for row in samples_of(read(shared))] == ["T"]


def test_what_quadrants_hang_from_is_no_population():
    hung = ("All Events\\$1538\\Q1", 9, "POLYGON_REGION")
    tube = facsdiva_tube("T", [*GATES, ("All Events\\$1538", 0, "BINNER_REGION"), hung])
    of_parent = tube.replace("All Events\\$1538\\Q1", "All Events\\Q1")
    with_q1 = of_parent.replace("<parent>All Events\\$1538<", "<parent>All Events<")
    reading = read(facsdiva_experiment(with_q1))
    assert counts_of(reading)[("T", "Q1")] == (9, "counted")
    assert ("T", "$1538") not in counts_of(reading)
    assert reading.tables["cytometry_counts"]["gate_type"].to_list()[-1] == "quadrant"


@pytest.mark.parametrize(
    ("gates", "place"),
    [
        ([*GATES, ("All Events\\CD4\\x", 1, "POLYGON_REGION")], "tube T"),
        ([*GATES, GATES[1]], "tube T"),
        ([*GATES, ("CD4", 1, "POLYGON_REGION")], "tube T"),
        ([*GATES, ("All Events\\CD4", "1.5", "POLYGON_REGION")], "tube T: All Events\\CD4"),
        ([*GATES, ("All Events\\CD4", "-2", "POLYGON_REGION")], "tube T: All Events\\CD4"),
        ([*GATES, ("All Events\\CD4", "many", "POLYGON_REGION")], "tube T: All Events\\CD4"),
    ],
    ids=["unknown parent", "twice", "no parent", "not whole", "negative", "text"],
)
def test_gates_that_cannot_be_read_refuse_the_experiment(gates, place):
    refused = refusal(facsdiva_experiment(facsdiva_tube("T", gates)))
    assert (refused.code, refused.place) == ("facsdiva.table", place)


def test_a_population_without_a_number_is_not_counted():
    found = counts_of(read(facsdiva_experiment(facsdiva_tube("T", [*GATES, ("All Events\\CD4", None, "")]))))
    assert found[("T", "CD4")] == (None, "not_counted")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig", "iso-8859-1"])
def test_documents_come_in_the_encoding_they_declare(encoding):
    declared = encoding.removesuffix("-sig").removesuffix("-le")
    text = facsdiva_experiment(facsdiva_tube("T\u00b5"), head=f"<?xml version='1.0' encoding='{declared}'?>")
    assert counts_of(read(text.encode(encoding)))[("T\u00b5", "CD3")] == (8000, "counted")


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE bdfacs [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE bdfacs SYSTEM "file:///etc/passwd">',
        '<?xml version="1.0"?>\n<!-- a comment --><!DOCTYPE bdfacs PUBLIC "-//X" "http://example.org/x.dtd">',
    ],
)
def test_a_document_type_is_refused(head):
    assert refusal(facsdiva_experiment(facsdiva_tube("T"), head=head)).code == "format.unrecognised"


def test_a_document_type_behind_the_place_where_the_root_is_looked_for_is_refused():
    head = f"<!--{'x' * 70_000}--><!DOCTYPE bdfacs SYSTEM 'more.dtd'>"
    assert refusal(facsdiva_experiment(facsdiva_tube("T"), head=head)).code == "format.unrecognised"


@pytest.mark.parametrize("cut", [400, 600, 900])
def test_an_experiment_cut_short_is_refused_by_line(cut):
    refused = refusal(facsdiva_experiment(facsdiva_tube("T"))[:cut])
    assert refused.code == "facsdiva.table"
    assert re.fullmatch(r"line \d+", refused.place or "")


def test_an_xml_document_of_another_kind_is_unrecognised():
    assert refusal("<?xml version='1.0'?><html><body/></html>").code == "format.unrecognised"


@needs_shared
def test_the_published_experiment_gives_the_counts_of_its_worksheet_and_stale_tubes():
    reading = read(EXPERIMENT.read_bytes())
    text = EXPERIMENT.read_text(encoding="utf-8")
    pattern = r'<gate fullname="All Events\\?([^"$]*)".*?<num_events>(\d+)</num_events>'
    worksheet = text[text.index("<worksheet_template name=") : text.index("</acquisition_worksheets>")]
    gates = re.findall(pattern, worksheet[worksheet.index("<gates>") :], re.DOTALL)
    expected = {path.replace("\\", "/"): int(n) for path, n in gates}
    counts = {path: n for (sample, path), (n, _) in counts_of(reading).items() if sample == "Global Sheet1"}
    assert counts == expected
    assert [counts[path] for path in ("", "P1", "P1/P2", "P1/P2/P3", "P1/P2/P3/P4/Q1")] == [
        28095,
        22927,
        19546,
        10215,
        9597,
    ]
    others = {found for (sample, _), found in counts_of(reading).items() if sample != "Global Sheet1"}
    assert others == {(None, "stale")}
    assert [row["fcs_name"] for row in samples_of(reading)] == ["38979.fcs", "38980.fcs", "38981.fcs", "38982.fcs"]
