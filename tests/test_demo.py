"""The demo study: what is written, that it is the study it says it is, and that each fault is really there."""

import csv
import io
import re
from collections import Counter, defaultdict
from datetime import date, datetime
from pathlib import Path
from statistics import mean

import pytest
from scipy.stats import mannwhitneyu

from expectations import ingested
from expectations.contract import DEFAULT_LIMIT
from expectations.cytometry_in import CYTOMETRY_TUBES, HLA_TYPING
from expectations.reasons import REASONS
from expectations.study_file import STUDY_FILE, read_study
from expectations.vocabulary import FILE_STATES
from flows.demo import DEFAULT_SEED, Fault, fill_inbox, immunity, write_demo
from tests import recompute
from tests.drawing import SHARED, needs_shared

TABLE_OF = {
    "subjects.csv": ingested.SUBJECTS,
    "follow_up.csv": ingested.FOLLOW_UP,
    "telephone_contacts.csv": ingested.FOLLOW_UP,
    "blood_counts.csv": ingested.BLOOD_COUNTS,
    "lesions.csv": ingested.LESIONS,
    "laboratory.csv": ingested.LAB_RESULTS,
    "end_of_study.csv": ingested.DISPOSITIONS,
    "infusion_products.csv": ingested.INFUSION_PRODUCTS,
    "tumour_pieces.csv": ingested.SPECIMENS,
    "specimens.csv": ingested.SPECIMENS,
    "recurring_layouts.csv": ingested.LAYOUT_TEMPLATES,
    "recurring_layouts_plates.csv": ingested.PLATE_TEMPLATES,
    "peptide_pools.csv": ingested.PEPTIDE_POOLS,
    "hla_typing.csv": HLA_TYPING,
    "tubes_cytokines.csv": CYTOMETRY_TUBES,
    "tubes_multimers.csv": CYTOMETRY_TUBES,
}


class Demo:
    """A written demo, read back plainly."""

    def __init__(self, folder: Path, seed: int = DEFAULT_SEED) -> None:
        self.folder, self.inbox = folder, folder / "inbox"
        self.faults = write_demo(folder, seed)
        self.skip = {
            fault.path for fault in self.faults if fault.expected_state in ("quarantined", "duplicate", "ignored")
        }
        self.headline = recompute.recompute(folder, self.skip)

    def rows(self, path: str) -> list[dict[str, str]]:
        if path.endswith(".xlsx"):
            return recompute.read_workbook(self.inbox / path)
        text = (self.inbox / path).read_bytes().decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text), delimiter=";" if ";" in text.splitlines()[0] else ","))

    def layout(self) -> list[dict[str, str]]:
        """Layouts of the study's plates."""
        paths = (self.inbox / "layouts").glob("layout_*")
        return [row for path in paths for row in self.rows(f"layouts/{path.name}")]

    def study_days(self) -> dict[str, int]:
        day = date.fromisoformat
        infused = {row["subject_id"]: row["infusion_date"] for row in self.rows("production/infusion_products.csv")}
        tubes = self.rows("biobank/specimens.csv")
        return {t["specimen_id"]: (day(t["collection_date"]) - day(infused[t["subject_id"]])).days for t in tubes}

    def exports(self, kind: str = "TIL") -> dict[str, str]:
        """Sound exports of plates of the study, or of another kind: path -> text with the line ends of the file."""
        paths = [path.relative_to(self.inbox).as_posix() for path in sorted(self.inbox.rglob(f"{kind}-*.txt"))]
        return {path: (self.inbox / path).read_bytes().decode() for path in paths if path not in self.skip}

    def the(self, name: str) -> Fault:
        return next(fault for fault in self.faults if fault.name == name)

    def text(self, name: str) -> str:
        return (self.inbox / self.the(name).path).read_bytes().decode()


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    return Demo(tmp_path_factory.mktemp("demo"))


def count_rows(text: str) -> list[list[str]]:
    """Tokens of the count grid, row by row, without the row's letter."""
    grid = text.replace("\r\n", "\n").split("Spot counts:\n")[1].split("\n\n")[0].splitlines()[1:]
    return [line.split()[1:] for line in grid]


# --- The study it says it is --------------------------------------------------------------------------------------


def test_the_default_seed_gives_the_numbers_of_the_abstract(demo):
    headline = demo.headline
    assert len(headline.best_responses) == 25
    assert headline.n_evaluable == 24
    assert (headline.n("CR"), headline.n("PR")) == (3, 7)
    assert round(100 * headline.n("CR", "PR") / headline.n_evaluable, 1) == 41.7
    assert round(headline.median_os_months, 1) == 21.8


def test_persistence_goes_with_response_without_settling_it(demo):
    assert 0.001 < demo.headline.fisher_p < 0.05
    assert all(cell > 0 for row in demo.headline.two_by_two for cell in row)
    (a, b), (c, d) = demo.headline.two_by_two
    assert a * d > b * c


def test_responders_received_more_tumour_reactive_cells(demo):
    best, cells = demo.headline.best_responses, demo.headline.reactive_cells
    responders = [cells[subject] for subject in cells if best[subject] in ("CR", "PR")]
    others = [cells[subject] for subject in cells if best[subject] in ("SD", "PD")]
    assert len(responders) + len(others) == 24
    assert mannwhitneyu(responders, others, alternative="greater").pvalue < 0.05


def test_another_seed_gives_another_study(demo, tmp_path):
    other = Demo(tmp_path, seed=1).headline
    assert other.best_responses != demo.headline.best_responses
    assert round(other.median_os_months, 1) != round(demo.headline.median_os_months, 1)
    assert other.two_by_two != demo.headline.two_by_two


def test_the_same_seed_writes_the_same_bytes(demo):
    study_file = (demo.folder / STUDY_FILE).read_bytes()
    files, faults = fill_inbox(study_file, DEFAULT_SEED)
    assert faults == demo.faults
    assert files == {p.relative_to(demo.inbox).as_posix(): p.read_bytes() for p in demo.inbox.rglob("*") if p.is_file()}


def test_a_change_to_the_assay_never_moves_the_clinical_course(demo, monkeypatch):
    monkeypatch.setattr(immunity, "REPLICATE_SIZE", 3.0)
    monkeypatch.setattr(immunity, "LASTING", {True: 0.5, False: 0.5})
    files, _ = fill_inbox((demo.folder / STUDY_FILE).read_bytes(), DEFAULT_SEED)
    clinic = {path for path in files if path.startswith(("clinic/", "production/"))}
    assert len(clinic) >= 6
    assert {path: files[path] for path in clinic} == {path: (demo.inbox / path).read_bytes() for path in clinic}
    assert files["elispot/2010/TIL-001.txt"] != (demo.inbox / "elispot/2010/TIL-001.txt").read_bytes()


def test_the_study_file_keeps_the_contract_and_says_it_is_simulated(demo):
    settings = read_study(demo.folder).settings
    assert settings.study.simulated
    assert [(mark.day, mark.half_width) for mark in settings.persistence.landmarks] == [(90, 30), (180, 30), (365, 30)]
    assert settings.primary_landmark == 90
    assert (settings.response.criteria, settings.response.evaluator) == ("RECIST 1.0", "investigator")
    assert settings.tumour_antigens == ("MART-1", "gp100", "NY-ESO-1", "MAGE-A3")


# --- Instrument files ---------------------------------------------------------------------------------------------

DAYS = "Monday|Tuesday|Wednesday|Thursday|Friday"
AID = re.compile(
    r"""Plate\ name:\ (?P<plate>[A-Z]{3}-\d{3})\.plt\n\n
    (?P<quote>"?)Date:\ (?P<weekday>DAYS),\ (?P<date>[A-Z][a-z]+\ \d\d,\ \d{4})(?P=quote)\n\n
    Column:\ 12\ \ Row:\ 8\n\n
    Comment:\n(?P<comment>(?:[^\n]+\n\n)+?)
    Spot\ counts:\n(?P<counts>GRID)\n\n\n
    Overall\ surface\ of\ spots\ \ Unit\ =\ square\ mm:\n(?P<overall>GRID)\n\n\n
    Average\ surface\ of\ spots\ \ Unit\ =\ square\ 0,01\ mm:\n(?P<average>GRID)\n\n\n
    Average\ intensity\ of\ spots\n(?P<intensity>GRID)\n\n\n
    All\ Well\ Comments\n""".replace("DAYS", DAYS).replace(
        "GRID", r"\ +1(?:\ +\d+){11}\ ?\n(?:[A-H](?:\ +\S+){12}\ ?\n){8}"
    ),
    re.VERBOSE,
)


def check_layout_of_a_real_export(path: str, text: str, tokens: str) -> None:
    match = AID.fullmatch(text.replace("\r\n", "\n"))
    assert match, path
    assert match["plate"] == Path(path).stem
    assert "2x10^5cells/well\n" in match["comment"]
    read_on = datetime.strptime(match["date"], "%B %d, %Y")
    assert f"{read_on:%A}" == match["weekday"]
    assert all(re.fullmatch(tokens, token) for row in count_rows(text) for token in row)


def test_every_sound_export_has_the_layout_of_a_real_one(demo):
    exports = demo.exports()
    assert 40 <= len(exports) <= 60
    for path, text in exports.items():
        check_layout_of_a_real_export(path, text, r"\d+|TNTC")
    for path, text in (demo.exports("REF") | demo.exports("POO")).items():
        check_layout_of_a_real_export(path, text, r"\d+|TNTC|--")


def test_exports_show_the_quirks_of_real_ones(demo):
    exports = demo.exports()
    quirks = Counter()
    for text in exports.values():
        quirks["CRLF"] += "\r\n" in text
        quirks["mixed line ends"] += bool(re.search(r"(?<!\r)\n", text)) and "\r\n" in text
        quirks["quoted date"] += '"Date:' in text
        quirks["TNTC"] += "TNTC" in text
    assert quirks["mixed line ends"] == 0
    assert all(0 < quirks[name] < len(exports) for name in ("CRLF", "quoted date", "TNTC"))


@needs_shared
def test_the_readers_own_spacing_is_kept(demo):
    """Header lines and the grids' column header are those of a real export, character for character."""
    real = (SHARED / "real" / "elispot" / "aid" / "AID_0161456 W4.txt").read_text().splitlines()
    text = next(iter(demo.exports().values())).splitlines()
    ours, theirs = (
        [line.rstrip() for line in lines if "spots" in line or line.startswith((" ", "Column", "All"))]
        for lines in (text, real)
    )
    assert ours == theirs


def test_background_antigen_and_mitogen_wells_look_like_an_elispot(demo):
    spots = {
        name: wells for name, (_, wells) in recompute.read_plates([demo.inbox / p for p in demo.exports()]).items()
    }
    by_stimulus = defaultdict(list)
    for row in demo.layout():
        if row["plate_id"] in spots:
            by_stimulus[row["stimulus"]].append(spots[row["plate_id"]][row["well"]])
    medium = sorted(by_stimulus["medium"])
    assert medium[len(medium) // 2] <= 3
    assert medium[int(len(medium) * 0.95)] <= 10
    assert None in by_stimulus["PHA"]
    assert mean(count is None or count > 200 for count in by_stimulus["PHA"]) > 0.9


# --- Reference tables ---------------------------------------------------------------------------------------------


def test_tables_have_the_columns_of_the_contract(demo):
    for path in (path for path in demo.inbox.rglob("*.csv") if not path.stem.endswith("_table")):
        contract = TABLE_OF.get(path.name, ingested.PLATE_LAYOUTS)
        names = [column.name for column in contract.columns if column.name not in ("file_sha256", "place")]
        if path.name != "central_reading.csv":
            assert list(demo.rows(path.relative_to(demo.inbox).as_posix())[0]) == names


def test_offices_write_differently(demo):
    counts = (demo.inbox / "clinic/blood_counts.csv").read_text()
    assert re.search(r"^S01;2\d{3}-\d\d-\d\d;\d+,\d;\d+,\d;\d+,\d$", counts, re.MULTILINE)
    assert (demo.inbox / "clinic/subjects.csv").read_bytes().startswith(b"\xef\xbb\xbfsubject_id,")
    assert {path.suffix for path in (demo.inbox / "layouts").iterdir()} == {".csv", ".xlsx"}
    assert "Melan-A" in {row["stimulus"] for row in demo.layout()}


def test_everything_happened_between_2009_and_2014(demo):
    texts = [path.read_text() for path in demo.inbox.rglob("*.csv")]
    texts += [str(row) for row in demo.rows("clinic/tumour_assessments.xlsx")]
    years = {int(year) for text in texts for year in re.findall(r"(\d{4})-\d\d-\d\d", text)}
    assert years <= set(range(2009, 2015))
    read = recompute.read_plates([demo.inbox / path for path in demo.exports()])
    assert {day.year for day, _ in read.values()} <= set(range(2009, 2015))


def test_every_counted_well_has_a_layout_and_every_reference_leads_somewhere(demo):
    subjects = {row["subject_id"] for row in demo.rows("clinic/subjects.csv")}
    specimens = {row["specimen_id"]: row for row in demo.rows("biobank/specimens.csv")}
    assert subjects == {f"S{number:02d}" for number in range(1, 26)}
    assert {row["subject_id"] for row in specimens.values()} <= subjects
    wells = Counter((row["plate_id"], row["well"]) for row in demo.layout())
    assert set(wells.values()) == {1}
    counted = {Path(path).stem for path in demo.exports()}
    assert {(plate, f"{row}{column}") for plate in counted for row in "ABCDEFGH" for column in range(1, 13)} <= set(
        wells
    )
    assert {row["specimen_id"] for row in demo.layout()} <= set(specimens)


def test_a_specimen_has_six_control_wells_and_three_of_every_stimulus_on_a_plate(demo):
    wells = Counter((row["plate_id"], row["specimen_id"], row["stimulus"] == "medium") for row in demo.layout())
    assert {count for (*_, is_medium), count in wells.items() if is_medium} == {6}
    assert {count for (*_, is_medium), count in wells.items() if not is_medium} == {18}


def test_plates_are_read_after_the_last_of_their_specimens_was_drawn(demo):
    drawn = {row["specimen_id"]: row["collection_date"] for row in demo.rows("biobank/specimens.csv")}
    read = recompute.read_plates([demo.inbox / path for path in demo.exports()])
    for row in demo.layout():
        if row["plate_id"] in read:
            assert date.fromisoformat(drawn[row["specimen_id"]]) < read[row["plate_id"]][0]


def test_nothing_is_drawn_or_assessed_after_death(demo):
    died = {
        row["subject_id"]: row["contact_date"]
        for row in demo.rows("clinic/follow_up.csv")
        if row["vital_status"] == "dead"
    }
    assert len(died) > 10
    dated = {"biobank/specimens.csv": "collection_date", "clinic/tumour_assessments.xlsx": "assessment_date"}
    for path, column in dated.items():
        assert all(row[column] <= died.get(row["subject_id"], "9999") for row in demo.rows(path))


# --- Faults -------------------------------------------------------------------------------------------------------


def test_faults_use_declared_states_and_reasons_and_differ_in_kind(demo):
    held = [fault for fault in demo.faults if fault.expected_state]
    assert {fault.expected_state for fault in held} <= set(FILE_STATES)
    assert {fault.expected_reason for fault in held} <= set(REASONS)
    assert len({fault.expected_reason for fault in held}) >= 10
    assert all((demo.inbox / fault.path).is_file() for fault in demo.faults)
    rejecting = [fault.path for fault in held if fault.expected_state == "accepted_with_rejects"]
    assert len(rejecting) == len(set(rejecting))


def test_the_duplicate_has_the_bytes_of_another_file_that_comes_before_it(demo):
    copy = demo.the("the same file twice").path
    original = next(path for path in demo.exports() if Path(path).name == Path(copy).name)
    assert (demo.inbox / copy).read_bytes() == (demo.inbox / original).read_bytes()
    assert original < copy


def test_the_conflict_is_one_plate_with_one_other_count(demo):
    first, second = (
        (demo.inbox / fault.path).read_text() for fault in demo.faults if fault.name == "one plate, two exports"
    )
    assert first.splitlines()[0] == second.splitlines()[0]
    tokens = [[token for row in count_rows(text) for token in row] for text in (first, second)]
    assert sum(a != b for a, b in zip(*tokens, strict=True)) == 1


def test_the_cut_export_ends_inside_its_count_grid(demo):
    text = demo.text("cut off")
    assert [len(row) for row in count_rows(text)][:4] == [12] * 4
    assert 0 < len(count_rows(text)[4]) < 12
    assert "Overall surface" not in text


def test_one_export_lacks_a_count_and_one_has_a_letter_in_it(demo):
    assert [len(row) for row in count_rows(demo.text("a count is missing"))] == [12, 12, 12, 12, 12, 11, 12, 12]
    rows = count_rows(demo.text("no number"))
    assert rows[6][1] == "12O"
    assert [len(row) for row in rows] == [12] * 8


def test_no_layout_knows_the_validation_plate(demo):
    text = demo.text("no layout")
    assert AID.fullmatch(text.replace("\r\n", "\n"))
    assert text.splitlines()[0].split()[-1].removesuffix(".plt") not in {row["plate_id"] for row in demo.layout()}


@pytest.mark.parametrize("name", ["unknown subject", "impossible viability", "ambiguous date", "undeclared stimulus"])
def test_a_bad_row_stands_in_a_file_that_is_sound_otherwise(demo, name):
    fault = demo.the(name)
    rows = demo.rows(fault.path)
    assert sum(row[fault.column] == fault.value for row in rows) == 1
    assert 1 / len(rows) < DEFAULT_LIMIT


def test_the_bad_rows_break_the_rule_they_are_said_to_break(demo):
    assert demo.the("unknown subject").value not in {row["subject_id"] for row in demo.rows("clinic/subjects.csv")}
    assert float(demo.the("impossible viability").value) > ingested.SPECIMENS.column("viability_percent").maximum
    first, second, _ = map(int, demo.the("ambiguous date").value.split("/"))
    assert max(first, second) <= 12
    assert first != second
    assert demo.the("undeclared stimulus").value not in read_study(demo.folder).settings.stimuli


def test_no_assay_hangs_on_a_rejected_specimen(demo):
    rejected = {
        row["specimen_id"] for row in demo.rows("biobank/specimens.csv") if float(row["viability_percent"]) > 100
    }
    assert len(rejected) == 1
    assert not rejected & {row["specimen_id"] for row in demo.layout()}


def test_one_table_lacks_a_column_and_one_has_too_many_bad_rows(demo):
    assert list(demo.rows(demo.the("a column is missing").path)[0]) == [
        "subject_id",
        "assessment_date",
        "overall_response",
    ]
    contacts = demo.rows(demo.the("too many bad rows").path)
    assert mean(row["vital_status"] not in ("alive", "dead") for row in contacts) > DEFAULT_LIMIT


def test_two_specimens_are_findings(demo):
    visits = {visit.name: visit.window for visit in read_study(demo.folder).settings.visits}
    disagreeing, outside, days = [], [], demo.study_days()
    for row in demo.rows("biobank/specimens.csv"):
        day = days[row["specimen_id"]]
        given = next((name for name, (first, last) in visits.items() if first <= day <= last), None)
        outside += [row["specimen_id"]] if given is None else []
        disagreeing += [row["specimen_id"]] if row["declared_visit"] and given != row["declared_visit"] else []
    assert outside == [demo.the("drawn outside every window").value]
    assert disagreeing == [demo.the("declared visit disagrees").value]


def test_lost_plates_hold_nothing_the_primary_analysis_needs(demo):
    held = [fault for fault in demo.faults if (fault.expected_reason or "").startswith(("aid.", "conflict."))]
    on_lost = {row["specimen_id"] for row in demo.layout() if row["plate_id"] in {Path(f.path).stem for f in held}}
    assert len(on_lost) == 16
    assert all(demo.study_days()[specimen] > 120 for specimen in on_lost)
