"""The second route to the demo's numbers is itself right: a check that is wrong is worse than none."""

import csv
from collections import defaultdict
from datetime import date

import pytest

from tests import recompute
from tests.drawing import SHARED, needs_shared


@pytest.mark.parametrize(
    ("seen", "best"),
    [
        ([], "NE"),
        ([(40, "SD")], "NE"),
        ([(42, "SD"), (84, "PD")], "SD"),
        ([(49, "PR"), (90, "PD")], "SD"),
        ([(49, "PR"), (76, "PR")], "SD"),
        ([(49, "PR"), (77, "PR")], "PR"),
        ([(49, "PR"), (60, "NE"), (77, "PR")], "PR"),
        ([(49, "PR"), (55, "NE"), (60, "NE"), (77, "PR")], "SD"),
        ([(49, "PR"), (60, "SD"), (77, "PR"), (90, "SD")], "SD"),
        ([(49, "PR"), (90, "CR"), (118, "CR")], "CR"),
        ([(49, "PR"), (90, "CR"), (100, "PD")], "PR"),
        ([(20, "PD"), (60, "CR"), (120, "CR")], "PD"),
    ],
)
def test_best_response_of_the_second_route_follows_recist(seen, best):
    assert recompute.best_of(seen) == best


def test_median_survival_of_the_second_route_by_hand():
    contacts = [
        {"subject_id": subject, "contact_date": f"2010-01-{day:02d}", "vital_status": status}
        for subject, day, status in [("A", 4, "dead"), ("B", 9, "alive"), ("C", 14, "dead"), ("D", 19, "dead")]
    ]
    infused = dict.fromkeys("ABCD", date(2010, 1, 1))
    # 3/4 after day 4, one of two at risk dies on day 14: 3/8.
    assert recompute.median_survival(contacts, infused) == 14
    contacts[1]["vital_status"] = "dead"
    # 3/4, then exactly 1/2 on days 9 to 14: the midpoint.
    assert recompute.median_survival(contacts, infused) == 11.5


@needs_shared
def test_dfr_of_the_second_route_gives_the_reference_values():
    def read(name):
        return csv.DictReader((SHARED / "reference" / "elispot_dfr" / name).read_text().splitlines())

    wells = defaultdict(dict)
    for row in read("moodie_wells.csv"):
        wells[row["id"]][row["antigen"]] = [float(row[f"a{i}"]) for i in range(1, 7) if row[f"a{i}"]]
    expected = {(row["id"], row["antigen"]): float(row["dfreq_adjp"]) for row in read("moodie_dfr_R.csv")}
    for number, family in wells.items():
        control = family.pop("negctl")
        for antigen, p in recompute.dfr_eq(family, control).items():
            assert p == pytest.approx(expected[number, antigen], abs=1e-5)
