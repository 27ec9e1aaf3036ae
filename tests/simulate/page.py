"""docs/decisions/simulation.md, written from what was simulated."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from textwrap import wrap
from typing import Final

from expectations.analyses import EXPOSURE, methods_for
from tests.simulate.cohort import LANDMARK, NULL, NULL_STOPPED, OVER_TIME, World
from tests.simulate.questions import Asked, Status
from tests.simulate.replicates import SEED, WORLDS, Share, Simulated

PAGE: Final = Path(__file__).parents[2] / "docs" / "decisions" / "simulation.md"
MOST: Final = 6.0
"""Per cent of p-values at or below 5 % that an offered analysis may have."""
LEAST_COVERED: Final = 93.0

_ALT: Final = (
    "Dots with Monte Carlo intervals: share of drawn studies with p at most 5 %, by analysis, for each size. Offered "
    "analyses lie about the band from 4 to 6 % or below it, refused ones far above it."
)
_HOW: Final = (
    """Death has a median of about 15 months, with a gamma frailty that also governs progression; follow-up ends after 6
    to 48 months, with some loss. Tumours are assessed every 8 weeks; a response needs to be lived for until it is seen.
    Blood is drawn at a baseline and nine later visits; 15 % of samples are missing, 3 % fail, and single antigens
    fail. Four tumour antigens are induced in some subjects more readily than in others, peak at two weeks and decay
    with half-lives around four months; a net value of 55 spots per 10^6 is positive, whatever its error of measurement.
    One number of infused cells in six lies below its limit of detection. Nothing in blood or product depends on
    response, progression or death, but for this: the dead give no samples. So every p-value at or below 5 % is a false
    one.""",
    """The landmark is day 90 +- 14, time zero day 104. Exclusions, classification and intervals are those of the
    pipeline, and the tests are its own functions: `tests/test_simulate.py` runs drawn studies through the pipeline
    itself (responses, persistence, `associations`) and compares n and p of every analysis. Of more than 100 subjects a
    Wilcoxon p-value below 2 % or above 10 % is the normal approximation's, as 5 % is out of its reach.""",
)
_REFUSED: Final = """These are the naive analyses. Groups are formed by what is seen in the course of follow-up, and
    time is counted from day 0: who lives longer gives more samples, and has more time to respond. Nothing is associated
    here either. The study file refuses an exposure from the whole follow-up, and nothing compares the survival of
    responders with that of others."""
_STOPPED: Final = """The same studies, but nobody gives blood after progression was seen. At a landmark those without a
    sample are left out, and the rest are compared fairly. A marker that changes over time keeps its last value instead:
    who has progressed, and tends to die sooner, stays as positive as on that day, while the responses of the others are
    seen to decay. So the marker carries some of the progression: compare its rows against OS with those further up.
    Here the responses decay slowly and the bias is small; it grows with faster decay and more deaths. PFS over time,
    which ends where sampling ends, and OS from the landmark do not have it."""
_COVERED: Final = """Per cent of the studies with an interval in which it holds the truth: where nothing is associated,
    and under an alternative (odds ratio 4 for the persistent; hazard ratio 0.5 for the persistent from the landmark on,
    or while positive; a shift of 10^9 cells; no frailty there, with which hazards would not be proportional). The
    interval of an odds ratio is conditional and exact and covers more than 95 %. Profile-likelihood limits are stored
    for hazard ratios; Wald's stand here for comparison. Of studies of 200 one in five is asked for the shift."""
_POWER: Final = """Share of studies with p at most 5 % where there is something to find: an odds ratio of 4 for
    response, a hazard ratio of 0.5 for death. A study of 25 rarely finds it: there a p-value above 5 % says little, and
    the interval says more."""
_CHOSEN: Final = """The first method of `OFFERED` (expectations/analyses.py) is the default of an exposure and
    outcome. The log-rank test by permutation stands before its asymptotic form, which exceeds 6 % at 25 subjects
    where few are left to compare (against PFS), as its chi-square takes a smooth distribution for that of a dozen
    events; the pipeline takes that form by itself only beyond 200 subjects. The marker over time is tested by the
    exact convolution before the likelihood ratio. Beside any of these tests a hazard ratio has its profile-likelihood
    interval."""


def write(simulated: Simulated, seconds: float, page: Path = PAGE) -> str:
    """Writes the page and returns it."""
    text = "\n".join(_told(simulated, seconds)) + "\n"
    page.write_text(text, encoding="utf-8")
    return text


def _told(simulated: Simulated, seconds: float) -> Iterator[str]:
    yield from ("<!-- Written by `make simulate`. -->", "# Simulation: do the analyses keep their error rates?", "")
    yield from _paragraph(
        f"perdure {version('perdure')}, {datetime.now(UTC):%Y-%m-%d}: {simulated.replicates} drawn studies of each of "
        f"{len(simulated.sizes)} sizes and {len(WORLDS)} worlds, seed {SEED}, {simulated.n_permutations} random "
        f"permutations where not all can be counted, with a seed of their own in each study; "
        f"{seconds / 60:.0f} minutes on {os.cpu_count()} cores, Python "
        f"{platform.python_version()}. Each study has its own random numbers (seed, world, size, number), so that any "
        "one can be drawn again."
    )
    yield from (f"![{_ALT}](simulation.svg)", "", "## In short", "")
    yield from _short(simulated)
    yield from _paragraph(_CHOSEN)
    yield from ("## How the studies are drawn", "")
    for part in _HOW:
        yield from _paragraph(part)
    yield from ("## Type I error at 5 %, nothing associated", "")
    yield from _paragraph(_reading(simulated))
    yield from _errors(simulated, NULL, "offered")
    yield from ("Other forms of the same tests, whose p-value is not the one that is stored:", "")
    yield from _errors(simulated, NULL, "other form")
    yield from ("## What is refused, and why", "")
    yield from _paragraph(_REFUSED)
    yield from _errors(simulated, NULL, "refused")
    yield from ("## Where sampling stops at progression", "")
    yield from _paragraph(_STOPPED)
    yield from _errors(simulated, NULL_STOPPED, "offered")
    yield from ("## Coverage of 95 % intervals", "")
    yield from _paragraph(_COVERED)
    yield from _coverage(simulated)
    yield from ("## Power", "")
    yield from _paragraph(_POWER)
    yield from _errors(simulated, LANDMARK, "offered", only=("responder", "OS"), exposures=("persistent_at_landmark",))
    yield from _errors(simulated, OVER_TIME, "offered", only=("OS",))
    yield from ("## Where", "")
    yield from _paragraph(
        "`tests/simulate/`; `make simulate` writes this page and the figure. `tests/test_simulate.py` keeps it running."
    )


def _paragraph(text: str) -> Iterator[str]:
    yield from wrap(" ".join(text.split()), 120, break_long_words=False, break_on_hyphens=False)
    yield ""


def _short(simulated: Simulated) -> Iterator[str]:
    """What the numbers say of what is offered."""
    offered = _asked(simulated, NULL, "offered")
    groups = {
        "Defaults": [one for one in offered if _is_default(one)],
        "Offered beside them": [one for one in offered if not _is_default(one)],
    }
    for n in simulated.sizes:
        tally = simulated.of(NULL, n)
        for name, group in groups.items():
            worst = max(group, key=lambda one: tally.share(one).percent)
            n_kept = sum(tally.share(one).percent <= MOST for one in group)
            yield (
                f"- {name}, {n} subjects: {n_kept} of {len(group)} at most {MOST:.0f} %; the highest is "
                f"{_percent(tally.share(worst))} %, {worst.method} of {worst.exposure} against {worst.outcome}."
            )
    for n in simulated.sizes:
        refused = [simulated.of(NULL, n).share(one).percent for one in _asked(simulated, NULL, "refused")]
        yield f"- Refused, {n} subjects: {min(refused):.0f} to {max(refused):.0f} %."
    stored = {
        (name, world.name, n): simulated.of(world, n).share(name).percent
        for world in (NULL, LANDMARK, OVER_TIME)
        for n in simulated.sizes
        for name in _intervals(simulated, world)
        if "Wald" not in name
    }
    name, world_name, n = lowest = min(stored, key=lambda one: stored[one])
    yield (
        f"- Intervals that are stored: the lowest coverage is {stored[lowest]:.1f} % ({name}, {world_name}, n = {n}; "
        f"asked for: {LEAST_COVERED:.0f} %)."
    )
    yield ""


def _reading(simulated: Simulated) -> str:
    errors = [
        simulated.of(NULL, n).share(one).error for n in simulated.sizes for one in _asked(simulated, NULL, "offered")
    ]
    return (
        "Per cent of the studies in which the analysis has a number, +- its Monte Carlo standard error (at most "
        f"{max(errors):.1f}); subjects compared, on average; and per cent of studies without a number (nothing varies, "
        "or separation). *Default* is the method taken where the study file names none. An exact test of few subjects "
        "has few possible p-values and stays below 5 %: that is its price, not a fault."
    )


def _errors(
    simulated: Simulated, world: World, status: Status, only: Sequence[str] = (), exposures: Sequence[str] = ()
) -> Iterator[str]:
    head = "".join(f" n = {n} | compared | no number |" for n in simulated.sizes)
    yield f"| method | exposure | outcome |{head}"
    yield f"|---|---|---|{'---:|---:|---:|' * len(simulated.sizes)}"
    for one in _asked(simulated, world, status):
        if (only and one.outcome not in only) or (exposures and one.exposure not in exposures):
            continue
        cells = ""
        for n in simulated.sizes:
            tally = simulated.of(world, n)
            share = tally.share(one)
            cells += f" {_percent(share)} | {tally.mean_subjects(one):.0f} | {share.not_estimable_percent:.1f} % |"
        name = f"{one.method} (default)" if status == "offered" and _is_default(one) else one.method
        yield f"| {name} | {one.exposure} | {one.outcome} |{cells}"
    yield ""


def _coverage(simulated: Simulated) -> Iterator[str]:
    columns = [(what, n) for what in ("no association", "alternative") for n in simulated.sizes]
    yield f"| interval |{''.join(f' {what}, n = {n} |' for what, n in columns)}"
    yield f"|---|{'---:|' * len(columns)}"
    for name in _intervals(simulated, NULL):
        other = OVER_TIME if name.startswith("time-dependent") else LANDMARK
        cells = [_percent(simulated.of(world, n).share(name)) for world in (NULL, other) for n in simulated.sizes]
        yield f"| {name} | {' | '.join(cells)} |"
    true = simulated.truths[NULL.name]
    yield ""
    yield from _paragraph(
        f"Where nothing is associated the response rate of evaluable subjects is {100 * true.response_rate:.1f} % and "
        f"the median of OS {true.median_os:.0f} days."
    )


def _asked(simulated: Simulated, world: World, status: Status) -> list[Asked]:
    seen = simulated.of(world, simulated.sizes[0]).seen
    return sorted(one for one in seen if isinstance(one, Asked) and one.status == status)


def _intervals(simulated: Simulated, world: World) -> list[str]:
    return sorted(one for one in simulated.of(world, simulated.sizes[0]).seen if isinstance(one, str))


def _is_default(one: Asked) -> bool:
    return one.exposure in EXPOSURE and methods_for(one.exposure, one.outcome)[0] == one.method


def _percent(share: Share) -> str:
    return f"{share.percent:.1f} +- {share.error:.1f}" if share.told else "no number"
