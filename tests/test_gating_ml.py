"""Gating-ML 2.0 files as they come in: a sample without counts, or a typed refusal."""

from __future__ import annotations

import pytest

from expectations.errors import SourceFileError
from tests.drawing import SHARED, needs_shared
from tests.drawn_exports import SETTINGS, source
from tests.drawn_workspaces import boolean, gating_ml, named, rectangle
from transforms.gating import document
from transforms.readers import gating_ml as reader
from transforms.readers import registry

LOW = rectangle({"A": (None, 5)}, named("low"))


def test_a_file_of_gates_is_one_sample_of_its_name_without_counts():
    data = gating_ml(LOW, rectangle({"B": (0, 2)}, named("flat", "low")))
    tables = reader.read(source(data, "plate 3/panel A.xml"), document(data), SETTINGS).tables
    (row,) = tables["cytometry_samples"].to_dicts()
    assert (row["sample_number"], row["sample_name"], row["source"]) == (1, "panel A.xml", "gating_ml")
    assert (row["batches"], row["n_events"]) == ("plate 3", None)
    assert tables["cytometry_counts"].height == 0


@pytest.mark.parametrize(
    "data",
    [
        gating_ml(),
        gating_ml(rectangle({"A": (None, 5)})),
        gating_ml(LOW, LOW),
        gating_ml(rectangle({"A": (None, 5)}, named("x", "no such"))),
        gating_ml(LOW, boolean("and", ["low", "no such"], named("x"))),
        gating_ml(rectangle({"A": ("five", None)}, named("x"))),
        gating_ml(LOW).replace(b"v2.0/gating", b"v1.5/gating"),
    ],
    ids=["no gate", "no name", "name twice", "parent lost", "reference lost", "no number", "version 1.5"],
)
def test_a_file_whose_gates_cannot_be_read_is_refused(data: bytes):
    with pytest.raises(SourceFileError) as refused:
        reader.read(source(data, "g.xml"), document(data), SETTINGS)
    assert refused.value.code == "gating.damaged"


def test_a_file_of_gates_cut_short_is_told_as_one():
    data = gating_ml(LOW)
    with pytest.raises(SourceFileError) as refused:
        registry.read(source(data[:-30], "g.xml"), SETTINGS)
    assert refused.value.code == "gating.damaged"
    assert registry.read(source(data, "g.xml"), SETTINGS).format == reader.FORMAT


@needs_shared
def test_a_labkey_script_draws_gates_and_has_no_counts():
    data = (SHARED / "real/cytometry/ics_study/quv-analysis.xml").read_bytes()
    with pytest.raises(SourceFileError) as refused:
        registry.read(source(data, "quv-analysis.xml"), SETTINGS)
    assert refused.value.code == "gating.no_counts"
