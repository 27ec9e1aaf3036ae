"""Matrix pools: candidates at the intersections of positive pools, and what every other call leaves of a peptide."""

from __future__ import annotations

import re
from html import unescape

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.computed import POOL_CANDIDATES, RESPONSES
from expectations.ingested import PEPTIDE_POOLS
from expectations.study_file import parse_study
from tests.drawing import table
from tests.mini_study import STUDY
from tests.published_sample import publish, view
from tests.published_sample_pools import CONTRADICTED, pool_tables
from transforms.pools import pool_candidates
from warehouse.reports import study_page

POOLS = ("A", "B", "C", "1", "2", "3")
SETTINGS = parse_study(
    (
        STUDY + "".join(f'\n[[antigens]]\nname = "{p}"\nrole = "tumour"\naliases = ["pool {p}"]\n' for p in POOLS)
    ).encode()
)
GRID = [(pool, row + column) for row in "ABC" for column in "123" for pool in (row, column)]
"""Nine peptides A1 to C3, each in the pool of its row and that of its column."""


def design(pairs: list[tuple[str, str]]) -> pl.DataFrame:
    frame = pl.DataFrame(pairs, schema={"pool": pl.String, "peptide": pl.String}, orient="row")
    return PEPTIDE_POOLS.conform(
        frame.with_columns(pl.lit(None).alias("protein"), pl.lit("f").alias("file_sha256"), pl.lit("x").alias("place"))
    )


def measured(drawing: str, **constants: object) -> pl.DataFrame:
    """Responses of one blood specimen under one rule, unless the drawing says otherwise."""
    given_columns = drawing.strip().splitlines()[0].replace(" ", "").split("|")
    whole = {
        "specimen_id": "P1-B",
        "subject_id": "P1",
        "study_day": 90,
        "visit": "day 90",
        "plate_id": "PL",
        "assay": "elispot",
        "population": "all cells",
        "readout": "IFNg",
        "rule": "dfr_eq",
        "is_primary_rule": True,
        "is_reported": True,
    }
    missing = {name: value for name, value in whole.items() if name not in given_columns}
    return table(drawing, RESPONSES, **(missing | constants))


def grid_of(**calls: str) -> pl.DataFrame:
    """One specimen tested against the six pools; a pool is negative unless named (rows A to C, columns c1 to c3)."""
    named = {name.removeprefix("c"): call for name, call in calls.items()}
    lines = [f"{pool} | {named.get(pool, 'negative')} | 1" for pool in POOLS if named.get(pool) != "not_tested"]
    return measured("\n".join(["antigen | call | net_value", *lines]))


def found(responses: pl.DataFrame, pairs: list[tuple[str, str]]) -> pl.DataFrame:
    return pool_candidates(responses, design(pairs), SETTINGS)


def by_status(frame: pl.DataFrame, status: str) -> list[str]:
    return frame.filter(pl.col("status") == status)["peptide"].to_list()


# --- Which peptides -----------------------------------------------------------------------------------------------


def test_one_recognised_peptide_is_the_one_candidate_of_a_grid():
    grid = found(grid_of(B="positive", c2="positive"), GRID)
    assert by_status(grid, "candidate") == ["B2"]
    assert len(by_status(grid, "excluded")) == 8


def test_two_recognised_peptides_of_other_rows_and_columns_leave_four_candidates_that_cannot_be_told_apart():
    grid = found(grid_of(A="positive", B="positive", c1="positive", c2="positive"), GRID)
    four = grid.filter(pl.col("status") == "candidate")
    assert four["peptide"].to_list() == ["A1", "A2", "B1", "B2"]
    assert four["n_rivals"].to_list() == [1, 1, 1, 1]


def test_two_recognised_peptides_of_one_row_are_each_told_by_their_column():
    grid = found(grid_of(A="positive", c1="positive", c3="positive"), GRID)
    pair = grid.filter(pl.col("status") == "candidate")
    # Row A holds both, columns 1 and 3 one of them each.
    assert pair.select("peptide", "n_rivals").rows() == [("A1", 0), ("A3", 0)]


@pytest.mark.parametrize("call", ["indeterminate", "not_evaluable", "not_tested"])
def test_a_pool_without_a_call_leaves_its_peptides_open_unless_another_pool_excludes_them(call):
    grid = found(grid_of(A="positive", c1="positive", c2=call), GRID)
    assert by_status(grid, "candidate") == ["A1"]
    assert by_status(grid, "open") == ["A2"]
    assert by_status(grid, "excluded") == ["A3", "B1", "B2", "B3", "C1", "C2", "C3"]


def test_an_open_peptide_is_a_rival_of_the_candidate_it_shares_a_pool_with():
    # Column 1 leaves only A1; in row A the open A2 may be what is recognised.
    grid = found(grid_of(A="positive", c1="positive", c2="not_evaluable"), GRID)
    told = grid.filter(pl.col("status") != "excluded").select("peptide", "n_pools_positive", "n_rivals")
    assert told.rows() == [("A1", 2, 0), ("A2", 1, 1)]


def test_a_peptide_in_three_pools_is_a_candidate_only_where_all_three_are_positive():
    pairs = [*[(pool, "x") for pool in ("A", "B", "C")], *[(pool, "y") for pool in ("A", "B", "1")]]
    three = found(grid_of(A="positive", B="positive", C="positive"), pairs)
    assert three.select("peptide", "status", "n_pools", "n_pools_positive", "n_pools_negative").rows() == [
        ("x", "candidate", 3, 3, 0),
        ("y", "excluded", 3, 2, 1),
    ]
    # x stands alone in C, and y is excluded.
    assert three["n_rivals"].to_list() == [0, None]


def test_a_peptide_in_a_single_positive_pool_stays_open():
    single = found(grid_of(A="positive"), [("A", "x")])
    assert single.select("status", "n_pools", "n_pools_positive", "n_rivals").rows() == [("open", 1, 1, 0)]


def test_a_peptide_in_a_single_negative_pool_is_excluded():
    assert by_status(found(grid_of(), [("A", "x")]), "excluded") == ["x"]


# --- Their evidence -----------------------------------------------------------------------------------------------


def test_the_evidence_names_every_pool_with_its_call_and_net_value_positive_ones_first():
    pairs = [(pool, "x") for pool in POOLS[:5]]
    responses = measured("""
        antigen | call          | net_value | net_lower | net_upper
        C       | positive      | 212.46    | 212.46    | 212.46
        1       | positive      | 3000      | 3000      |
        A       | negative      | -1.5      | -1.5      | -1.5
        B       | not_evaluable |           |           |
    """)
    (row,) = found(responses, pairs).iter_rows(named=True)
    told = "1 positive (≥3000.0); C positive (212.5); A negative (-1.5); B not evaluable; 2 not tested"
    assert row["pools"] == told
    assert row["lowest_net_value"] == 212.46
    assert (row["status"], row["n_rivals"]) == ("excluded", None)


def test_a_net_value_that_is_an_upper_bound_is_marked_so():
    responses = measured("antigen | call | net_value | net_lower | net_upper\nA | negative | 4 | | 4")
    assert found(responses, [("A", "x")])["pools"].to_list() == ["A negative (≤4.0)"]


def test_no_positive_pool_gives_no_lowest_value():
    grid = found(grid_of(), GRID)
    assert grid["lowest_net_value"].null_count() == grid["n_rivals"].null_count() == 9


# --- Which rows ---------------------------------------------------------------------------------------------------


def test_only_the_reported_plate_of_a_specimen_counts():
    responses = measured("""
        antigen | plate_id | is_reported | call     | net_value
        A       | old      | false       | negative | 1
        A       | new      | true        | positive | 300
        1       | old      | true        | positive | 250
    """)
    (row,) = found(responses, [("A", "x"), ("1", "x")]).iter_rows(named=True)
    assert (row["status"], row["n_pools_negative"], row["lowest_net_value"]) == ("candidate", 0, 250)


def test_specimens_readouts_and_rules_are_judged_each_for_itself():
    responses = measured("""
        specimen_id | subject_id | readout | rule      | is_primary_rule | antigen | call
        P1-TIL      | P1         | IFNg    | dfr_eq    | true            | A       | positive
        P1-TIL      | P1         | IFNg    | dfr_eq    | true            | 1       | positive
        P1-TIL      | P1         | IFNg    | threshold | false           | A       | positive
        P1-TIL      | P1         | IFNg    | threshold | false           | 1       | negative
        P1-TIL      | P1         | GzB     | dfr_eq    | true            | A       | positive
        P2-B        | P2         | IFNg    | dfr_eq    | true            | 1       | positive
    """)
    rows = found(responses, [("A", "x"), ("1", "x")])
    assert rows.select("specimen_id", "readout", "rule", "is_primary_rule", "status", "n_pools").rows() == [
        ("P1-TIL", "GzB", "dfr_eq", True, "open", 2),
        ("P1-TIL", "IFNg", "dfr_eq", True, "candidate", 2),
        ("P1-TIL", "IFNg", "threshold", False, "excluded", 2),
        ("P2-B", "IFNg", "dfr_eq", True, "open", 2),
    ]


def test_assays_and_populations_with_the_same_readout_are_judged_each_for_itself():
    responses = measured("""
        assay     | population | rule   | antigen | call     | net_value | net_lower | net_upper
        elispot   | all cells  | dfr_eq | A       | positive | 212.54    | 212.54    | 212.54
        elispot   | all cells  | dfr_eq | 1       | negative | 1         | 1         | 1
        cytometry | CD8        | fisher | A       | positive | 0.0525    | 0.0525    | 0.0525
        cytometry | CD8        | fisher | 1       | positive | 0.07      | 0.07      | 0.07
        cytometry | CD4        | fisher | A       | negative | 0.001     | 0.001     | 0.001
        cytometry | CD4        | fisher | 1       | positive | 0.07      | 0.07      | 0.07
    """)
    rows = found(responses, [("A", "x"), ("1", "x")])
    assert rows.select("assay", "population", "status", "lowest_net_value", "pools").rows() == [
        ("cytometry", "CD4", "excluded", 0.07, "1 positive (0.07); A negative (0.001)"),
        ("cytometry", "CD8", "candidate", 0.0525, "1 positive (0.07); A positive (0.0525)"),
        ("elispot", "all cells", "excluded", 212.54, "A positive (212.5); 1 negative (1.0)"),
    ]


def test_a_specimen_tested_against_none_of_a_peptides_pools_says_nothing_of_it():
    responses = measured("""
        specimen_id | subject_id | antigen | call
        P1-B        | P1         | A       | positive
        P1-B        | P1         | 1       | positive
        P2-B        | P2         | MART-1  | positive
    """)
    rows = found(responses, [("A", "x"), ("1", "x"), ("B", "y"), ("2", "y")])
    assert rows.select("specimen_id", "peptide").rows() == [("P1-B", "x")]


def test_a_specimen_without_a_study_day_is_judged_too():
    responses = grid_of(A="positive", c1="positive").with_columns(study_day=None, visit=None)
    assert by_status(found(responses, GRID), "candidate") == ["A1"]


def test_a_pool_may_stand_under_any_spelling_and_counts_once():
    pairs = [("pool A", "x"), ("A", "x"), ("pool 1", "x")]
    (row,) = found(grid_of(A="positive", c1="positive"), pairs).iter_rows(named=True)
    assert (row["status"], row["n_pools"], row["pools"]) == ("candidate", 2, "1 positive (1.0); A positive (1.0)")


def test_a_pool_that_the_study_file_no_longer_names_leaves_its_peptides_open():
    (row,) = found(grid_of(A="positive"), [("A", "x"), ("gone", "x")]).iter_rows(named=True)
    assert (row["status"], row["pools"]) == ("open", "A positive (1.0); gone not tested")


def test_without_a_design_or_without_responses_there_is_an_empty_table():
    for frame in (found(grid_of(A="positive"), []), found(RESPONSES.empty(), GRID), found(RESPONSES.empty(), [])):
        assert frame.is_empty()
        assert frame.schema == POOL_CANDIDATES.schema


# --- Properties ---------------------------------------------------------------------------------------------------

designs = st.lists(st.tuples(st.sampled_from(POOLS), st.sampled_from("uvwxyz")), min_size=1, unique=True)
"""Any peptides in any pools, not only grids."""
silent = st.sampled_from(["negative", "indeterminate", "not_evaluable", "not_tested"])


@settings(deadline=None)
@given(designs, st.sets(st.sampled_from("uvwxyz")), st.lists(silent, min_size=6, max_size=6))
def test_a_peptide_all_of_whose_pools_are_positive_is_never_excluded(pairs, recognised, others):
    positive = {pool for pool, peptide in pairs if peptide in recognised}
    calls = {f"c{pool}": "positive" if pool in positive else call for pool, call in zip(POOLS, others, strict=True)}
    rows = {row["peptide"]: row for row in found(grid_of(**calls), pairs).iter_rows(named=True)}
    for peptide in recognised & {peptide for _, peptide in pairs}:
        n_pools = sum(other == peptide for _, other in pairs)
        assert rows[peptide]["status"] == ("candidate" if n_pools > 1 else "open")
        assert rows[peptide]["n_rivals"] >= 0


@settings(deadline=None)
@given(designs, st.lists(st.sampled_from(["positive", "negative", "indeterminate"]), min_size=6, max_size=6), st.data())
def test_the_order_of_rows_is_irrelevant(pairs, calls, data):
    responses = grid_of(**{f"c{pool}": call for pool, call in zip(POOLS, calls, strict=True)})
    shuffled = data.draw(st.permutations(range(responses.height)))
    turned = data.draw(st.permutations(pairs))
    assert found(responses[shuffled], turned).equals(found(responses, pairs))


# --- Views --------------------------------------------------------------------------------------------------------


def test_a_positive_pool_none_of_whose_peptides_is_left_is_told_as_contradicted():
    shown = view("positive_pools", "specimen_id, pool, n_peptides, n_candidates, n_open, reading", **pool_tables())
    assert (*CONTRADICTED, 3, 0, 0, "contradicted") in shown
    assert [row for row in shown if row[-1] == "contradicted"] == [(*CONTRADICTED, 3, 0, 0, "contradicted")]


def test_a_positive_pool_is_read_by_what_its_peptides_are():
    shown = view("positive_pools", "specimen_id, pool, reading", **pool_tables())
    assert dict((row[:2], row[2]) for row in shown) == {
        ("P01-IP", "pool A"): "one candidate",
        ("P01-IP", "pool 1"): "one candidate",
        ("P02-week 2", "pool A"): "several possible",
        ("P02-week 2", "pool B"): "several possible",
        ("P02-week 2", "pool 1"): "several possible",
        ("P02-week 2", "pool 2"): "several possible",
        CONTRADICTED: "contradicted",
        ("P04-week 2", "pool C"): "open",
    }


def test_peptides_to_follow_up_are_those_a_positive_pool_of_the_primary_rule_and_analyte_points_at():
    columns = "specimen_id, peptide, protein, status, n_rivals"
    assert view("peptides_to_follow_up", columns, **pool_tables()) == [
        ("P01-IP", "A1", "p53", "candidate", 0),
        ("P02-week 2", "A1", "p53", "candidate", 1),
        ("P02-week 2", "A2", "p53", "candidate", 1),
        ("P02-week 2", "B1", "p53", "candidate", 1),
        ("P02-week 2", "B2", "p53", "candidate", 1),
        ("P04-week 2", "C3", "p53", "open", 0),
    ]


def words(document: str) -> str:
    """What a reader sees: without scripts, styles and tags, spaces made one."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", document, flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", bare)))


def test_the_study_page_lists_candidates_with_their_evidence_and_pools_in_contradiction(tmp_path):
    shown = words(study_page(publish(tmp_path / "pools.duckdb", pool_tables())))
    assert "Peptides that positive pools point at, ELISpot IFNg: 5 candidates and 1 open, in 3 specimens" in shown
    assert "P02 P02-week 2 week 2 B1 p53 candidate 1 200 pool B positive; pool 1 positive" in shown
    assert "Positive pools in contradiction to others: 1 of 8 positive pools" in shown
    assert "P03 P03-week 2 week 2 pool A 200 3 P03-week 2/pool A" in shown
    assert "Candidates to be tested alone, no calls." in shown


def test_a_study_without_pools_has_no_section_of_them(tmp_path):
    assert '<section id="pools">' in study_page(publish(tmp_path / "with.duckdb", pool_tables()))
    without = pool_tables() | {"peptide_pools": PEPTIDE_POOLS.empty(), "pool_candidates": POOL_CANDIDATES.empty()}
    page = study_page(publish(tmp_path / "without.duckdb", without))
    assert 'id="pools"' not in page and 'href="#pools"' not in page


def test_a_study_with_pools_that_nobody_tested_yet_says_so(tmp_path):
    frames = {"settings": pool_tables()["settings"], "peptide_pools": pool_tables()["peptide_pools"]}
    shown = words(study_page(publish(tmp_path / "early.duckdb", frames)))
    assert "No pool of the matrix was called positive in a reported specimen by ELISpot IFNg." in shown
