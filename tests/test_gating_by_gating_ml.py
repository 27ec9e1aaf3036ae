"""What gates of Gating-ML hold, and what cannot be applied."""

from __future__ import annotations

import numpy as np

from tests.drawn_workspaces import boolean, gating_ml, named, polygon, rectangle
from tests.gated_grid import gated, tube
from transforms.fcs.spillover import Spillover

CHANNEL_A, CHANNEL_B = (
    '<gating:dimension gating:compensation-ref="uncompensated">'
    f'<data-type:fcs-dimension data-type:name="{name}"/></gating:dimension>'
    for name in "AB"
)
ML = gating_ml(
    rectangle({"A": (None, 5)}, named("low")),
    rectangle({"B": (0, 2)}, named("flat", "low")),
    boolean("not", ["flat"], named("rest", "low")),
    boolean("and", ["low", "Q2"], named("both")),
    f"""<gating:QuadrantGate {named("Q")}>
      <gating:divider gating:id="a" gating:compensation-ref="uncompensated">
      <data-type:fcs-dimension data-type:name="A"/>
      <gating:value>3</gating:value></gating:divider>
      <gating:divider gating:id="b" gating:compensation-ref="uncompensated">
      <data-type:fcs-dimension data-type:name="B"/>
      <gating:value>8</gating:value></gating:divider>
      <gating:Quadrant gating:id="Q1"><gating:position gating:divider_ref="a" gating:location="1"/>
      <gating:position gating:divider_ref="b" gating:location="9"/></gating:Quadrant>
      <gating:Quadrant gating:id="Q2"><gating:position gating:divider_ref="a" gating:location="4"/></gating:Quadrant>
    </gating:QuadrantGate>""",
    rectangle({"B": (5, None)}, named("upper", "Q1")),
    f"""<gating:EllipsoidGate {named("circle")}>
      {CHANNEL_A}
      {CHANNEL_B}
      <gating:mean><gating:coordinate data-type:value="4"/><gating:coordinate data-type:value="4"/></gating:mean>
      <gating:covarianceMatrix>
      <gating:row><gating:entry data-type:value="1"/><gating:entry data-type:value="0"/></gating:row>
      <gating:row><gating:entry data-type:value="0"/><gating:entry data-type:value="1"/></gating:row>
      </gating:covarianceMatrix>
      <gating:distanceSquare data-type:value="2.5"/></gating:EllipsoidGate>""",
    polygon("A", "C", [(0, 0), (9, 0), (0, 9)], named("nowhere")),
)
COUNTED = {
    "low": 50,
    "low/flat": 10,
    "low/rest": 40,
    "both": 20,
    "Q/Q1": 6,
    "Q/Q2": 70,
    "Q/Q1/upper": 6,
    "circle": 9,
    "nowhere": "gating.channel_missing",
}


def test_gates_of_gating_ml_hold_what_the_standard_says():
    assert gated(ML) == COUNTED


def test_prefixes_of_gating_ml_are_the_files_own_matter():
    other = ML.replace(b"gating:", b"g:").replace(b"xmlns:gating", b"xmlns:g")
    assert b"<g:RectangleGate" in other
    assert gated(other) == COUNTED


def test_gating_ml_compensates_by_the_files_own_matrix_where_it_says_fcs():
    gate = rectangle({"B": (None, 10)}, named("x")).replace(
        "<gating:dimension", '<gating:dimension gating:compensation-ref="FCS"'
    )
    events = {"A": [100.0, 0.0], "B": [50.0, 100.0]}
    own = Spillover(("A", "B"), np.array([[1, 0.5], [0, 1]]))
    assert gated(gating_ml(gate), tube(events, own=own)) == {"x": 1}
    assert gated(gating_ml(gate), tube(events)) == {"x": 0}, "a file without a matrix is taken as it is"


def test_a_ratio_of_gating_ml_is_a_dimension_like_any_other():
    ratio = (
        '<transforms:transformation transforms:id="r"><transforms:fratio transforms:A="1" transforms:B="0" '
        'transforms:C="0"><data-type:fcs-dimension data-type:name="A"/><data-type:fcs-dimension data-type:name="B"/>'
        "</transforms:fratio></transforms:transformation>"
    )
    gate = (
        f'<gating:RectangleGate {named("x")}><gating:dimension gating:compensation-ref="uncompensated" gating:min="2">'
        '<data-type:new-dimension data-type:transformation-ref="r"/></gating:dimension></gating:RectangleGate>'
    )
    assert gated(gating_ml(ratio, gate), tube({"A": [1.0, 4.0, 9.0], "B": [1.0, 2.0, 3.0]})) == {"x": 2}


def test_a_scale_gating_ml_does_not_define_spoils_the_gates_on_it_only():
    bad = rectangle({"A": (0, 5)}, named("x")).replace(
        "<gating:dimension", '<gating:dimension gating:transformation-ref="no"'
    )
    assert gated(gating_ml(bad, rectangle({"A": (None, 5)}, named("low")))) == {"x": "gating.unsupported", "low": 50}


def test_gates_of_gating_ml_that_lie_in_each_other_cannot_be_applied():
    data = gating_ml(
        rectangle({"A": (None, 5)}, named("x", "y")),
        rectangle({"A": (None, 5)}, named("y", "x")),
        rectangle({"A": (None, 5)}, named("low")),
    )
    assert gated(data) == {"x": "gating.unsupported", "y": "gating.unsupported", "low": 50}
