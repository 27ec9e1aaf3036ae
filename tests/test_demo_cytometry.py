"""The demo's flow cytometry: tables, raw files and workspaces are sound, agree, and tell of one immune response."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from datetime import date
from pathlib import Path
from statistics import mean, median

import numpy as np
import pytest
from lxml import etree
from openpyxl import load_workbook
from scipy.stats import fisher_exact, spearmanr

from expectations.reasons import REASONS
from expectations.study_file import read_study
from flows.demo import DEFAULT_SEED, write_demo
from flows.demo.fcs_files import write_fcs
from flows.demo.gates import Polygon, Rectangle
from flows.demo.immunity import respond
from flows.demo.multimers import alleles
from flows.demo.specimens import draw, with_findings
from flows.demo.subjects import enrol

CD8, CD4 = "Lymphocytes/CD3+/CD8+", "Lymphocytes/CD3+/CD4+"


class Written:
    """The demo as it lies in its folder, with its faults and settings."""

    def __init__(self, folder: Path) -> None:
        self.faults = {fault.name: fault for fault in write_demo(folder)}
        self.folder, self.inbox = folder, folder / "inbox"
        self.settings = read_study(folder).settings

    def lines(self, path: Path) -> list[list[str]]:
        if path.suffix == ".xlsx":
            rows = load_workbook(path).worksheets[0].iter_rows(values_only=True)
            return [["" if cell is None else str(cell) for cell in row] for row in rows]
        text = path.read_text(encoding="utf-8-sig")
        return list(csv.reader(io.StringIO(text), delimiter=";" if ";" in text.splitlines()[0] else ","))

    def table(self, path: Path) -> dict[str, dict[str, str]]:
        """Cells of every sample by column, footers left out."""
        header, *rows = self.lines(path)
        return {row[0]: dict(zip(header, row, strict=True)) for row in rows if row[0] not in ("Mean", "SD")}

    def exports(self, kind: str) -> list[Path]:
        return sorted(self.inbox.glob(f"cytometry/{kind}-[0-9]*/*_table.*"))

    def tubes(self) -> list[dict[str, str]]:
        paths = sorted((self.inbox / "cytometry").glob("tubes_*.csv"))
        return [row for path in paths for row in csv.DictReader(path.read_text("utf-8-sig").splitlines())]

    def counts(self, kind: str, path: str) -> dict[str, tuple[int, int]]:
        """Sample to events in a population and in its parent, over the exports of a kind."""
        found = {}
        for export in self.exports(kind):
            for name, cells in self.table(export).items():
                counted = (cells[f"{path} | Count"], cells[f"{path.rpartition('/')[0]} | Count"])
                found[name.removesuffix(".fcs")] = (int(counted[0]), int(counted[1]))
        return found

    def the(self, name: str) -> Path:
        return self.inbox / self.faults[name].path


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Written:
    return Written(tmp_path_factory.mktemp("cytometry"))


def stored(node, above=()):
    """Path and stored count of every population below a node of a workspace."""
    for child in node.iterfind("Subpopulations/*"):
        path = (*above, child.get("name"))
        yield path, int(child.get("count"))
        yield from stored(child, path)


def nodes(workspace: Path):
    return etree.parse(str(workspace)).getroot().iterfind("SampleList/Sample/SampleNode")


# --- Tables of FlowJo ---------------------------------------------------------------------------------------------


def test_tables_are_laid_out_as_flowjo_writes_them(demo):
    for path in sorted(demo.inbox.glob("cytometry/*/*_table.*")):
        header, *rows = demo.lines(path)
        assert header[0] == ""
        assert [row[0] for row in rows[-2:]] == ["Mean", "SD"]
        assert all(re.fullmatch(r".+\.fcs", row[0]) for row in rows[:-2])
        if path.suffix == ".csv":
            assert {row[-1] for row in (header, *rows)} == {""}, "a separator ends every line"
        statistics = [name for name in header if " | " in name]
        assert {name.rpartition(" | ")[2] for name in statistics} <= {"Count", "Freq. of Parent", "Freq. of Parent (%)"}


def test_mean_and_sd_are_those_of_the_column(demo):
    path = demo.exports("ICS")[0]
    header, *rows = demo.lines(path)
    column = header.index(f"{CD8} | Count")
    values = [int(row[column]) for row in rows[:-2]]
    assert float(rows[-2][column]) == pytest.approx(mean(values), rel=1e-6)
    assert float(rows[-1][column]) == pytest.approx(np.std(values, ddof=1), rel=1e-6)


def test_tables_are_written_in_several_ways(demo):
    exports = demo.exports("ICS")
    assert {path.suffix for path in exports} == {".csv", ".xlsx"}
    continental = [path for path in exports if path.suffix == ".csv" and path.read_text().startswith(";")]
    assert len(continental) == 1
    assert re.search(r";\d,\d+;", continental[0].read_text())
    headers = [" ".join(demo.lines(path)[0]) for path in exports]
    assert {"(%)" in header for header in headers} == {True, False}


def test_frequencies_are_those_of_the_counts_beside_them(demo):
    path = next(path for path in demo.exports("ICS") if path.suffix == ".xlsx")
    for cells in demo.table(path).values():
        exact = 100 * int(cells[f"{CD8}/IFNg+ | Count"]) / int(cells[f"{CD8} | Count"])
        assert float(cells[f"{CD8}/IFNg+ | Freq. of Parent (%)"]) == pytest.approx(exact, rel=0.006)


def test_parent_counts_are_those_of_a_cytometer(demo):
    parents = [n for path in (f"{CD8}/IFNg+", f"{CD4}/IFNg+") for _, n in demo.counts("ICS", path).values()]
    assert 20_000 < median(parents) < 120_000
    assert max(parents) <= 120_000
    multimers = [n for _, n in demo.counts("MUL", f"{CD8}/A2-MART-1+").values()]
    assert median(multimers) > 50_000


def test_boolean_subsets_of_products_add_up_to_their_population(demo):
    for path in demo.exports("PRD"):
        for cells in demo.table(path).values():
            for population in (CD8, CD4):
                subsets = [
                    name for name in cells if re.match(re.escape(population) + r"/IFNg[+-]TNFa[+-]CD107a[+-] ", name)
                ]
                assert len(subsets) == 8
                assert sum(int(cells[name]) for name in subsets) == int(cells[f"{population} | Count"])


def test_every_row_of_tubes_is_exported_from_the_folder_of_its_batch(demo):
    names = {row["batch"]: set() for row in demo.tubes()}
    for path in sorted(demo.inbox.glob("cytometry/*/*_table.*")):
        names.setdefault(path.parent.name, set()).update(demo.table(path))
    lost = [row for row in demo.tubes() if f"{row['sample_name'] or row['tube_id']}.fcs" not in names[row["batch"]]]
    assert {row["batch"] for row in lost} == {"pilot A"}, "whose table lies elsewhere"


def test_stainings_come_after_the_specimens_and_before_the_end_of_2014(demo):
    specimens = {
        row["specimen_id"]: date.fromisoformat(row["collection_date"])
        for row in csv.DictReader((demo.inbox / "biobank/specimens.csv").read_text("utf-8-sig").splitlines())
    }
    months = {f"{date(2000, month, 1):%b}".upper(): month for month in range(1, 13)}
    for path in (*demo.exports("ICS"), *demo.exports("PRD"), *demo.exports("MUL")):
        for name, cells in demo.table(path).items():
            day, month, year = cells["$DATE"].split("-")
            assert specimens[name.partition("_")[0]] < date(int(year), months[month], int(day)) < date(2015, 1, 1)


def test_one_batch_is_known_by_its_keywords_alone(demo):
    last = demo.exports("ICS")[-1]
    match, batches = demo.settings.cytometry.match, {row["batch"] for row in demo.tubes()}
    assert last.parent.name not in batches
    assert all(path.parent.name in batches for path in demo.exports("ICS")[:-1])
    for name, cells in demo.table(last).items():
        specimen, stimulus = cells[match.specimen_keywords[0]], cells[match.stimulus_keywords[0]]
        assert name == f"{specimen}_{stimulus}.fcs" or specimen == demo.faults["a specimen mistyped"].value


# --- The same immune response -------------------------------------------------------------------------------------


def subjects_and_tubes(demo):
    subjects = enrol(DEFAULT_SEED)
    tubes, *_ = with_findings(draw(DEFAULT_SEED, subjects, demo.settings), demo.settings)
    return {one.subject_id: one for one in subjects}, {one.specimen_id: one for one in tubes}


def test_cytokines_follow_the_response_that_elispot_counts(demo):
    _, tubes = subjects_and_tubes(demo)
    expected, measured = [], []
    for path in (path for path in demo.exports("ICS") if path != demo.exports("ICS")[-1]):
        samples = demo.table(path)
        for name, cells in samples.items():
            specimen, stimulus = name.removesuffix(".fcs").split("_")
            response = respond(DEFAULT_SEED, tubes[specimen].subject, demo.settings).get(stimulus)
            if stimulus != "medium" and response and response.at(tubes[specimen]) > 20:
                control = samples[f"{specimen}_medium.fcs"]
                net = [int(c[f"{CD8}/IFNg+ | Count"]) / int(c[f"{CD8} | Count"]) for c in (cells, control)]
                expected.append(response.at(tubes[specimen]))
                measured.append(net[0] - net[1])
    assert len(expected) > 50
    assert spearmanr(expected, measured).statistic > 0.8


def test_without_antigen_two_cells_in_ten_thousand_make_interferon(demo):
    shares = [100 * n / of for name, (n, of) in demo.counts("ICS", f"{CD8}/IFNg+").items() if name.endswith("_medium")]
    assert 0.01 < median(shares) < 0.04


def test_no_antigen_is_answered_by_a_subject_that_does_not_react_to_it(demo):
    _, tubes = subjects_and_tubes(demo)
    counts, p_values = demo.counts("ICS", f"{CD8}/IFNg+"), []
    for name, (n, of) in counts.items():
        specimen, stimulus = name.split("_")
        if stimulus == "medium" or respond(DEFAULT_SEED, tubes[specimen].subject, demo.settings).get(stimulus):
            continue
        control, of_control = counts[f"{specimen}_medium"]
        table = [[n, of - n], [control, of_control - control]]
        p_values.append(fisher_exact(table, alternative="greater").pvalue)
    assert len(p_values) > 100
    assert min(p_values) > 1e-5


def test_multimers_bind_in_carriers_of_the_allele_only(demo):
    subjects, _ = subjects_and_tubes(demo)
    shares = defaultdict(list)
    for name, (n, of) in demo.counts("MUL", f"{CD8}/A2-CMV+").items():
        shares["A*02:01" in alleles(DEFAULT_SEED, subjects[name[:3]])].append(100 * n / of)
    assert max(shares[False]) < 0.01
    assert sum(share >= 0.01 for share in shares[True]) > 5


def test_about_half_carry_the_allele_and_one_subject_was_never_typed(demo):
    rows = list(csv.DictReader((demo.inbox / "clinic/hla_typing.csv").read_text().splitlines()))
    typed = defaultdict(set)
    for row in rows:
        typed[row["subject_id"]].add(row["allele"])
    assert len(typed) == 24
    assert {len(own) for own in typed.values()} == {2}
    assert 8 <= sum("A*02:01" in own for own in typed.values()) <= 16


# --- Raw files and workspaces -------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:WSP references")
def test_flowkit_counts_what_the_workspaces_store(demo):
    import flowkit

    compared = 0
    for workspace in sorted(demo.inbox.glob("cytometry/week 2/*.wsp")):
        cut = demo.the("raw file cut short")
        files = [str(path) for path in workspace.parent.glob(f"{workspace.stem}_*.fcs") if path != cut]
        told = flowkit.Workspace(str(workspace), fcs_samples=files)
        told.analyze_samples("All Samples", use_mp=False)
        for node in (node for node in nodes(workspace) if node.get("name") != cut.name):
            result = told.get_gating_results(node.get("name"))
            for path, count in stored(node):
                assert result.get_gate_count(path[-1], gate_path=("root", *path[:-1])) == count, (
                    node.get("name"),
                    path,
                )
                compared += 1
    assert compared == 72


def test_raw_files_are_read_by_flowio_as_their_workspace_says(demo):
    import flowio

    for workspace in sorted(demo.inbox.glob("cytometry/week 2/*.wsp")):
        for sample in etree.parse(str(workspace)).getroot().iterfind("SampleList/Sample"):
            path = workspace.parent / sample.find("SampleNode").get("name")
            if path == demo.the("raw file cut short"):
                continue
            told = flowio.FlowData(str(path))
            keywords = {one.get("name"): one.get("value") for one in sample.iterfind("Keywords/Keyword")}
            assert told.event_count == int(sample.find("SampleNode").get("count")) == int(keywords["$TOT"])
            assert 5_000 <= told.event_count <= 20_000
            assert 8 <= told.channel_count <= 10
            assert {told.text[name.strip("$").lower()] for name in ("$FIL", "$DATE", "$BTIM")} == {
                keywords[name] for name in ("$FIL", "$DATE", "$BTIM")
            }


def test_one_workspace_is_compensated_with_the_matrix_of_its_files(demo):
    import flowio

    compensated = [
        path for path in demo.inbox.glob("cytometry/week 2/*.wsp") if b"spilloverMatrix" in path.read_bytes()
    ]
    assert len(compensated) == 1
    shares = [
        float(value)
        for value in etree.parse(str(compensated[0])).xpath(
            "(//*[local-name()='spilloverMatrix'])[1]//*[local-name()='coefficient']/@*[local-name()='value']"
        )
    ]
    told = flowio.FlowData(str(next(compensated[0].parent.glob(f"{compensated[0].stem}_medium.fcs")))).text["spillover"]
    assert [float(share) for share in told.split(",")[7:]] == shares


def test_the_demo_stays_small(demo):
    assert sum(path.stat().st_size for path in demo.inbox.rglob("*") if path.is_file()) < 10_000_000


def test_an_fcs_file_gives_back_events_channels_and_keywords(tmp_path):
    import flowio

    events = np.array([[1.5, -2.0], [3.0, 4.25], [0.0, 262_143.0]], dtype=np.float32)
    path = tmp_path / "one.fcs"
    path.write_bytes(write_fcs(events, {"FSC-A": None, "PE-A": "CD8"}, {"$FIL": "one.fcs", "$CYT": "LSRII"}))
    told = flowio.FlowData(str(path))
    assert np.array_equal(told.as_array(preprocess=False), events)
    assert (told.pnn_labels, told.pns_labels) == (["FSC-A", "PE-A"], ["", "CD8"])
    assert told.text["cyt"] == "LSRII"


def test_a_polygon_holds_what_lies_inside_its_outline():
    # An arrowhead: the notch from below is outside.
    arrow = Polygon("x", "y", ((0.0, 0.0), (5.0, 4.0), (10.0, 0.0), (5.0, 10.0)))
    points = {"x": np.array([5.0, 5.0, 5.0, 1.5, -1.0, 9.0]), "y": np.array([5.0, 2.0, 9.5, 2.0, 1.0, 5.0])}
    assert arrow.holds(points).tolist() == [True, False, True, True, False, False]


def test_a_rectangle_holds_its_lower_edge_and_not_its_upper_one():
    box = Rectangle({"x": (1.0, 2.0), "y": (None, 5.0)})
    points = {"x": np.array([1.0, 2.0, 1.5, 1.5]), "y": np.array([0.0, 0.0, 5.0, -9.0])}
    assert box.holds(points).tolist() == [True, False, False, True]


# --- Faults -------------------------------------------------------------------------------------------------------


def test_findings_name_reasons_about_tubes_and_files_that_are_there(demo):
    told = [fault for fault in demo.faults.values() if fault.expected_reason and not fault.expected_state]
    assert {REASONS[fault.expected_reason].kind for fault in told} == {"tube", "response"}
    found = [fault for fault in told if REASONS[fault.expected_reason].kind == "tube"]
    assert len({fault.expected_reason for fault in found}) == len(found) == 7
    assert all((demo.inbox / fault.path).is_file() for fault in found)


def test_one_table_has_percentages_and_no_count(demo):
    header = demo.lines(demo.the("percentages without counts"))[0]
    assert any(name.startswith(demo.faults["percentages without counts"].value) for name in header)
    assert not [name for name in header if name.endswith("| Count")]


def test_one_workspace_stores_nothing_for_a_tube_full_of_events_and_minus_one_for_another(demo):
    by_name = {node.get("name"): node for node in nodes(demo.the("stale workspace"))}
    stale = by_name[f"{demo.faults['stale workspace'].value}.fcs"]
    declared = stale.getparent().find("Keywords/Keyword[@name='$TOT']").get("value")
    assert (int(stale.get("count")), {count for _, count in stored(stale)}) == (0, {0})
    assert int(declared) > 10_000
    never = by_name[f"{demo.faults['counts never computed'].value}.fcs"]
    assert {count for _, count in stored(never)} == {-1}


def test_one_name_is_that_of_tubes_in_two_batches_and_its_table_in_the_folder_of_neither(demo):
    fault = demo.faults["a name of two tubes"]
    batches = {row["batch"] for row in demo.tubes() if row["sample_name"] == fault.value}
    assert len(batches) == 2
    assert not batches & set(Path(fault.path).parts)
    assert f"{fault.value}.fcs" in demo.table(demo.the("a name of two tubes"))


def test_the_cut_raw_file_ends_before_its_last_event(demo):
    data = demo.the("raw file cut short").read_bytes()
    assert int(data[34:42]) > len(data)


def test_one_path_is_in_no_table_but_the_one_it_is_told_of(demo):
    fault = demo.faults["a gate without a meaning"]
    having = [path for path in demo.exports("ICS") if any(fault.value in name for name in demo.lines(path)[0])]
    assert having == [demo.inbox / fault.path]


def test_the_mistyped_specimen_is_nobodys(demo):
    value = demo.faults["a specimen mistyped"].value
    assert value not in (demo.inbox / "biobank/specimens.csv").read_text("utf-8-sig")
    assert value in demo.the("a specimen mistyped").read_text()
