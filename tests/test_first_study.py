"""The study of docs/first-study.md: three real AID plates through a whole run."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests import running
from tests.drawing import SHARED, needs_shared
from tests.running import ask

pytestmark = [needs_shared, pytest.mark.filterwarnings("default")]

PAGE = Path(__file__).parents[1] / "docs" / "first-study.md"
EXPORTS = {"AID_0161456 W4.txt": "0161456 W4", "AID_0161456 W5.txt": "0161456 W5", "AID_TNTC.txt": "GC_PPL0014_2040"}
SPECIMENS = {"0161456 W4": "0161456-W4", "0161456 W5": "0161456-W5", "GC_PPL0014_2040": "2040-W4"}
STIMULI = {"A": "medium", "B": "medium", "C": "Antigen 1", "D": "Antigen 1", "E": "Antigen 2", "F": "Antigen 2"}


def study_file() -> str:
    """The study file as the page shows it."""
    return PAGE.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]


def table_on_page(name: str) -> str:
    """A table as the page shows it."""
    block = PAGE.read_text(encoding="utf-8").split(f"`{name}`\n\n")[1].split("\n\n")[0]
    return "\n".join(line.strip() for line in block.splitlines()) + "\n"


def layouts() -> str:
    lines = ["plate_id,well,specimen_id,stimulus,cells_per_well,replicate"]
    for plate, specimen in SPECIMENS.items():
        for row, stimulus in STIMULI.items():
            lines += [f"{plate},{row}{n},{specimen},{stimulus},200000,{n}" for n in range(1, 7)]
            lines.append(f"{plate},{row}8,{specimen},mitogen,200000,1")
    return "\n".join(lines) + "\n"


def grid(path: Path) -> dict[str, str]:
    """Well to token of the first grid, read with nothing but a split: what the export says."""
    rows = path.read_text(encoding="latin-1").split("Spot counts:")[1].strip("\n").splitlines()[1:9]
    return {f"{row.split()[0]}{n}": token for row in rows for n, token in enumerate(row.split()[1:], start=1)}


@pytest.fixture(scope="module")
def first_study(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = tmp_path_factory.mktemp("first") / "first-study"
    inbox = study / "inbox"
    inbox.mkdir(parents=True)
    (study / "study.toml").write_text(study_file())
    for name in ("subjects.csv", "infusion_products.csv", "specimens.csv"):
        (inbox / name).write_text(table_on_page(name))
    (inbox / "layouts.csv").write_text(layouts())
    for name in EXPORTS:
        shutil.copy(SHARED / "real/elispot/aid" / name, inbox / name)
    running.run(study)
    return study


def test_every_file_is_accepted(first_study: Path) -> None:
    assert set(ask(first_study, "select state, n_rejects from files")) == {("accepted", 0)}


@pytest.mark.parametrize("export", EXPORTS)
def test_every_well_holds_what_the_grid_of_the_export_says(first_study: Path, export: str) -> None:
    stored = ask(first_study, f"select well, spots, status from elispot_wells where plate_id = '{EXPORTS[export]}'")
    told = {
        well: (None, "tntc") if token == "TNTC" else (int(token), "counted")
        for well, token in grid(SHARED / "real/elispot/aid" / export).items()
    }
    assert len(told) == 96
    assert {well: (spots, status) for well, spots, status in stored} == told


def test_wells_too_numerous_to_count_are_typed_and_have_no_number(first_study: Path) -> None:
    tntc = ask(
        first_study,
        "select well, spots, tntc_ceiling, spots_per_million from elispot_wells where status = 'tntc' order by well",
    )
    assert tntc == [("B3", None, 402, None), ("B5", None, 402, None), ("B8", None, 402, None)]
    called = ask(first_study, "select net_lower, call from responses where plate_id = 'GC_PPL0014_2040'")
    assert called, "the plate has responses"
    assert {lower for lower, _ in called} == {None}, "TNTC among the medium wells leaves no lower bound"
    assert "positive" not in {call for _, call in called}


def test_read_dates_and_comments_are_kept(first_study: Path) -> None:
    plates = ask(first_study, "select plate_id, read_date::varchar, comment from plates order by plate_id")
    assert [(plate, day) for plate, day, _ in plates] == [
        ("0161456 W4", "2004-11-09"),
        ("0161456 W5", "2004-11-09"),
        ("GC_PPL0014_2040", "2006-08-08"),
    ]
    assert "2x10^5cells/well" in plates[2][2]


def test_net_values_are_those_of_a_hand_calculation_on_the_grid(first_study: Path) -> None:
    wells = grid(SHARED / "real/elispot/aid/AID_0161456 W4.txt")
    mean = {row: sum(int(wells[f"{r}{n}"]) for r in row for n in range(1, 7)) / 12 for row in ("AB", "CD", "EF")}
    told = dict(
        ask(first_study, "select antigen, net_value from responses where plate_id = '0161456 W4' and rule = 'dfr_eq'")
    )
    assert told["Antigen 1"] == pytest.approx((mean["CD"] - mean["AB"]) * 5)
    assert told["Antigen 2"] == pytest.approx((mean["EF"] - mean["AB"]) * 5)


def test_the_page_names_the_three_exports() -> None:
    assert {name for name in EXPORTS if re.search(re.escape(name), PAGE.read_text(encoding="utf-8"))} == set(EXPORTS)
