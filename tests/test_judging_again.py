"""Files judged a second time: what no longer keeps the rules leaves the store, and the rest stays as it is."""

from __future__ import annotations

from tests import drawn_exports
from tests.drawn_exports import aid_export, candidate, layout
from tests.drawn_judging import SPECIMENS, SUBJECTS, after, holds, judged, rejects, stored

LAYOUT = layout(specimen="B1")
BASE = (SUBJECTS, SPECIMENS, LAYOUT)
PLATE = aid_export()

UNDECLARED = drawn_exports.parse_study(drawn_exports.STUDY.replace('["medium"]', '["DMSO"]').encode())


def test_a_file_judged_again_that_no_longer_keeps_the_rules_leaves_the_store():
    store = stored(*BASE)
    plan = candidate(LAYOUT, "plan.csv")
    judgement = judged([plan], store, UNDECLARED)
    assert holds(judgement, plan) == {"plan.csv": "expectation.critical"}
    assert after(store, judgement)["plate_layouts"].is_empty()


def test_nothing_new_rests_on_a_file_that_leaves_the_store():
    plan, plate = candidate(LAYOUT, "plan.csv"), candidate(PLATE, "plate.txt", 2)
    judgement = judged([plan, plate], stored(*BASE), UNDECLARED)
    assert holds(judgement, plan, plate) == {"plan.csv": "expectation.critical", "plate.txt": "layout.missing"}


def test_a_row_judged_again_that_no_longer_keeps_the_rules_leaves_the_store_alone():
    lines = LAYOUT.splitlines()
    mixed = "\n".join([*lines[:90], *(line.replace("medium", "CMV") for line in lines[90:]), ""])
    store = stored(SUBJECTS, SPECIMENS, mixed)
    without_cmv = drawn_exports.STUDY.replace('name = "CMV"', 'name = "EBV"')
    plan = candidate(mixed, "plan.csv")
    judgement = judged([plan], store, drawn_exports.parse_study(without_cmv.encode()))
    assert judgement.holds == {}
    assert judgement.kept == {plan.file_sha256}
    assert len(rejects(judgement, plan)) == 7
    left = after(store, judgement)["plate_layouts"]
    assert left.height == 89
    assert set(left["stimulus"]) == {"medium"}


def test_a_file_judged_again_in_the_same_state_changes_nothing():
    store = stored(*BASE)
    files = [candidate(text, f"{n}") for n, text in enumerate(BASE)]
    judgement = judged(files, store)
    assert all(frame.is_empty() for frame in (*judgement.new.values(), *judgement.replaced.values()))
    assert judgement.kept == {one.file_sha256 for one in files}
