"""Counting again: what gates of workspaces and of Gating-ML hold, and what cannot be applied."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from flows.gating import tube_of
from tests.drawing import SHARED, needs_shared
from tests.drawn_exports import source
from tests.drawn_workspaces import (
    LINEAR,
    LOGICLE,
    MILTENYI,
    Population,
    Sample,
    ellipsoid_of_flowjo,
    fcs,
    polygon,
    rectangle,
    spillover,
    workspace,
)
from tests.gated_grid import FLAT, LOW, gated, tube
from transforms.fcs.data_sets import open_fcs
from transforms.fcs.spillover import Spillover
from transforms.gating import counted_again, document, engine, plan_of

REAL = SHARED / "real/cytometry/workspace"


def test_a_rectangle_holds_its_lower_edge_and_not_its_upper_one():
    box = rectangle({"A": (2, 4), "B": (None, 3)})
    assert gated(workspace(Sample("a", 100, [Population("box", 0, box)]))) == {"box": 6}


def test_a_gate_holds_events_of_the_population_it_lies_in_only():
    inside = [Population("flat", 0, FLAT, [Population("edge", 0, rectangle({"A": (4, None)}))])]
    assert gated(workspace(Sample("a", 100, [Population("low", 0, LOW, inside)]))) == {
        "low": 50,
        "low/flat": 10,
        "low/flat/edge": 2,
    }


def test_a_polygon_holds_what_is_inside_it():
    triangle = polygon("A", "B", [(-0.5, -0.5), (4.75, -0.5), (-0.5, 4.75)])
    # Whole numbers from 0 with a + b < 4.25: 5 + 4 + 3 + 2 + 1.
    assert gated(workspace(Sample("a", 100, [Population("corner", 0, triangle)]))) == {"corner": 15}


def test_events_outside_are_meant_where_the_workspace_says_so():
    outside = rectangle({"A": (None, 3)}, 'eventsInside="0"')
    assert gated(workspace(Sample("a", 100, [Population("rest", 0, outside)]))) == {"rest": 70}


def test_an_ellipse_of_flowjo_is_drawn_on_its_display_of_256_bins():
    # Centre (131072, 131072), half axes 40 and 28.57 bins of 1024.
    along = [131072 + 1024 * bins for bins in (-41, -39, 0, 39, 41)]
    events = tube({"A": along, "B": [131072.0] * 5})
    one = Sample("a", 5, [Population("cells", 0, ellipsoid_of_flowjo("A", "B"))], scales={"A": LINEAR, "B": LINEAR})
    assert gated(workspace(one), events) == {"cells": 3}
    assert gated(workspace(Sample("a", 5, [Population("cells", 0, ellipsoid_of_flowjo("A", "B"))])), events) == {
        "cells": "gating.unsupported"
    }, "without its scale nobody knows where it lies"


def test_booleans_hold_what_their_populations_hold_within_their_parent():
    inside = [
        Population("not flat", 0, node="NotNode", of=["low/flat"]),
        Population("flat", 0, FLAT),
        Population("edge", 0, rectangle({"A": (4, None)})),
        Population("both", 0, node="AndNode", of=["low/flat", "low/edge"]),
        Population(
            "either",
            0,
            node="OrNode",
            of=["low/flat", "high"],
            inside=[Population("edge", 0, rectangle({"A": (4, None)}))],
        ),
    ]
    data = workspace(
        Sample("a", 100, [Population("low", 0, LOW, inside), Population("high", 0, rectangle({"B": (8, None)}))])
    )
    assert gated(data) == {
        "low": 50,
        "low/flat": 10,
        "low/edge": 10,
        "low/both": 2,
        "low/either": 20,
        "low/either/edge": 4,
        "low/not flat": 40,
        "high": 20,
    }


def test_a_boolean_finds_a_population_whose_name_holds_a_slash():
    inside = [Population("S/Lv", 0, LOW), Population("rest", 0, node="NotNode", of=["S/Lv"])]
    assert gated(workspace(Sample("a", 100, inside))) == {r"S\/Lv": 50, "rest": 50}


def test_a_boolean_of_itself_or_of_nothing_that_is_there_cannot_be_applied():
    inside = [
        Population("low", 0, LOW),
        Population("A", 0, node="AndNode", of=["low", "B"]),
        Population("B", 0, node="NotNode", of=["A"]),
        Population("lost", 0, node="OrNode", of=["low", "no such"]),
        Population("empty", 0, node="OrNode"),
    ]
    found = gated(workspace(Sample("a", 100, inside)))
    assert found.pop("low") == 50
    assert set(found.values()) == {"gating.unsupported"}


def test_one_gate_that_cannot_be_applied_takes_only_what_rests_on_it():
    bad = "<gating:SpiderGate><gating:leg/></gating:SpiderGate>"
    inside = [
        Population("low", 0, LOW, [Population("flat", 0, FLAT)]),
        Population("spider", 0, bad, [Population("flat", 0, FLAT)]),
        Population("rest", 0, node="NotNode", of=["spider"]),
        Population("broken", 0, "<gating:PolygonGate/>"),
        Population("line", 0, polygon("A", "B", [(0, 0), (9, 9)])),
        Population("boundless", 0, "<gating:RectangleGate/>"),
        Population("no gate", 0),
    ]
    assert gated(workspace(Sample("a", 100, inside))) == {
        "low": 50,
        "low/flat": 10,
        "spider": "gating.unsupported",
        "spider/flat": "gating.unsupported",
        "rest": "gating.unsupported",
        "broken": "gating.unsupported",
        "line": "gating.unsupported",
        "boundless": "gating.unsupported",
        "no gate": "gating.unsupported",
    }


def test_a_gate_on_a_channel_the_file_does_not_have_says_so():
    inside = [Population("C", 0, rectangle({"C": (0, 1)}), [Population("low", 0, LOW)]), Population("low", 0, LOW)]
    assert gated(workspace(Sample("a", 100, inside))) == {
        "C": "gating.channel_missing",
        "C/low": "gating.channel_missing",
        "low": 50,
    }


def test_channels_go_by_stain_and_as_flowjo_spells_them_too():
    events = tube({"FITC/A": [1, 2, 3], "V450-A": [1, 2, 3]}, ["", "CD4"])
    inside = [Population("x", 0, rectangle({"FITC_A": (2, None)})), Population("y", 0, rectangle({"CD4": (3, None)}))]
    assert gated(workspace(Sample("a", 3, inside)), events) == {"x": 2, "y": 1}


def test_a_scale_nobody_can_compute_spoils_polygons_and_not_rectangles():
    square = polygon("A", "B", [(-1, -1), (4.5, -1), (4.5, 9.5), (-1, 9.5)])
    inside = [Population("low", 0, LOW), Population("square", 0, square)]
    one = Sample("a", 100, inside, scales={"A": MILTENYI, "B": LINEAR})
    assert gated(workspace(one)) == {"low": 50, "square": "gating.unsupported"}


def test_channels_are_compensated_by_the_workspaces_matrix_where_the_gate_names_the_compensated_one():
    # True (A, B) of (100, 0) and (0, 100), with half of A's dye in B: observed (100, 50) and (0, 100).
    events = tube({"A": [100, 0], "B": [50, 100]})
    inside = [
        Population("compensated", 0, rectangle({"Comp-B": (None, 10)})),
        Population("as measured", 0, rectangle({"B": (40, 60)})),
        Population("never", 0, rectangle({"B": (None, 10)})),
    ]
    one = Sample("a", 2, inside, matrix=spillover(["A", "B"], [[1, 0.5], [0, 1]]))
    assert gated(workspace(one), events) == {"compensated": 1, "as measured": 1, "never": 0}


def test_a_matrix_named_without_its_numbers_is_the_files_own():
    own = Spillover(("A", "B"), np.array([[1, 0.5], [0, 1]]))
    events = tube({"A": [100, 0], "B": [50, 100]}, own=own)
    bare = '<transforms:spilloverMatrix prefix="Comp-" suffix="" name="Acquisition-defined"/>'
    one = Sample("a", 2, [Population("x", 0, rectangle({"Comp-B": (None, 10)}))], matrix=bare)
    assert gated(workspace(one), events) == {"x": 1}


def test_a_matrix_over_channels_the_file_does_not_have_says_so():
    one = Sample(
        "a",
        100,
        [Population("x", 0, rectangle({"Comp-A": (None, 5)})), Population("low", 0, LOW)],
        matrix=spillover(["A", "C"], [[1, 0], [0, 1]]),
    )
    assert gated(workspace(one)) == {"x": "gating.channel_missing", "low": 50}


def test_a_tube_without_events_has_none_in_any_gate():
    triangle = polygon("A", "B", [(0, 0), (9, 0), (0, 9)])
    inside = [Population("p", 0, triangle), Population("not p", 0, node="NotNode", of=["p"])]
    assert gated(workspace(Sample("a", 0, inside)), tube({"A": [], "B": []})) == {"p": 0, "not p": 0}


def test_gates_of_workspaces_before_flowjo_10_are_not_applied():
    data = workspace(Sample("a", 100, [Population("low", 5, LOW)]), version="2.0")
    assert gated(data) == {"low": "gating.unsupported"}


def test_samples_of_a_workspace_keep_their_own_gates():
    data = workspace(Sample("a", 100, [Population("x", 0, LOW)]), Sample("b", 100, [Population("x", 0, FLAT)]))
    assert (gated(data, sample=1), gated(data, sample=2)) == ({"x": 50}, {"x": 20})


def _flowkit_alone(data: bytes, events: bytes, folder: Path) -> dict[str, int]:
    import flowkit

    (folder / "w.wsp").write_bytes(data)
    (folder / "a.fcs").write_bytes(events)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sample = flowkit.Sample(folder / "a.fcs", sample_id="a.fcs")
        told = flowkit.Workspace(str(folder / "w.wsp"), fcs_samples=[sample])
        told.analyze_samples(sample_id="a.fcs", use_mp=False)
        report = told.get_gating_results("a.fcs").report
    names = ["/".join((*path, gate))[5:] for path, gate in zip(report["gate_path"], report["gate_name"], strict=True)]
    return dict(zip(names, report["count"].astype(int), strict=True))


@hypothesis_settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_counts_are_those_of_flowkit_alone(seed: int, tmp_path_factory: pytest.TempPathFactory):
    draw = np.random.default_rng(seed)
    names = ("FSC-A", "B1-A", "B2-A", "B3-A")
    channels = {name: draw.normal(draw.uniform(0, 9000), 4000, 500) for name in names}
    matrix = np.eye(3) + draw.uniform(0, 0.2, (3, 3))

    def corners() -> list[tuple[float, float]]:
        return [tuple(point) for point in draw.uniform(-3000, 15000, (draw.integers(3, 8), 2))]

    def bounds() -> tuple[float, float]:
        low = draw.uniform(-3000, 6000)
        return low, low + draw.uniform(0, 9000)

    both = Population("both", None, node="AndNode", of=["cells/B1", "cells/B2"])
    inside = [
        Population(
            "B1",
            None,
            rectangle({"Comp-B1-A": bounds()}),
            [Population("B3", None, polygon("Comp-B3-A", "FSC-A", corners()))],
        ),
        Population("B2", None, polygon("Comp-B2-A", "Comp-B3-A", corners())),
        both,
    ]
    scales = {"FSC-A": LINEAR} | {f"{prefix}{name}": LOGICLE for prefix in ("", "Comp-") for name in names[1:]}
    one = Sample(
        "a.fcs",
        None,
        [Population("cells", None, polygon("FSC-A", "Comp-B1-A", corners()), inside)],
        scales=scales,
        matrix=spillover(names[1:], matrix.tolist()),
    )
    data, events = workspace(one, groups={"All Samples": [1]}), fcs(channels)
    ours = gated(data, tube_of(open_fcs(source(events, "a.fcs"))[0]))
    assert ours == _flowkit_alone(data, events, tmp_path_factory.mktemp("flowkit"))


def test_the_engine_names_the_library_and_its_version():
    name, number = engine().split(", ")[0].split(" ")
    assert name == "FlowKit"
    assert number[0].isdigit()


STORED_IS_REGATED = {
    "simple_diamond_example_quad_gate.wsp": [200000, 49671, 50596, 50330, 49403],
    "test_data_diamond_asinh_rect.wsp": [200000, 50559],
    "test_data_diamond_asinh_rect2.wsp": [200000, 50699],
    "test_data_diamond_biex_rect.wsp": [200000, 50605],
    "single_ellipse_51_events.wsp": [100, 51],
}
OTHERWISE = {"simple_poly_and_rect.wsp": [100, 0, 0], "simple_poly_and_rect_v2_poly50.wsp": [100, 50, 0]}
"""FlowJo stores -1 and -1 in the first, 0 and 0 in the second."""


@needs_shared
@pytest.mark.parametrize("name", [*STORED_IS_REGATED, *OTHERWISE])
def test_real_workspaces_counted_again(name: str):
    events = "test_data_diamond_01.fcs" if "diamond" in name else "data_set_simple_line_100.fcs"
    data_set = open_fcs(source((REAL / events).read_bytes(), events))[0]
    told = counted_again(plan_of(document((REAL / name).read_bytes()), 1), tube_of(data_set))
    assert told["count_regated"].to_list() == (STORED_IS_REGATED | OTHERWISE)[name]
    assert told["reason"].is_null().all()


@needs_shared
@pytest.mark.parametrize("name", ["8_color_ICS_simple.wsp", "flowjo_example_3.wsp"])
def test_gates_of_real_workspaces_without_their_files_can_be_read(name: str):
    plan = plan_of(document((REAL / name).read_bytes()), 1)
    assert [one.reason for one in plan.populations] == [None] * len(plan.populations)
    assert pl.Series([one.gate_type for one in plan.populations]).is_not_null().all()
