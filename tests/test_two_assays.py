"""Persistence of responses by ELISpot and by cytometry in one table: neither knows of the other."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from expectations.computed import PERSISTENCE, PERSISTENCE_AT_LANDMARK, PERSISTENCE_BY_SUBJECT
from expectations.study_cytometry import MULTIMER
from tests.drawn_series import MULTIMERS, drawn_responses, in_cytometry, outcomes_of, products_of, study, visits_of
from transforms.landmarks import persistence_at_landmark
from transforms.persistence import persistence
from transforms.persistence_by_subject import persistence_by_subject
from transforms.response_series import every_series

P = outcomes_of({"P": (None, 999)})
STUDY = study(cytometry=MULTIMERS)
KEYS = (PERSISTENCE.key, PERSISTENCE_AT_LANDMARK.key, PERSISTENCE_BY_SUBJECT.key)


def tables(responses: pl.DataFrame, visits: pl.DataFrame | None = None) -> tuple[pl.DataFrame, ...]:
    """PERSISTENCE, PERSISTENCE_AT_LANDMARK and PERSISTENCE_BY_SUBJECT of subject P."""
    samples = responses, visits_of(responses) if visits is None else visits, P
    whole, at_landmark = persistence(*samples, products_of(P), STUDY), persistence_at_landmark(*samples, STUDY)
    return whole, at_landmark, persistence_by_subject(at_landmark, whole, P, STUDY)


def multimers(drawing: str) -> pl.DataFrame:
    """Multimer responses of antigen A."""
    responses = in_cytometry(drawn_responses({("P", "A"): drawing}), readout=MULTIMER)
    return responses.with_columns(rule=pl.lit("multimer_events"))


def test_the_same_specimens_read_by_two_assays_give_each_its_own_persistence():
    elispot = drawn_responses({("P", "A"): "-7:- 30:+ 90:+", ("P", "B"): "-7:- 90:-"})
    cytometry = in_cytometry(drawn_responses({("P", "A"): "-7:+ 30:- 90:-", ("P", "B"): "-7:- 90:-"}))
    whole, at_landmark, by_subject = tables(pl.concat([elispot, cytometry]), visits_of(elispot))
    of_a = whole.filter(antigen="A").sort("assay")
    assert of_a.select("assay", "population", "readout", "rule", "origin", "peak_value").rows() == [
        ("cytometry", "CD8", "IFNg", "fisher", "lost", 0.001),
        ("elispot", "all cells", "IFNg", "dfr_eq", "induced", 100.0),
    ]
    assert of_a["persistence_key"].to_list() == ["P/A/CD8/IFNg/fisher", "P/A/IFNg/dfr_eq"]
    assert at_landmark.filter(antigen="A").sort("assay")["persistent"].to_list() == [False, True]
    assert by_subject.sort("assay").select("persistent", "n_antigens_declared", "sum_net_value").rows() == [
        (False, 2, pytest.approx(0.002)), (True, 2, 101.0),
    ]  # fmt: skip


def test_the_product_of_one_assay_says_nothing_of_the_other():
    blood = drawn_responses({("P", "A"): "30:+"})
    products = [
        drawn_responses({("P", "A"): f"-1:{call}"}).with_columns(
            material=pl.lit("infusion_product"), specimen_id=pl.lit("TIL")
        )
        for call in "+-"
    ]
    both = pl.concat([blood, in_cytometry(blood), products[0], in_cytometry(products[1])])
    visits = visits_of(pl.concat([blood, products[0]]))
    whole = tables(both, visits)[0].filter(antigen="A")
    assert dict(whole.select("assay", "in_product").rows()) == {"elispot": True, "cytometry": False}


def test_only_series_that_occur_have_rows():
    responses = pl.concat(
        [
            drawn_responses({("P", "A"): "30:+"}),
            in_cytometry(drawn_responses({("P", "A"): "30:+"})),
            in_cytometry(drawn_responses({("P", "B"): "30:+"}), population="CD4"),
            multimers("30:+"),
        ]
    )
    series = every_series(responses, P, STUDY)
    assert set(series.select("assay", "population", "readout", "rule", "antigen").rows()) == {
        *(("elispot", "all cells", "IFNg", "dfr_eq", antigen) for antigen in ("A", "B", "CMV")),
        *(("cytometry", cells, "IFNg", "fisher", a) for cells in ("CD8", "CD4") for a in ("A", "B", "CMV")),
        ("cytometry", "CD8", MULTIMER, "multimer_events", "A"),
    }


def test_a_multimer_that_does_not_exist_cannot_be_missing():
    (row,) = tables(multimers("-7:- 90:-"))[2].to_dicts()
    assert (row["persistent"], row["reason"], row["n_antigens_declared"]) == (False, None, 1)


SERIES = st.dictionaries(
    st.tuples(st.just("P"), st.sampled_from(["A", "B", "CMV"])),
    st.dictionaries(st.integers(-30, 200), st.sampled_from("+-?0"), min_size=1, max_size=5).map(
        lambda samples: " ".join(f"{day}:{call}" for day, call in samples.items())
    ),
    min_size=1,
)


@settings(deadline=None, max_examples=40)
@given(SERIES, SERIES, SERIES)
def test_rows_of_one_assay_never_move_those_of_another(elispot, cd8, cd4):
    parts = [
        drawn_responses(elispot),
        in_cytometry(drawn_responses(cd8)),
        in_cytometry(drawn_responses(cd4), population="CD4"),
    ]
    visits = visits_of(pl.concat(parts))
    together = tables(pl.concat(parts), visits)
    alone = [tables(part, visits) for part in parts]
    for table, apart, key in zip(together, zip(*alone, strict=True), KEYS, strict=True):
        assert_frame_equal(table, pl.concat(apart).sort(key), check_exact=True)
