"""Every exposure, outcome and method of association there is, once, with what goes with what.

The study file names them, the transforms compute them, the tables and pages show them under these names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

ExposureKind = Literal["binary", "number"]
Timing = Literal["day_0", "landmark", "over_time", "whole_follow_up"]
OutcomeKind = Literal["binary", "ordered", "number", "time"]


@dataclass(frozen=True, slots=True)
class Exposure:
    """What divides or ranks subjects, and when it is known.

    day_0: known when time begins. landmark: known on day L + w. over_time: changes, known from each sample's day on.
    whole_follow_up: known only at the end; it holds part of the outcome and is refused.
    """

    name: str
    kind: ExposureKind
    timing: Timing
    says: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is compared between subjects."""

    name: str
    kind: OutcomeKind
    says: str


EXPOSURES: Final = (
    Exposure("persistent_at_landmark", "binary", "landmark", "at least one tumour antigen positive in the landmark's window"),
    Exposure("induced_by_landmark", "binary", "landmark", "at least one tumour antigen induced by the end of the landmark's window"),
    Exposure("n_persistent_at_landmark", "number", "landmark", "tumour antigens positive in the landmark's window"),
    Exposure("product_share_at_landmark", "number", "landmark", "share of the product's tumour antigens positive in the landmark's window"),
    Exposure("sum_net_value_at_landmark", "number", "landmark", "sum of net values over the tumour antigens in the landmark's window"),
    Exposure("tumour_reactive_cells_infused", "number", "day_0", "tumour-reactive T cells infused"),
    Exposure("positive_over_time", "binary", "over_time", "at least one tumour antigen positive in the latest sample so far"),
    Exposure("ever_persistent", "binary", "whole_follow_up", "positive at any time of the follow-up"),
    Exposure("persistence_index", "number", "whole_follow_up", "share of all later samples that are positive"),
    Exposure("auc_per_day", "number", "whole_follow_up", "area under the curve to day tau or death"),
    Exposure("half_life_days", "number", "whole_follow_up", "half-life of the response"),
    Exposure("peak_value", "number", "whole_follow_up", "highest net value of the follow-up"),
    Exposure("time_to_loss", "number", "whole_follow_up", "days to the loss of the response"),
)  # fmt: skip

OUTCOMES: Final = (
    Outcome("responder", "binary", "best overall response CR or PR"),
    Outcome("disease_control", "binary", "best overall response CR, PR, SD or NON-CR/NON-PD"),
    Outcome("complete_response", "binary", "best overall response CR"),
    Outcome("best_response", "ordered", "best overall response, PD < SD < PR < CR"),
    Outcome("best_change_percent", "number", "smallest change of the target sum from baseline"),
    Outcome("OS", "time", "overall survival"),
    Outcome("PFS", "time", "progression-free survival"),
)

ExposureName = Literal[
    "persistent_at_landmark", "induced_by_landmark", "n_persistent_at_landmark", "product_share_at_landmark",
    "sum_net_value_at_landmark", "tumour_reactive_cells_infused", "positive_over_time", "ever_persistent",
    "persistence_index", "auc_per_day", "half_life_days", "peak_value", "time_to_loss",
]  # fmt: skip
OutcomeName = Literal[
    "responder", "disease_control", "complete_response", "best_response", "best_change_percent", "OS", "PFS",
]  # fmt: skip
MethodName = Literal[
    "fisher_exact", "firth_logistic", "wilcoxon_exact", "jonckheere_exact", "spearman_permutation",
    "logrank_permutation", "landmark_logrank", "score_permutation", "landmark_cox", "score_over_time", "cox_over_time",
]  # fmt: skip

OFFERED: Final[dict[tuple[ExposureKind, OutcomeKind, bool], tuple[MethodName, ...]]] = {
    ("binary", "binary", False): ("fisher_exact", "firth_logistic"),
    ("binary", "ordered", False): ("jonckheere_exact",),
    ("binary", "number", False): ("wilcoxon_exact",),
    ("binary", "time", False): ("logrank_permutation", "landmark_logrank", "landmark_cox"),
    ("number", "binary", False): ("wilcoxon_exact", "firth_logistic"),
    ("number", "ordered", False): ("jonckheere_exact",),
    ("number", "number", False): ("spearman_permutation",),
    ("number", "time", False): ("score_permutation", "landmark_cox"),
    ("binary", "time", True): ("score_over_time", "cox_over_time"),
}
"""Methods by kind of exposure and outcome, and whether the exposure changes over time; the first is the default."""

EXPOSURE: Final = {one.name: one for one in EXPOSURES}
OUTCOME: Final = {one.name: one for one in OUTCOMES}
METHODS: Final = tuple(dict.fromkeys(method for methods in OFFERED.values() for method in methods))


def methods_for(exposure: str, outcome: str) -> tuple[MethodName, ...]:
    """The methods offered, the default first; none where the question has no honest answer. KeyError for no name."""
    of = EXPOSURE[exposure]
    if of.timing == "whole_follow_up":
        return ()
    return OFFERED.get((of.kind, OUTCOME[outcome].kind, of.timing == "over_time"), ())


def why_immortal(exposure: str, outcome: str) -> str | None:
    """What is wrong with an exposure of the whole follow-up, against any outcome; None for others. KeyError for no name."""
    if EXPOSURE[exposure].timing != "whole_follow_up":
        return None
    return (
        f"{exposure} is known only at the end of the follow-up: whoever lives longer has more samples to be found "
        f"positive in, so that it holds part of {outcome} (immortal time); ask for an exposure at a landmark "
        "(persistent_at_landmark, n_persistent_at_landmark), classified up to L + w and compared from then on, or "
        "for positive_over_time, which changes on the day of each sample, against OS or PFS"
    )


def why_refused(exposure: str, outcome: str) -> str | None:
    """What is wrong with asking so, and how to ask; None where it is offered. KeyError for no name."""
    of, to = EXPOSURE[exposure], OUTCOME[outcome]
    if (why := why_immortal(exposure, outcome)) is not None:
        return why
    if of.timing == "over_time" and to.kind != "time":
        return (
            f"{exposure} changes over time, and {outcome} has no time at which to compare it; ask for OS or PFS, or for "
            "persistent_at_landmark"
        )
    return None if methods_for(exposure, outcome) else f"{exposure} against {outcome} is not offered; ask for another"
