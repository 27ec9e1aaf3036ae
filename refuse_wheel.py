"""Build hook: perdure runs from a checkout or an image and is never built into a wheel."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class RefuseWheel(BuildHookInterface):  # type: ignore[type-arg]
    """Lets an editable install pass and refuses every other wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Stop a standard wheel build with the reason and the remedy."""
        if version != "editable":
            raise SystemExit(
                "perdure is not built into a wheel: its packages `flows`, `transforms`, `expectations` and `warehouse` "
                "would claim four generic names in somebody else's environment. Run it from a checkout with `uv sync`."
            )
