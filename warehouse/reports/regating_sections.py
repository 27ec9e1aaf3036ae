"""Stored counts of gates against those made again from FCS files: by type, drawn, and those that disagree."""

from __future__ import annotations

import json
from typing import Final

from warehouse.reports.blocks import Chart, Section, Table
from warehouse.reports.published import Published, Row
from warehouse.reports.regating_chart import stored_against_regated
from warehouse.reports.tables import SHOWN, Shown, tabulate
from warehouse.reports.wording import NOTHING, counted, listed, number, share

_TOLERANCE: Final = "cytometry.gating.tolerance_events"
MOST_DRAWN: Final = 500
"""Populations that agree, and as many that do not, that a chart shows; more hide each other and fill the page."""

_DRAWN: Final = """
with seen as (
    select
        *,
        row_number() over (partition by agrees order by gate_type, {order}) - 1 as position,
        row_number() over (partition by agrees, gate_type order by {order}) = 1 as is_furthest,
        count(*) over (partition by agrees) as n_alike
    from stored_and_regated
    where larger_count > 0
)
select * exclude (position, is_furthest, n_alike) from seen
where is_furthest or position % ceil(n_alike / ?)::bigint = 0
order by agrees, position""".format(order="difference_percent desc, path, sample_number, population_path, fcs_sha256")
"""Evenly taken from small to large differences of each type of gate, the furthest apart of each always."""

_DISAGREEING: Final = "stored_and_regated where not agrees"

_BY_TYPE: Final = (
    Shown("Gate", "gate_type"),
    Shown("Populations", "n_populations", is_numeric=True),
    Shown("Compared", "n_compared", is_numeric=True),
    Shown("Agree", lambda row: share(row["n_agree"], row["n_compared"]), is_numeric=True),
    Shown("Beyond the tolerance", "n_disagree", is_numeric=True),
    Shown("Tolerance, %", "tolerance_percent", is_numeric=True),
    Shown("Difference, median %", "median_difference_percent", is_numeric=True),
    Shown("largest %", "max_difference_percent", is_numeric=True),
    Shown("No stored count", "n_not_stored", is_numeric=True),
    Shown("Not counted again", "n_not_regated", is_numeric=True),
    Shown("because", "reasons"),
)

_DISAGREEMENTS: Final = (
    Shown("Sample", "sample_name"),
    Shown("Tube", "tube_id"),
    Shown("Population", "population_path"),
    Shown("Gate", "gate_type"),
    Shown("Stored", "count_stored", is_numeric=True),
    Shown("Counted again", "count_regated", is_numeric=True),
    Shown("Apart, %", "difference_percent", is_numeric=True),
    Shown("allowed, %", "tolerance_percent", is_numeric=True),
    Shown("Stored by", lambda row: row["software_version"] or NOTHING),
    Shown("File", "path"),
    Shown("FCS file", "fcs_path"),
)


def regated(published: Published) -> Section | None:
    """Stored counts against those made again from FCS files; None where nothing could be compared."""
    types = published.view("gate_agreement_by_type")
    if not types:
        return None
    n = {name: sum(row[name] for row in types) for name in ("n_compared", "n_disagree")}
    blocks = (tabulate("Gates by type", types, _BY_TYPE, ""), _compared(published, types), _beyond(published, n))
    return Section("regated", "Stored and re-gated counts", blocks)


def _compared(published: Published, types: list[Row]) -> Chart:
    drawn, events = published.rows(_DRAWN, MOST_DRAWN), _tolerance_events(published)
    n, n_beyond = sum(row["n_compared"] for row in types), sum(row["n_disagree"] for row in types)
    return Chart(
        anchor="stored-and-regated",
        caption=f"Stored counts against counts made again from the FCS files: n = {counted(n, 'population')}, "
        f"{number(n_beyond)} beyond the tolerance",
        spec=stored_against_regated(drawn, {row["gate_type"]: row for row in types}, events),
        when_empty="No population has both counts.",
        notes=(
            "Counted again minus stored, percent of the larger. "
            f"Dashed: the tolerance of the gate's type; a difference of {counted(events, 'event')} always agrees. "
            f"Not drawn: {_not_drawn(published, drawn)}. FlowJo bins polygons and ellipses, so small differences are "
            "of its making.",
        ),
    )


def _not_drawn(published: Published, drawn: list[Row]) -> str:
    """How many are left out, by what they are."""
    query = """select count(*) filter (larger_count = 0) as empty,
                      count(*) filter (larger_count > 0 and agrees) as agreeing,
                      count(*) filter (larger_count > 0 and not agrees) as beyond from stored_and_regated"""
    (n,) = published.rows(query)
    n_agreeing = sum(row["agrees"] for row in drawn)
    few = "evenly left out; the furthest apart of each type of gate is drawn"
    left = {"agreeing": n["agreeing"] - n_agreeing, "beyond": n["beyond"] - (len(drawn) - n_agreeing)}
    words = listed(
        {
            "without an event in either count": n["empty"],
            "that agree": left["agreeing"],
            "beyond the tolerance": left["beyond"],
        }
    )
    return f"{words} ({few})" if any(left.values()) else words


def _beyond(published: Published, n: dict[str, int]) -> Table:
    rows = published.rows(f"select * from {_DISAGREEING} limit {SHOWN}")
    caption = f"{counted(n['n_disagree'], 'population')} beyond the tolerance, of {number(n['n_compared'])} compared"
    empty = "Every count agrees with the stored one."
    return tabulate(caption, rows, _DISAGREEMENTS, empty, rest_in=_DISAGREEING, of=n["n_disagree"])


def _tolerance_events(published: Published) -> int:
    told = published.rows("select value from settings where setting = ?", _TOLERANCE)
    return int(json.loads(told[0]["value"])) if told else 0
