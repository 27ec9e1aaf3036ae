"""One writer at a time: a lock that the operating system lets go when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from expectations.errors import UsageError


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Holds the study's write lock for the duration.

    Raises UsageError (study.locked) at once where another process holds it.
    """
    path = folder / "lake" / ".lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            handle.seek(0)
            holder = handle.read().strip() or "it has not said who it is"
            raise UsageError(
                str(folder),
                code="study.locked",
                problem=f"another run is writing to this study ({holder})",
                remedy="wait for it to end and run again; a run that was killed holds no lock",
            ) from error
        handle.truncate(0)
        handle.write(f"process {os.getpid()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
        handle.flush()
        yield
