"""FlowJo workspaces: stored counts with path, kind and status; versions; what is refused."""

from __future__ import annotations

import json
from datetime import date, datetime
from xml.etree import ElementTree

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from expectations.cytometry_in import CYTOMETRY_COUNTS, CYTOMETRY_SAMPLES
from expectations.errors import SourceFileError
from tests.drawing import SHARED, needs_shared
from tests.drawn_exports import SETTINGS, source
from tests.drawn_workspaces import Population, Sample, polygon, rectangle, workspace
from transforms.gating import document
from transforms.gating_paths import gates_of, path_of
from transforms.readers import flowjo_workspace, registry

REAL = SHARED / "real/cytometry/workspace"
CD4 = rectangle({"FSC-A": (10, 20)})


def read(data: bytes, path: str = "w.wsp"):
    return registry.read(source(data, path), SETTINGS).tables


def counts(data: bytes) -> dict[str, tuple[str, int | None]]:
    """Path to status and count of the first sample."""
    told = read(data)["cytometry_counts"].filter(pl.col("sample_number") == 1)
    return {row["population_path"]: (row["status"], row["count"]) for row in told.to_dicts()}


def refusal(data: bytes) -> str:
    with pytest.raises(SourceFileError) as refused:
        read(data)
    return refused.value.code


def test_every_population_of_every_sample_has_its_stored_count_path_and_kind():
    triangle = polygon("FSC-A", "SSC-A", [(0, 0), (9, 0), (0, 9)])
    tree = Population("L", 700, triangle, [Population("3+", 400, CD4, [Population("8+", 90, CD4)])])
    tables = read(workspace(Sample("a.fcs", 1000, [tree]), Sample("b.fcs", 50, [Population("L", 0, triangle)])))
    found = tables["cytometry_counts"].select("sample_number", "population_path", "status", "count", "gate_type").rows()
    assert found == [
        (1, "", "counted", 1000, None),
        (1, "L", "counted", 700, "polygon"),
        (1, "L/3+", "counted", 400, "rectangle"),
        (1, "L/3+/8+", "counted", 90, "rectangle"),
        (2, "", "counted", 50, None),
        (2, "L", "counted", 0, "polygon"),
    ]
    assert CYTOMETRY_SAMPLES.conform(tables["cytometry_samples"]).height == 2
    assert CYTOMETRY_COUNTS.conform(tables["cytometry_counts"])["place"].is_unique().all()


def test_a_sample_says_its_file_groups_folder_day_events_software_and_when_it_was_saved():
    keywords = {
        "$FIL": "A01.fcs",
        "$TOT": "00050000",
        "$DATE": "15-SEP-2017",
        "$SRC": "Jens Hansen",
        "PLATE NAME": "P2",
    }
    one = Sample("donor 1", 50000, keywords=keywords, uri="file:/C:/Users/jens/day%203/A01.fcs")
    data = workspace(one, groups={"All Samples": [1], "CMV batch": [1], "other": [2]})
    (row,) = read(data, "exp 7/w.wsp")["cytometry_samples"].to_dicts()
    assert row["sample_name"] == "donor 1"
    assert row["fcs_name"] == "A01.fcs"
    assert row["n_events"] == 50000
    assert row["batches"] == "P2 | CMV batch | day 3 | exp 7"
    assert row["acquisition_date"] == date(2017, 9, 15)
    assert row["software_version"] == "FlowJo 10.8.1"
    assert row["saved_at"] == datetime(2023, 3, 2, 14, 5, 9)
    assert "Hansen" not in json.dumps(json.loads(row["keywords"]))


def test_the_name_of_the_fcs_file_is_the_last_part_of_its_uri_where_no_keyword_gives_it():
    (row,) = read(workspace(Sample("a", 1, uri="file:/D:/x/101_DEN%20E03.fcs")))["cytometry_samples"].to_dicts()
    assert row["fcs_name"] == "101_DEN E03.fcs"
    assert row["n_events"] == 1, "without $TOT the root says how many events there are"


def test_booleans_and_populations_of_plug_ins_are_populations():
    inside = [
        Population("A", 40, CD4),
        Population("A and B", 10, node="AndNode", of=["A", "B"], inside=[Population("in both", 3, CD4)]),
        Population("A or B", 60, node="OrNode", of=["A", "B"]),
        Population("not A", 60, node="NotNode", of=["A"]),
        Population("cluster 1", 7, node="ExternalPopNode"),
    ]
    told = read(workspace(Sample("a", 100, inside, before='<Statistic name="Count" value="100"/>')))["cytometry_counts"]
    assert dict(told.select("population_path", "gate_type").rows()) == {
        "": None,
        "A": "rectangle",
        "A and B": "boolean",
        "A and B/in both": "rectangle",
        "A or B": "boolean",
        "not A": "boolean",
        "cluster 1": "other",
    }


def test_a_rectangle_that_is_a_quadrant_is_told_as_one():
    quadrant = rectangle({"FSC-A": (1, None)}, 'quadId="2"')
    told = read(workspace(Sample("a", 9, [Population("Q2", 4, quadrant)])))["cytometry_counts"]
    assert told["gate_type"].to_list() == [None, "quadrant"]


def test_minus_one_was_never_computed_and_no_count_is_not_counted():
    inside = [Population("A", -1, CD4, [Population("B", 5, CD4)]), Population("C", None, CD4)]
    assert counts(workspace(Sample("a", 100, inside))) == {
        "": ("counted", 100),
        "A": ("never_computed", None),
        "A/B": ("counted", 5),
        "C": ("not_counted", None),
    }


def test_below_a_root_of_zero_in_a_tube_with_events_everything_is_stale():
    inside = [Population("A", 0, CD4, [Population("B", -1, CD4)])]
    stale = workspace(Sample("a", 0, inside, {"$TOT": "5000"}))
    assert counts(stale) == {"": ("stale", None), "A": ("stale", None), "A/B": ("never_computed", None)}
    assert read(stale)["cytometry_samples"]["n_events"].to_list() == [5000]
    empty = workspace(Sample("a", 0, inside, {"$TOT": "0"}))
    assert counts(empty)[""] == ("counted", 0), "a tube without events has none"


def test_a_population_smaller_than_one_inside_it_is_stale_with_all_that_is_inside_it():
    lymphocytes = Population(
        "L", 11, CD4, [Population("3+", 400, CD4, [Population("8+", 90, CD4)]), Population("D", 2, CD4)]
    )
    found = counts(workspace(Sample("a", 1000, [lymphocytes, Population("beads", 30, CD4)])))
    assert {path: status for path, (status, _) in found.items()} == {
        "": "counted",
        "L": "stale",
        "L/3+": "stale",
        "L/3+/8+": "stale",
        "L/D": "stale",
        "beads": "counted",
    }


def test_a_count_above_that_of_all_events_makes_the_sample_stale_across_a_level_never_computed():
    inside = [Population("A", -1, CD4, [Population("B", 101, CD4)])]
    assert counts(workspace(Sample("a", 100, inside))) == {
        "": ("stale", None),
        "A": ("never_computed", None),
        "A/B": ("stale", None),
    }
    undeclared = workspace(Sample("a", None, inside, {"$TOT": "100"}))
    assert counts(undeclared)["A/B"] == ("stale", None), "without a count of the root, $TOT is what no count can pass"


def test_a_count_equal_to_its_parents_is_no_contradiction():
    assert counts(workspace(Sample("a", 100, [Population("A", 100, CD4)])))["A"] == ("counted", 100)


def test_a_slash_in_the_name_of_a_gate_leads_to_no_other_population():
    split = [Population("S/Lv", 5, CD4), Population("S", 9, CD4, [Population("Lv", 4, CD4)])]
    assert counts(workspace(Sample("a", 10, split))) == {
        "": ("counted", 10),
        r"S\/Lv": ("counted", 5),
        "S": ("counted", 9),
        "S/Lv": ("counted", 4),
    }


@given(st.lists(st.text(min_size=1), max_size=5))
def test_a_path_gives_back_the_gates_it_was_made_of(gates: list[str]):
    assert gates_of(path_of(gates)) == tuple(gates)


MAC = {
    "2.0": ("SampleList", "name"),
    "3.0": ("Samples", "nodeName"),
}


@pytest.mark.parametrize("version", MAC)
def test_a_workspace_of_flowjo_9_on_the_mac_gives_its_counts(version: str):
    samples, name = MAC[version]
    data = f"""<?xml version="1.0" encoding="ISO-8859-1"?><!DOCTYPE Workspace>
    <Workspace version="{version}" flowJoVersion="9.7.2" dateSaved="Sunday, December 8, 2013" timeSaved="12:55:21 PM">
     <Groups><GroupNode {name}="T cells"><Group><SampleRefs><SampleRef sampleID="268"/></SampleRefs></Group></GroupNode>
     </Groups><{samples}><Sample sampleID="268"><Keywords><Keyword name="$FIL" value="B01.fcs"/>
     <Keyword name="$TOT" value="10000"/></Keywords><DataSet locationType="MacAlias">0000</DataSet>
     <SampleNode sampleID="268" {name}="B01.fcs" count="10000">
      <Population {name}="Lymphocytes" count="6943"><PolygonGate><Polygon name="Lymphocytes"/></PolygonGate>
       <Statistic {name}="CV" value="3"/>
       <Population {name}="CD3+" count="5000"><PolygonGate><Range/></PolygonGate></Population>
       <Population {name}="CD3+|DR+" count="5200"><BooleanGate specification="G0 | G1"/></Population>
       <Population {name}="CD4+" count="2000"><PolygonGate><PolyRect/></PolygonGate></Population>
      </Population></SampleNode></Sample></{samples}></Workspace>""".encode("latin-1")
    tables = read(data)
    assert tables["cytometry_counts"].select("population_path", "count", "gate_type").rows() == [
        ("", 10000, None),
        ("Lymphocytes", 6943, "polygon"),
        ("Lymphocytes/CD3+", 5000, "rectangle"),
        ("Lymphocytes/CD3+|DR+", 5200, "boolean"),
        ("Lymphocytes/CD4+", 2000, "rectangle"),
    ]
    (row,) = tables["cytometry_samples"].to_dicts()
    assert (row["fcs_name"], row["n_events"], row["batches"]) == ("B01.fcs", 10000, "T cells")
    assert row["software_version"] == "FlowJo 9.7.2"
    assert row["saved_at"] == datetime(2013, 12, 8, 12, 55, 21)


def test_a_moment_nobody_can_read_is_left_out():
    assert read(workspace(Sample("a", 1), saved="yesterday"))["cytometry_samples"]["saved_at"].to_list() == [None]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (workspace(Sample("a", 1), version="21.0"), "workspace.version"),
        (workspace(), "workspace.no_samples"),
        (workspace(Sample("a", 1)).replace(b"SampleNode", b"Node"), "workspace.damaged"),
        (workspace(Sample("a", "many")), "workspace.damaged"),
        (workspace(Sample("a", 9, [Population("A", -2, CD4)])), "workspace.damaged"),
        (workspace(Sample("a", 9, [Population("A", "1.5", CD4)])), "workspace.damaged"),
        (workspace(Sample("a", 9, [Population("", 1, CD4)])), "workspace.damaged"),
        (workspace(Sample("", 9, uri="")), "workspace.damaged"),
    ],
)
def test_what_cannot_be_read_whole_is_refused(data: bytes, code: str):
    assert refusal(data) == code


@given(place=st.integers(0, 2**20), byte=st.binary(min_size=1, max_size=3))
def test_a_reader_raises_nothing_but_its_own_error(place: int, byte: bytes):
    whole = workspace(Sample("a", 100, [Population("A", 5, CD4, [Population("B", 2, CD4)])], {"$TOT": "100"}))
    at = place % len(whole)
    data = whole[:at] + byte + whole[at + len(byte) :]
    try:
        root = document(data)
    except etree.XMLSyntaxError:
        return
    if root.tag != flowjo_workspace.ROOT:
        return
    try:
        found = flowjo_workspace.read(source(data), root, SETTINGS)
    except SourceFileError as refused:
        assert refused.code.startswith("workspace.")
    else:
        CYTOMETRY_COUNTS.conform(found.tables["cytometry_counts"])


FILES = {
    "8_color_ICS_simple.wsp": (3, 15),
    "flowjo_example_3.wsp": (6, 24),
    "simple_diamond_example_quad_gate.wsp": (1, 5),
    "simple_poly_and_rect.wsp": (1, 3),
    "simple_poly_and_rect_v2_poly50.wsp": (1, 3),
    "single_ellipse_51_events.wsp": (1, 2),
    "test_data_diamond_asinh_rect.wsp": (1, 2),
    "test_data_diamond_asinh_rect2.wsp": (1, 2),
    "test_data_diamond_biex_rect.wsp": (1, 2),
}
"""Samples and populations, all events among them."""


@needs_shared
@pytest.mark.parametrize("name", FILES)
def test_every_count_of_a_real_workspace_is_the_one_its_xml_holds(name: str):
    data = (REAL / name).read_bytes()
    tables = read(data, name)
    told = tables["cytometry_counts"]
    assert (tables["cytometry_samples"].height, told.height) == FILES[name]
    # Read apart from the reader: another parser, and every node of the samples with a count in document order.
    nodes = [
        int(node.get("count"))
        for sample in ElementTree.fromstring(data).find("SampleList")
        for node in sample.iter()
        if node.tag in ("SampleNode", "Population", "AndNode", "OrNode", "NotNode")
    ]
    assert told["count"].fill_null(-1).to_list() == nodes
    assert told.filter(pl.col("count").is_null())["status"].unique().to_list() in ([], ["never_computed"])


@needs_shared
def test_the_counts_of_the_ics_workspace_are_those_flowjo_shows():
    found = counts((REAL / "8_color_ICS_simple.wsp").read_bytes())
    assert found == {
        "": ("counted", 283969),
        "Time": ("counted", 283968),
        "Time/Singlets": ("counted", 237375),
        "Time/Singlets/aAmine-": ("counted", 162117),
        "Time/Singlets/aAmine-/CD3+": ("counted", 132388),
    }


@pytest.mark.parametrize("end", [-1, 800, 1200])
def test_a_workspace_cut_short_is_told_as_one(end: int):
    whole = workspace(Sample("a", 9, [Population("A", 5, CD4)], {f"$P{n}N": "FSC-A" for n in range(20)}))
    with pytest.raises(SourceFileError) as refused:
        registry.read(source(whole[:end], "w.wsp"), SETTINGS)
    assert refused.value.code == "workspace.damaged"
    assert registry.read(source(whole, "w.wsp"), SETTINGS).format == flowjo_workspace.FORMAT


@needs_shared
def test_a_real_workspace_cut_anywhere_is_told_as_one():
    data = (REAL / "simple_poly_and_rect.wsp").read_bytes()
    for end in range(1500, len(data) - 20, 1571):
        with pytest.raises(SourceFileError) as refused:
            registry.read(source(data[:end], "w.wsp"), SETTINGS)
        assert refused.value.code == "workspace.damaged"
