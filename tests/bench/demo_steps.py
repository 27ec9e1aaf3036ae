"""Runs the demo once and prints, as JSON, the seconds of each of its parts."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TOLD: dict[str, float] = {}


@contextmanager
def timed(name: str) -> Iterator[None]:
    """Adds the time of the block to the part of that name."""
    started = time.perf_counter()
    yield
    TOLD[name] = TOLD.get(name, 0.0) + time.perf_counter() - started


def main(folder: Path) -> None:
    """The demo as the command line runs it, with a clock around each step."""
    from flows.demo import make_demo
    from flows.prefect_settings import set_defaults

    with timed("write the simulated files"):
        make_demo(folder)
    set_defaults(folder)
    with timed("import Prefect, Polars and perdure's flows"):
        import flows.run
        from expectations import suites
        from flows import running

    real_load, real_task = suites.load, flows.run._task

    def load() -> None:
        with timed("import Great Expectations"):
            real_load()

    def task(name: str, work: Callable[..., Any], *arguments: Any) -> Any:
        def clocked(*given: Any) -> Any:
            with timed(name):
                return work(*given)

        return real_task(name, clocked, *arguments)

    suites.load = load
    flows.run._task = task
    running.run(folder, "bench")
    print(json.dumps(TOLD))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
