"""Associations: the declared primary one, what else could explain it, secondaries, robustness, and all the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from expectations.analyses import EXPOSURE
from warehouse.reports import associations
from warehouse.reports.association_chart import robustness
from warehouse.reports.blocks import Block, Chart, Folded, Section, Table, Text
from warehouse.reports.characteristics import characteristics
from warehouse.reports.published import Published, Row
from warehouse.reports.tables import Shown, tabulate
from warehouse.reports.wording import NOTHING, counted, meaning, number, sentence, series, share

_IN_ORDER: Final = """
    select associations.*
    from associations
    cross join analysis_in_force as in_force
    order by
        list_position(['primary', 'secondary', 'exploratory'], family),
        place,
        associations.assay = in_force.assay desc,
        associations.assay,
        associations.cell_population,
        associations.readout,
        associations.rule = in_force.rule desc,
        associations.rule,
        associations.exposure,
        associations.outcome desc,
        associations.landmark_day,
        associations.method"""


def _estimate(row: Row) -> str:
    return NOTHING if row["estimate"] is None else associations.estimate(row, before_ends="")


def _series(row: Row) -> str:
    return series(row["assay"], row["cell_population"], row["readout"])


def _verdict(row: Row) -> str:
    if row["p_value"] is None and row["reason"]:
        return f"not estimable ({(meaning(row['reason']) or row['reason']).rstrip('.')})"
    return associations.verdict(row)


def _test(row: Row) -> str:
    drawn = f"; {number(row['n_permutations'])} permutations, seed {row['seed']}" if row["n_permutations"] else ""
    return f"{associations.method(row)}{drawn}"


_NOUNS: Final = {"persistent_at_landmark": "persistence", "induced_by_landmark": "induction"}

_COMPARED: Final = (
    Shown("Exposure and outcome", lambda row: sentence(associations.comparison(row))),
    Shown("Measured by, rule", lambda row: f"{_series(row)}, {row['rule']}"),
    Shown("n", "n", is_numeric=True),
    Shown("Groups", lambda row: sentence(associations.groups(row))),
    Shown("Left out", lambda row: sentence(associations.exclusions(row, is_short=True))),
    Shown("Estimate (95\N{NO-BREAK SPACE}% interval)", _estimate),
    Shown("p", associations.verdict),
    Shown("Adjusted", lambda row: associations.adjusted(row).split(" (")[0]),
    Shown("Test", associations.method),
    Shown("Reads", "letter"),
)
_SHORT: Final = (
    "Left out: n.e. is not evaluable; dead, lost or progressed at time zero, against a response dead by the end of the "
    "landmark's window. Numbers of permutations and seeds stand in `associations`."
)


def association_results(published: Published) -> Section:
    """The primary association, its robustness, confounders beside it, secondaries, and all others behind a fold."""
    rows = published.rows(_IN_ORDER)
    of = {
        family: [row for row in rows if row["family"] == family] for family in ("primary", "secondary", "exploratory")
    }
    blocks: list[Block] = [
        *_primary(of["primary"]),
        _confounders(published),
        _secondary(of["secondary"]),
        _robustness(published),
        _robustness_table([row for row in rows if row["is_robustness"]]),
        _exploratory(of["exploratory"]),
    ]
    return Section("associations", "Association with outcome", tuple(blocks))


def _primary(rows: Sequence[Row]) -> list[Block]:
    if not rows:
        return [Text("No primary association has been computed yet.")]
    primary = rows[0]
    words = (
        f"The one declared primary analysis: {associations.comparison(primary)}, {_series(primary)}, "
        f"rule {primary['rule']}, n = {primary['n']}. {sentence(associations.estimate(primary))}; "
        f"{_verdict(primary)} ({_test(primary)}). {sentence(associations.groups(primary))}. "
        f"Left out: {associations.exclusions(primary)}. {primary['reads']}"
    )
    return [Text(words), *([_two_by_two(primary)] if _is_two_by_two(primary) else [])]


def _is_two_by_two(row: Row) -> bool:
    return bool(row["n"]) and EXPOSURE[row["exposure"]].kind == "binary" and row["n_exposed_with_outcome"] is not None


def _two_by_two(row: Row) -> Table:
    n_with = {name: row[f"n_{name}_with_outcome"] for name in ("exposed", "unexposed")}
    exposed, unexposed = associations.exposure_groups(row)
    lines: list[Row] = [
        {"group": sentence(exposed), "n": row["n_exposed"], "n_with": n_with["exposed"]},
        {"group": sentence(unexposed), "n": row["n_unexposed"], "n_with": n_with["unexposed"]},
        {"group": "Both", "n": row["n"], "n_with": sum(n_with.values())},
    ]
    with_it, without = associations.outcome_groups(row)
    columns = (
        Shown(f"At day {row['landmark_day']}", "group"),
        Shown(sentence(with_it), lambda line: share(line["n_with"], line["n"]), is_numeric=True),
        Shown(sentence(without), lambda line: share(line["n"] - line["n_with"], line["n"]), is_numeric=True),
        Shown("Subjects", "n", is_numeric=True),
    )
    return tabulate(f"The primary analysis as counted, n = {row['n']}", lines, columns, "Nobody could be compared.")


def _confounders(published: Published) -> Table:
    return characteristics(
        published,
        division="primary_exposure",
        caption="What else could explain a difference: subjects by the exposure of the primary analysis",
        when_empty="No subject has been classified by the exposure of the primary analysis yet.",
        notes=("Shown, not adjusted for.",),
        without=("best_overall_response",),
    )


def _secondary(rows: Sequence[Row]) -> Table:
    return _listed(
        rows,
        f"{counted(len(rows), 'declared secondary analysis', 'declared secondary analyses')}, p-values adjusted "
        "together by Holm, over all that are declared",
        "No secondary analysis is declared in study.toml.",
    )


def _exploratory(rows: Sequence[Row]) -> Block:
    what = counted(len(rows), "exploratory analysis", "exploratory analyses")
    table = _listed(
        rows,
        f"{sentence(what)}, p-values adjusted together by Benjamini-Hochberg{_family(rows)}",
        "No exploratory association has been computed yet.",
    )
    return Folded(f"{sentence(what)}, none declared beforehand", (table,))


def _family(rows: Sequence[Row]) -> str:
    sizes = sorted({row["family_size"] for row in rows if row["family_size"] is not None})
    return f"; {counted(sizes[-1], 'p-value')} in the family" if sizes else ""


def _listed(rows: Sequence[Row], caption: str, when_empty: str) -> Table:
    letters = {reading: _letter(place) for place, reading in enumerate(associations.readings(rows))}
    lettered = [
        {**row, "letter": " ".join(letters[reading] for reading in associations.sentences(row))} for row in rows
    ]
    return tabulate(
        caption,
        lettered,
        _COMPARED,
        when_empty,
        notes=(_SHORT, *(f"({letter}) {reading}" for reading, letter in letters.items())),
        rest_in="associations",
    )


def _letter(place: int) -> str:
    """A, b, c, ... z, aa, ab: there may be more readings than letters."""
    rest, last = divmod(place, 26)
    return (_letter(rest - 1) if rest else "") + chr(ord("a") + last)


def _robustness(published: Published) -> Chart:
    rows = published.view("robustness")
    sizes = sorted(row["n"] for row in rows) or [0]
    n = f"n = {sizes[0]}" if sizes[0] == sizes[-1] else f"n = {sizes[0]} to {sizes[-1]}"
    undrawn = sum(row["estimate"] is None for row in rows)
    asked = (
        f"{sentence(_exposure_at_any(rows[0]))} and {associations.outcome(rows[0])}" if rows else "The primary question"
    )
    tests = ", ".join(dict.fromkeys(associations.method(row) for row in rows))
    return Chart(
        anchor="robustness",
        caption=f"{asked} under every positivity rule, landmark and assay: {n} subjects, "
        f"{counted(len(rows), 'choice')}, {undrawn} without an estimate",
        spec=robustness(rows),
        when_empty=f"No estimate under any rule, landmark and assay ({counted(len(rows), 'choice')}).",
        notes=(
            f"Beside each choice: {_beside(rows)}, p by {tests or 'the method of the primary analysis'}, not adjusted. "
            "Lines: 95\N{NO-BREAK SPACE}% intervals; an arrow goes on beyond the axis. Dashed: no association.",
        ),
    )


def _robustness_table(rows: Sequence[Row]) -> Block:
    what = counted(len(rows), "choice")
    table = _listed(
        rows,
        f"The primary question under every positivity rule, landmark and assay, {what}",
        "The primary question has not been asked yet.",
    )
    return Folded(f"The same as a table, {what}", (table,))


def _exposure_at_any(row: Row) -> str:
    if row["exposure"] in _NOUNS:
        return _NOUNS[row["exposure"]]
    words = associations.exposure(row)
    return words.removesuffix(f" at day {row['landmark_day']}").removesuffix(f" by day {row['landmark_day']}")


def _beside(rows: Sequence[Row]) -> str:
    if not rows or rows[0]["n_exposed_with_outcome"] is None:
        return "subjects compared"
    exposed, unexposed = associations.exposure_groups(rows[0])
    return f"{associations.outcome_groups(rows[0])[0]} among {exposed} vs {unexposed} subjects"
