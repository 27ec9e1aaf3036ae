"""`make bench`: measures in one run, prints where the time goes, and adds to the history of docs/benchmarks.md."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench import commands, dfr, fcs, gating, landmark, mimosa, page, persistence, readers, scale
from tests.bench.page import Section

DEMO_TARGET = "At most 30 s after set-up on two cores. Wall seconds of a whole process."
LIGHT_TARGET = (
    "`--help`, `status` and `query` below 1.5 times the import of Polars and DuckDB; a run with nothing new below\n"
    f"2 s. Medians of {commands.RUNS} runs after one warm-up, each paired with the baseline, so that the ratio holds\n"
    "when the machine's speed drifts."
)
READERS_TARGET = f"At least {readers.TARGET} times faster than allotropy per file."
DFR_TARGET = (
    "Both rules for 100 000 families of 8 antigens, 3 + 6 wells, in at most 60 s. Exact, without random numbers.\n"
    "Seconds from wells to verdicts."
)
FCS_TARGET = (
    f"FCS into a Polars frame within {fcs.MOST_READS} plain reads of the same file, and at least {fcs.LEAST_FLOWKIT}\n"
    "times faster than `flowkit.Sample`; all on the same files in turn."
)
GATING_TARGET = (
    "A file of a million events at least as fast as with FlowKit alone, counts equal; 200 FCS files with a workspace\n"
    f"of 20 populations on two processes at least {gating.TARGET} times faster than on one."
)
SCALE_TARGET = (
    "10 000 plates (960 000 wells) ingest, validate and commit in at most 180 s and 2 GB on two cores; twice the\n"
    "plates take at most 2.2 times as long. One layout template serves all plates; a process of its own each size."
)


def main() -> None:
    """Measures, prints and writes."""
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "study"
        steps = commands.demo_steps(study)
        light = commands.light_commands(study)
    read, resampled, many = readers.measure(), dfr.measure(), scale.measure()
    raw, gated, mixtures = fcs.measure(), gating.measure(), mimosa.measure()
    landmarks, persisting = landmark.measure(), persistence.measure()
    sections = [
        Section("The demo study", DEMO_TARGET, commands.steps_table(steps)),
        Section("Light commands", LIGHT_TARGET, commands.light_table(light)),
        Section("Readers", READERS_TARGET, readers.table(read)),
        Section("Resampling rules", DFR_TARGET, _seconds_table("rule and families", resampled)),
        Section("FCS files", FCS_TARGET, fcs.table(raw)),
        Section("Gating", GATING_TARGET, gating.table(gated)),
        Section("MIMOSA", mimosa.TARGET, _seconds_table("what is fitted", mixtures)),
        Section("Persistence", persistence.TARGET, persistence.table(persisting)),
        Section("Landmark analysis", landmark.TARGET, _seconds_table("analysis", landmarks)),
        Section("Many plates", SCALE_TARGET, scale.table(many)),
    ]
    for section in sections:
        print(section.found)
    figures = {"demo, s": f"{steps['whole']:.1f}"}
    names = ("--help", "status", "query", "nothing new")
    figures |= {name: f"{ratio:.2f}" for name, (_, ratio) in zip(names, light.values(), strict=True)}
    figures |= {"allotropy, times": f"{read.smallest_ratio:.0f}"}
    figures |= scale.figures(many) | fcs.figures(raw) | gating.figures(gated) | persistence.figures(persisting)
    page.write(sections, figures)


def _seconds_table(what: str, told: dict[str, float]) -> str:
    rows = [f"| {name} | {seconds:.2f} |" for name, seconds in told.items()]
    return "\n".join([f"| {what} | seconds |", "|---|---:|", *rows, ""])


if __name__ == "__main__":
    main()
