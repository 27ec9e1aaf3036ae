"""The documentation says what is there: generated pages are fresh, links resolve, examples work, names exist."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from click.testing import CliRunner

from docs import generate
from expectations.reasons import REASONS
from expectations.study import StudySettings
from expectations.study_file import parse_study
from expectations.tables import PUBLISHED_AS, TABLES
from flows.cli import cli
from tests import mini_study, published_sample
from transforms.readers import (
    aid_text,
    cytometry_csv,
    facsdiva_table,
    flowjo_table,
    long_csv,
    reference_tables,
    registry,
)
from transforms.readers.source import SourceFile

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])
WRITTEN = [page for page in PAGES if page.name not in generate.PAGES]
FILES = {".toml", ".py", ".md", ".csv", ".txt", ".html", ".duckdb"}


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: str, language: str) -> list[str]:
    """Code blocks of one language on a page."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def prose(page: Path) -> str:
    """A page without its code blocks."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


# --- generated pages ---------------------------------------------------------------------------------------------


def test_generated_pages_say_what_the_code_says():
    assert generate.stale() == [], "run `make docs` and commit the result"


def test_a_stale_page_is_named_with_the_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert set(generate.write(tmp_path)) == set(generate.PAGES)
    assert generate.main(["--check"], tmp_path) == 0
    (tmp_path / "reason-codes.md").write_text("edited by hand")
    (tmp_path / "commands.md").unlink()
    assert generate.main(["--check"], tmp_path) == 1
    told = capsys.readouterr().err
    assert "docs/commands.md, docs/reason-codes.md" in told
    assert "make docs" in told
    assert generate.main([], tmp_path) == 0
    assert generate.stale(tmp_path) == []


@pytest.mark.parametrize("page", generate.PAGES)
def test_a_generated_page_says_so_first_and_is_the_same_on_any_terminal(page: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "40")
    text = generate.PAGES[page]()
    assert text.splitlines()[0].startswith("<!-- Generated from ")
    assert text == (DOCS / page).read_text(encoding="utf-8")


def test_every_command_and_option_is_documented():
    listed = CliRunner().invoke(cli, ["--help"]).output.partition("Commands:")[2]
    names = re.findall(r"^  (\w+)  ", listed, re.MULTILINE)
    assert len(names) >= 7
    page = (DOCS / "commands.md").read_text()
    for name in names:
        section = page.partition(f"\n## perdure {name}\n")[2].partition("\n## ")[0]
        for option in re.findall(r"^  (--[\w-]+)", CliRunner().invoke(cli, [name, "--help"]).output, re.MULTILINE):
            assert option in section, f"perdure {name} {option}"
        assert f"Usage: perdure {name} " in section


def test_every_reason_code_is_documented_with_its_meaning():
    page = (DOCS / "reason-codes.md").read_text()
    assert [code for code, told in REASONS.items() if f"| `{code}` | {told.meaning}" not in page] == []


def test_every_setting_is_documented():
    page = (DOCS / "study-file.md").read_text()
    schema = StudySettings.model_json_schema()
    parts = [part for part in schema["$defs"].values() if part["type"] == "object"]
    assert parts
    for part in parts:
        for setting, told in part["properties"].items():
            is_part = "$ref" in told or "$ref" in told.get("items", {})
            assert is_part or (f"| `{setting}` |" in page and told["description"] in page), (part["title"], setting)


def test_every_published_table_view_and_column_is_in_the_dictionary(tmp_path: Path):
    page = (DOCS / "data-dictionary.md").read_text()
    with duckdb.connect(published_sample.empty_study(tmp_path / "empty.duckdb"), read_only=True) as connection:
        columns = connection.execute(
            "select table_name, column_name from duckdb_columns() where not internal"
        ).fetchall()
    assert len(columns) > 300
    for table, column in columns:
        section = re.split(rf"^###? {table}$", page, flags=re.MULTILINE)[1].partition("\n##")[0]
        assert f"`{column}`" in section, (table, column)


# --- links and names ---------------------------------------------------------------------------------------------


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """Relative links of a page: the file and the anchor."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            yield (page.parent / path).resolve() if path else page, anchor


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_resolves(page: Path):
    for target, anchor in links(page):
        assert target.exists(), target
        assert not anchor or anchor in anchors(target), f"{target}#{anchor}"


def test_every_page_can_be_reached_from_the_readme():
    seen, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page not in seen and page.suffix == ".md":
            seen.add(page)
            todo += [target for target, _ in links(page)]
    lost = {name_of(page) for page in PAGES} - {name_of(page) for page in seen}
    assert lost <= {"docs/benchmarks.md"}, "a record for those who work on perdure"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_names_a_path_of_the_machine_it_was_written_on(page: Path):
    assert re.findall(r"(?:/home|/Users|/work|/root|/tmp|/mnt)/\S*|[A-Z]:\\\S*", page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_files_that_a_page_names_exist(page: Path):
    named = re.findall(r"`((?:expectations|transforms|warehouse|flows|docs|tests)/[\w/.-]+)`", prose(page))
    assert [path for path in named if not (ROOT / path).exists()] == []


def known_names() -> set[str]:
    """Everything of the form a.b that the documentation may speak of: settings, published columns, reason codes."""
    names = set(REASONS)
    names |= {f"{PUBLISHED_AS.get(t.name, t.name)}.{column}" for t in TABLES.values() for column in t.schema}
    schema = StudySettings.model_json_schema()

    def add(part: dict[str, Any], path: str) -> None:
        for key, told in part.get("properties", {}).items():
            names.add(f"{path}{key}")
            reference = (told.get("$ref") or told.get("items", {}).get("$ref") or "").rpartition("/")[2]
            add(schema["$defs"].get(reference, {}), f"{path}{key}.")

    add(schema, "")
    return names


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_settings_columns_and_reason_codes_that_a_page_names_exist(page: Path):
    known = known_names()
    heads = {name.partition(".")[0] for name in known if "." in name}
    named = re.findall(r"`([a-z_]+(?:\.[a-z_0-9]+)+)(?: = [^`]*)?`", prose(page))
    told = [name for name in named if name.partition(".")[0] in heads and Path(name).suffix not in (*FILES, ".yaml")]
    assert [name for name in told if name not in known] == []


# --- examples ----------------------------------------------------------------------------------------------------


def read_example(text: str) -> Any:
    source = SourceFile("example", "0" * 64, text.encode())
    return registry.read(source, parse_study(mini_study.STUDY.encode()))


def test_the_example_of_an_aid_export_is_read_as_its_page_says():
    (example,) = blocks("formats.md", "text")
    found = read_example(example)
    counts = found.tables["elispot_counts"]
    assert found.format == aid_text.FORMAT
    assert found.tables["plates"].select("plate_id", "n_wells", "comment").rows() == [
        ("PL-0007", 96, "2x10^5cells/well")
    ]
    assert dict(counts["status"].value_counts().iter_rows()) == {"counted": 95, "not_counted": 1}
    assert counts.filter(well="A5")["spots"].to_list() == [61]


def test_the_examples_of_tables_are_read_without_a_fault():
    first, populations, *others = map(read_example, blocks("formats.md", "csv"))
    assert (first.format, populations.format) == (long_csv.FORMAT, cytometry_csv.FORMAT)
    assert first.tables["elispot_counts"]["status"].to_list() == ["counted", "counted", "tntc", "tntc", "not_counted"]
    assert {name for found in others for name in found.tables} == {t.name for t in reference_tables.REFERENCE_TABLES}
    statuses = populations.tables["cytometry_counts"]["status"].to_list()
    assert statuses == ["counted", "counted", "counted", "counted", "percent_only"]
    for found in (first, populations, *others):
        assert (found.bad_cells, found.unused_columns) == ([], {})


def test_the_examples_of_exports_of_cytometry_are_read_as_counts_of_samples():
    examples = [read_example(text) for text in blocks("formats.md", "txt")]
    of_cytometry = {found.format: found.tables for found in examples if "cytometry_samples" in found.tables}
    table, diva = of_cytometry[flowjo_table.FORMAT], of_cytometry[facsdiva_table.FORMAT]
    assert table["cytometry_samples"]["sample_name"].to_list() == ["P01_MART-1.fcs", "P01_medium.fcs"]
    assert table["cytometry_counts"]["count"].to_list() == [41250, 96, 39870, 9]
    assert diva["cytometry_counts"].select("population_path", "count").rows() == [
        ("", 100000), ("CD8", 41250), ("CD8/IFNg", 96),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published_sample.sample_study(tmp_path_factory.mktemp("docs") / "sample.duckdb")


@pytest.mark.parametrize("query", blocks("querying.md", "sql"), ids=lambda query: query.splitlines()[0][:60])
def test_every_query_of_the_page_can_be_asked(query: str, sample: Path):
    with duckdb.connect(sample, read_only=True) as connection:
        connection.execute(query).fetchall()


# --- the schedule ------------------------------------------------------------------------------------------------


def deployments() -> list[dict[str, Any]]:
    told: dict[str, Any] = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    return list(told["deployments"])


def test_the_deployment_starts_a_flow_that_is_there_with_parameters_it_takes():
    for deployment in deployments():
        path, _, name = deployment["entrypoint"].partition(":")
        flow = getattr(import_module(path.removesuffix(".py").replace("/", ".")), name)
        inspect.signature(flow.fn).bind(**deployment["parameters"])
        assert f"{flow.name}/{deployment['name']}" in (DOCS / "schedule.md").read_text()


@pytest.mark.filterwarnings("default")  # Prefect warns of its own dependencies
def test_a_server_schedules_the_runs_of_a_cron_deployment_and_answers_the_command_line(prefect_server: str):
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import DeploymentScheduleCreate
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
    from prefect.client.schemas.schedules import CronSchedule

    (schedule,) = deployments()[0]["schedules"]
    cron = CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow_from_name("scheduled")
        planned = [DeploymentScheduleCreate(schedule=cron, active=True)]
        deployment_id = client.create_deployment(flow_id, name="nightly", schedules=planned)
        asked = client.request(
            "POST", "/deployments/{id}/schedule", path_params={"id": deployment_id}, json={"min_runs": 2}
        )
        assert asked.is_success
        mine = DeploymentFilter(id=DeploymentFilterId(any_=[deployment_id]))
        runs = client.read_flow_runs(deployment_filter=mine)  # other tests' runs fill the first page of all
        assert client.read_flows(), "prefect flow-run ls asks this"
    times = [run.expected_start_time for run in runs]
    assert len(times) >= 2
