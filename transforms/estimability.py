"""What an analysis answers where its data allow no number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class NotEstimable:
    """No number, and the reason code that says why (expectations/reasons.py)."""

    reason: Literal["no_event", "separation", "not_estimable", "not_converged"]
