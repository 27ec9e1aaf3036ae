"""What a person sees of long work: a moving line on a terminal, plain log lines everywhere else."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

LOG = logging.getLogger("perdure")


@contextmanager
def shown(title: str) -> Iterator[None]:
    """Shows perdure's log on stderr while the work runs."""
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
    if sys.stderr.isatty():
        with _on_terminal(title):
            yield
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    with _added(handler):
        LOG.info(title)
        yield


@contextmanager
def _on_terminal(title: str) -> Iterator[None]:
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    with console.status(title) as status:

        class Moving(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                status.update(record.getMessage())
                console.print(f"  {record.getMessage()}", style="red" if record.levelno > logging.WARNING else "dim")
                if record.exc_info:
                    console.print_exception()

        with _added(Moving()):
            yield


@contextmanager
def _added(handler: logging.Handler) -> Iterator[None]:
    LOG.addHandler(handler)
    try:
        yield
    finally:
        LOG.removeHandler(handler)
