"""A path of gates means what study.toml spells out, and otherwise nothing; it never means two things."""

from __future__ import annotations

from itertools import product

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as law
from hypothesis import strategies as st

from expectations.computed_cytometry import POPULATION_PATHS
from expectations.records import REGATED_COUNTS
from expectations.study_cytometry import Cytometry
from tests.drawing import SHARED, needs_shared, table
from tests.drawn_samples import CYTOMETRY, MULTIMERS, counts_of, study
from transforms.population_vocabulary import Vocabulary, paths, resolve

SETTINGS = study(**MULTIMERS).cytometry


def meant(path: str, settings: Cytometry = SETTINGS) -> str | None:
    found = resolve(path, settings)
    return None if found is None else f"{found.population}: {found.subset}".strip()


@pytest.mark.parametrize(
    ("path", "meaning"),
    [
        ("S/L/CD3+/CD8+", "CD8:"),
        ("S/Lv/L/3+/8+", "CD8:"),
        ("S/L/CD3+/CD4+", "CD4:"),
        ("S/Ly", "lymphocytes:"),
        ("S/Ly/CD3+/CD8+", "CD8:"),
        ("S/L/CD3+/CD8+/IFNg+", "CD8: IFNg+"),
        ("S/L/CD3+/CD8+/TNFa-", "CD8: TNF-"),
        ("S/L/CD3+/CD8+/TNF-a+", "CD8: TNF+"),
        ("S/L/CD3+/CD8+/PE-Cy7 IFNg+", "CD8: IFNg+"),
        ("S/L/CD3+/CD8+/(!IFNg+&IL2+&!TNFa+)", "CD8: IFNg-IL2+TNF-"),
        ("S/L/CD3+/CD8+/!IFNg-", "CD8: IFNg+"),
        ("S/L/CD3+/CD8+/(IFNg+|IL2+)", "CD8: IFNg+ or IL2+"),
        ("S/L/CD3+/CD8+/(TNFa+|IL2+|IFNg+)", "CD8: IFNg+ or IL2+ or TNF+"),
        ("S/L/CD3+/CD8+/((IFNg+&IL2+)|TNF+)", "CD8: IFNg+IL2+ or TNF+"),
        ("S/L/CD3+/CD8+/!(IFNg+|IL2+)", "CD8: IFNg-IL2-"),
        ("S/L/CD3+/CD8+/IFNg+2+22-TNF-", "CD8: IFNg+IL2+IL22-TNF-"),
        ("S/L/CD3+/CD8+/TNF+ IFNg-", "CD8: IFNg-TNF+"),
        ("S/L/CD3+/CD8+/IFNg-TNF+", "CD8: IFNg-TNF+"),
        ("S/L/CD3+/CD8+/Q2: IFNg+ , TNF+", "CD8: IFNg+TNF+"),
        ("S/L/CD3+/CD8+/IFNg+/TNF+", "CD8: IFNg+TNF+"),
        ("S/L/CD3+/CD8+/IFNg+/(IFNg+|TNF+)", "CD8: IFNg+"),
        ("S/L/CD3+/CD8+/Tet+", "CD8: MART-1 A*02:01 multimer+"),
        ("S/L/CD3+/CD8+/Multimers/M1+", "CD8: MART-1 A*02:01 multimer+"),
        # Kinds of plus, minus and blank make no difference.
        ("S/L/CD3\uff0b/CD8\u207a/IFNg+  TNF\u2212", "CD8: IFNg+TNF-"),
        ("S/L/ CD3+ /CD8+/( IFNg+ & IL2+ )", "CD8: IFNg+IL2+"),
    ],
)
def test_a_spelling_means_its_population_and_subset(path, meaning):
    assert meant(path) == meaning


@pytest.mark.parametrize(
    "path",
    [
        "",
        "S",
        "S/L/xCD3+/CD8+",
        "S/L/CD3+/CD8+x",
        "S/L/CD8+",
        "S/L/CD3+/x/CD8+",
        "S/L/cd3+/cd8+",
        "S/L/CD3+\\/CD8+",
        "S/L/CD3+/CD8+/IFNg",
        "S/L/CD3+/CD8+/ifng+",
        "S/L/CD3+/CD8+/IFN\u03b3+",
        "S/L/CD3+/CD8+/APC IFNg+",
        "S/L/CD3+/CD8+/IFNg +",
        "S/L/CD3+/CD8+/IFNg++",
        "S/L/CD3+/CD8+/IFNghi",
        "S/L/CD3+/CD8+/IFNg+222+",
        "S/L/CD3+/CD8+/IFNg+&",
        "S/L/CD3+/CD8+/(IFNg+",
        "S/L/CD3+/CD8+/IFNg+)",
        "S/L/CD3+/CD8+/IFNg+|TNF+&2+",
        "S/L/CD3+/CD8+/IFNg+&2+|TNF+",
        "S/L/CD3+/CD8+/IFNg+IFNg-",
        "S/L/CD3+/CD8+/IFNg+/IFNg-",
        "S/L/CD3+/CD8+/CCR7-/IFNg+",
        "S/L/CD3+/CD8+/IFNg+/CCR7-",
        "S/L/CD3+/CD8+/Tet+/IFNg+",
        "S/L/CD3+/CD4+/Tet+",
        "S/L/CD3+/CD8+/M1+",
        # Only part of the population stands here.
        "S/IFNg+/CD3+/CD8+",
        "S/Tet+/CD3+/CD8+/IFNg+",
        "S/L/CD3+/CD8+/" + "(" * 4000,
        "S/L/CD3+/CD8+/" + "!" * 4000,
        "S/L/CD3+/CD8+/" + "&".join(["(IFNg+|IL2+|TNF+|IL22+)"] * 4000) + "x",
    ],
)
def test_what_is_not_wholly_understood_has_no_meaning(path):
    assert meant(path) is None


def test_a_slash_in_a_gates_name_is_written_with_a_backslash():
    populations = [{"name": "CD8", "paths": [r"ViVi\/CD14-/CD8+"]}]
    settings = study(populations=populations).cytometry
    assert meant(r"S/ViVi\/CD14-/CD8+", settings) == "CD8:"
    assert meant("S/ViVi/CD14-/CD8+", settings) is None


def test_the_deepest_population_counts_and_of_those_that_end_there_the_longest_spelling():
    populations = [
        {"name": "T", "paths": ["CD3+"]},
        {"name": "any CD8", "paths": ["CD8+"]},
        {"name": "CD8 T", "paths": ["CD3+/CD8+"]},
    ]
    settings = study(populations=populations).cytometry
    assert meant("S/CD3+/CD8+/IFNg+", settings) == "CD8 T: IFNg+"
    assert meant("S/CD8+/IFNg+", settings) == "any CD8: IFNg+"
    assert meant("S/CD3+/IFNg+", settings) == "T: IFNg+"


def test_a_path_that_would_mean_two_things_means_none():
    as_marker = study(**MULTIMERS, markers={"Tet": []}).cytometry
    assert meant("CD3+/CD8+/Tet+", as_marker) is None
    alike = [{"name": "A", "paths": ["CD8+"]}, {"name": "B", "paths": ["CD8\u207a"]}]
    assert meant("S/CD8+", study(populations=alike).cytometry) is None


def test_without_a_vocabulary_nothing_has_a_meaning():
    assert meant("CD3+/CD8+/IFNg+", Cytometry()) is None
    assert meant("CD3+/CD8+/+", study(markers={}).cytometry) is None


def test_paths_are_told_with_how_many_samples_and_files_have_them():
    counts = counts_of("""
        file | n | path              | told
        b    | 1 | S/CD3+/CD8+       | 10
        b    | 2 | S/CD3+/CD8+       | -
        a    | 1 | S/CD3+/CD8+       | 10
        b    | 1 | S/CD3+/CD8+/IFNg+ | 10
        b    | 1 | S/CD3+/CD8+/odd   | 10
        b    | 1 |                   | 10
    """)
    regated = table(
        """
        file_sha256 | sample_number | population_path | fcs_sha256
        g           | 1             | S/CD3+/CD8+     | x
        g           | 1             | S/CD3+/CD8+     | y
        """,
        REGATED_COUNTS,
    )
    found = paths(counts, regated, SETTINGS)
    expected = table(
        """
        population_path   | population | subset | is_mapped | reason              | n_samples | n_files | example_sha256
        S/CD3+/CD8+       | CD8        |        | true      |                     | 4         | 3       | a
        S/CD3+/CD8+/IFNg+ | CD8        | IFNg+  | true      |                     | 1         | 1       | b
        S/CD3+/CD8+/odd   |            |        | false     | population.unmapped | 1         | 1       | b
        """,
        POPULATION_PATHS,
    )
    assert found.row(0) == ("", None, None, False, "population.unmapped", 1, 1, "b")
    is_whole = pl.col("population").is_not_null() & pl.col("subset").is_null()
    subset = pl.when(is_whole).then(pl.lit("")).otherwise("subset")
    assert found[1:].equals(expected.with_columns(subset=subset))


MARKERS = tuple(CYTOMETRY["markers"])
SIGNS = st.dictionaries(st.sampled_from(MARKERS), st.booleans(), min_size=1)


@given(SIGNS, st.randoms(use_true_random=False), st.sampled_from(["&", " & ", ", ", " ", "", "/"]))
def test_markers_mean_the_same_in_any_order_and_with_any_separator(signs, random, separator):
    spelled = [f"{name}{'+' if sign else '-'}" for name, sign in signs.items()]
    random.shuffle(spelled)
    canonical = "".join(f"{name}{'+' if signs[name] else '-'}" for name in MARKERS if name in signs)
    assert meant(f"CD3+/CD8+/{separator.join(spelled)}") == f"CD8: {canonical}"
    assert Vocabulary(SETTINGS).term(canonical) == frozenset(signs.items())


EXPRESSIONS = st.recursive(
    st.sampled_from([f"{name}{sign}" for name in ("IFNg", "IL2", "TNF") for sign in "+-"]),
    lambda inner: st.one_of(
        inner.map(lambda one: f"!({one})"),
        st.lists(inner, min_size=2, max_size=3).map(lambda several: f"({'&'.join(several)})"),
        st.lists(inner, min_size=2, max_size=3).map(lambda several: f"({'|'.join(several)})"),
    ),
    max_leaves=6,
)


def holds(text: str, cell: dict[str, bool]) -> bool:
    for name, is_positive in cell.items():
        text = text.replace(f"{name}+", str(is_positive)).replace(f"{name}-", str(not is_positive))
    return bool(eval(text.replace("!", " not ").replace("&", " and ").replace("|", " or ")))


@given(EXPRESSIONS)
@law(max_examples=300)
def test_a_boolean_gate_means_the_cells_it_holds(expression):
    cells = [dict(zip(("IFNg", "IL2", "TNF"), signs, strict=True)) for signs in product((True, False), repeat=3)]
    found = meant(f"CD3+/CD8+/{expression}")
    if found is None:
        assert not any(holds(expression, cell) for cell in cells)
        return
    terms = found.removeprefix("CD8: ").split(" or ")
    for cell in cells:
        in_term = (all(f"{n}{'-' if v else '+'}" not in term for n, v in cell.items()) for term in terms)
        assert any(in_term) == holds(expression, cell)


@given(st.text(alphabet="CD348+-/IFNg2TLa|&!(), Q:\\\u2212\u207a", max_size=60))
@law(max_examples=500)
def test_any_path_has_at_most_one_meaning_and_never_fails(path):
    found = resolve(path, SETTINGS)
    assert found is None or found.population in SETTINGS.population_names


@needs_shared
def test_every_subset_of_the_real_statistics_is_understood():
    markers = {"IFNg": [], "IL2": [], "IL4": [], "TNF": ["TNFa"]}
    settings = study(markers=markers).cytometry
    lines = (SHARED / "real/cytometry/ics_study/statistics.tsv").read_text().splitlines()[1:]
    named = sorted({line.split("\t")[1] for line in lines})
    below = [path for path in named if path.startswith("S/Lv/L/3+/")]
    assert len(below) == 54
    found = {path: meant(path, settings) for path in named}
    assert all(found[path] is not None for path in below)
    assert len({found[path] for path in below}) == 54
    assert {path for path in named if found[path]} == set(below)
