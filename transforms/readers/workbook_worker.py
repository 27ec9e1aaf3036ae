"""One process that opens workbooks for this one, kept for all of them and started again when a damaged file ends it.

Threads take turns. A process forked from this one starts a worker of its own. The worker ends with this process.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, Final, cast

from transforms.readers.plate_grid import Cells
from transforms.readers.workbook_process import LENGTH, PassedOver

_COMMAND: Final = (sys.executable, "-m", "transforms.readers.workbook_process")
SECONDS: Final = 60.0
"""A workbook that takes longer is damaged."""

NamedCells = list[tuple[str, Cells]]


def sheets_in(
    data: bytes,
    passed_over: Sequence[PassedOver] = (),
    meanwhile: Callable[[], None] = lambda: None,
    *,
    seconds: float = SECONDS,
) -> NamedCells:
    """Name and cells, as text, of the sheets of a workbook (.xlsx, .xls, .ods); a row ends with its last filled cell.

    `meanwhile` is called while the worker is at it; what it raises is raised here.

    Raises ValueError for what the library cannot read, does not survive, or takes longer over than `seconds`.
    """
    told = json.dumps({"passed_over": passed_over, "seconds": seconds})
    question = _message(told.encode()) + _message(data)
    with _worker.lock:
        answer: dict[str, Any] = json.loads(_worker.ask(question, meanwhile))
    if "error" in answer:
        raise ValueError(answer["error"])
    return [(name, cells) for name, cells in answer["sheets"]]


def close() -> None:
    """Ends the worker, where there is one; the next workbook starts another."""
    _worker.end()


class _Worker:
    """The process, once a workbook has asked for it; who talks to it holds the lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None

    def ask(self, question: bytes, meanwhile: Callable[[], None]) -> bytes:
        """The answer to one workbook; after a failure on the way there is no worker any more."""
        with self._ended_on_failure():
            process = self._started()
            _send(cast("IO[bytes]", process.stdin), question)
        try:
            meanwhile()
        finally:
            with self._ended_on_failure():
                answer = _received(cast("IO[bytes]", process.stdout))
        return answer

    def end(self) -> None:
        """Kills it: it holds nothing that could be lost."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            _close_pipes(process)
            process.wait()

    def forget(self) -> None:
        """In a process just forked: the worker is the parent's, and another thread of the parent may hold the lock."""
        process, self.process, self.lock = self.process, None, threading.Lock()
        if process is not None:
            _close_pipes(process)
            process.returncode = 0  # not ours to wait for

    def _started(self) -> subprocess.Popen[bytes]:
        if self.process is not None and self.process.poll() is not None:
            self.end()
        if self.process is None:
            pipe = subprocess.PIPE  # without buffers, which a fork would copy
            self.process = subprocess.Popen(_COMMAND, bufsize=0, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
        return self.process

    @contextmanager
    def _ended_on_failure(self) -> Iterator[None]:
        """Half a message left in a pipe would be taken for the beginning of the next."""
        try:
            yield
        except BaseException:
            self.end()
            raise


_worker: Final = _Worker()
atexit.register(close)
if hasattr(os, "register_at_fork"):  # not on Windows, where no process forks
    os.register_at_fork(after_in_child=_worker.forget)


def _message(content: bytes) -> bytes:
    return len(content).to_bytes(LENGTH) + content


def _send(pipe: IO[bytes], content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[pipe.write(rest) :]


def _received(pipe: IO[bytes]) -> bytes:
    return bytes(_read(pipe, int.from_bytes(_read(pipe, LENGTH))))


def _read(pipe: IO[bytes], length: int) -> bytearray:
    content = bytearray()
    while len(content) < length:
        part = pipe.read(length - len(content))
        if not part:
            raise ValueError("the library that opens workbooks did not survive it, or took too long")
        content += part
    return content


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
