"""Prefect's settings for runs from the command line; what the user or a server has set always wins."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from expectations.errors import UsageError


def set_defaults(folder: Path) -> None:
    """No analytics, a quiet log, and a database of the study's own; call before Prefect is imported.

    Two temporary servers on one database lock each other out, so a study does not share its with another.
    """
    state = folder.resolve() / ".perdure"
    state.mkdir(exist_ok=True)
    database = state / "prefect.db"
    if not database.exists() and template().is_file():
        shutil.copyfile(template(), database)
    for name, value in {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{database}",
    }.items():
        os.environ.setdefault(name, value)


def check_server() -> None:
    """Raises UsageError (prefect.unreachable) where PREFECT_API_URL names a server that does not answer."""
    address = os.environ.get("PREFECT_API_URL")
    if not address:
        return
    import httpx

    try:
        httpx.get(f"{address.rstrip('/')}/health", timeout=10).raise_for_status()
    except httpx.HTTPError as error:
        raise UsageError(
            f"PREFECT_API_URL={address}",
            code="prefect.unreachable",
            problem=f"no Prefect server answers there ({error})",
            remedy="start the server, or unset PREFECT_API_URL to run on a temporary one",
        ) from error


def template() -> Path:
    """An empty database with Prefect's tables, made once at set-up: making one anew costs a first run some seconds."""
    return Path(sys.prefix) / "share" / "perdure" / f"prefect-{version('prefect')}.db"


def make_template() -> None:
    """Makes the template where there is none."""
    path = template()
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    settings = os.environ | {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{part}",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    command = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"]
    subprocess.run(command, env=settings, check=True, stdout=subprocess.DEVNULL)
    part.replace(path)


@contextmanager
def without_heartbeats() -> Iterator[None]:
    """Flow runs started inside send none: a flow's end would wait up to a second for the thread that sends them.

    Heartbeats tell a server that a process has died. The flow a schedule starts has them; its parts, which live and die
    with it, and runs on a temporary server have no use for them.
    """
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with temporary_settings(updates={PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield


if __name__ == "__main__":
    make_template()
