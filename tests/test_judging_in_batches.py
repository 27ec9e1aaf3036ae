"""Many files in one run give the same tables as the same files in several runs, in whatever order and company."""

from __future__ import annotations

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from expectations.ingested import INGESTED
from tests.drawn_exports import aid_export, candidate, layout, with_count
from tests.drawn_judging import SPECIMENS, SUBJECTS, after, empty_store, judged
from transforms.judging import Candidate

N_PLATES = 24
HEADER = SPECIMENS.splitlines()[0]
MORE = [f"C{n},S{n % 2 + 1},2012-02-01" for n in range(19)]
TABLES = {
    "subjects.csv": SUBJECTS,
    "specimens.csv": SPECIMENS,
    "one row of twenty broken.csv": "\n".join([HEADER, *MORE, "C19,nobody,2012-02-01", ""]),
}


def files() -> list[Candidate]:
    """Reference tables, plates with their layouts, and every eighth plate without one."""
    told = dict(TABLES)
    for n in range(N_PLATES):
        told[f"plates/{n}.txt"] = aid_export(with_count("B2", "TNTC" if n % 3 else str(n)), name=f"PL-{n}.plt")
        if n % 8:
            told[f"layouts/{n}.csv"] = layout(f"PL-{n}", specimen="B1")
    return [candidate(content, path) for path, content in told.items()]


FILES = files()
UNKNOWN = {f"plates/{n}.txt" for n in range(0, N_PLATES, 8)}


@examples(max_examples=6, deadline=None)
@given(st.lists(st.sampled_from([0, 1, 2]), min_size=N_PLATES, max_size=N_PLATES), st.randoms(use_true_random=False))
def test_plates_of_one_large_run_and_of_several_small_ones_give_the_same_tables(run_of_plate, rng):
    at_once = judged(FILES)
    expected = after(empty_store(), at_once)
    run_of = {f"{kind}/{n}.{end}": run for n, run in enumerate(run_of_plate) for kind, end in KINDS}
    store, held = empty_store(), set()
    for run in range(3):
        batch = [one for one in FILES if run_of.get(one.path, 0) == run]
        rng.shuffle(batch)
        judgement = judged(batch, store)
        store = after(store, judgement)
        held |= judgement.holds.keys()
    assert held == at_once.holds.keys()
    for table in INGESTED:
        assert store[table.name].equals(expected[table.name]), table.name


KINDS = (("plates", "txt"), ("layouts", "csv"))


def test_of_many_files_only_those_at_fault_stay_out_and_every_good_row_comes_in():
    judgement = judged(FILES)
    paths = {one.file_sha256: one.path for one in FILES}
    assert {paths[sha] for sha in judgement.holds} == UNKNOWN
    plates = set(judgement.new["elispot_counts"]["plate_id"])
    assert plates == {f"PL-{n}" for n in range(N_PLATES) if n % 8}
    assert judgement.new["elispot_counts"].height == 96 * len(plates)
