"""Progress output: one line per step, updated on a terminal, short in a log."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"


class SetupError(Exception):
    """Set-up cannot go on without the user; the message says what to do."""


class Step:
    """One step of the set-up, announced when it starts and when it is done.

    Use as a context manager; `progress` rewrites the line on a terminal, and in a log writes
    one at most every ten seconds.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self._started = time.monotonic()
        self._reported_at = self._started
        self._live = sys.stdout.isatty()

    def __enter__(self) -> Step:
        self._write(f"{self.title} …", final=not self._live)
        return self

    def progress(self, detail: str) -> None:
        """Report progress: always on a terminal, at most every ten seconds in a log."""
        if self._live or time.monotonic() - self._reported_at > 10:
            self._reported_at = time.monotonic()
            self._write(f"{self.title} … {detail}", final=not self._live)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        seconds = time.monotonic() - self._started
        outcome = "failed" if kind else f"done in {seconds:.0f} s"
        self._write(f"{self.title}: {outcome}", final=True)

    def _write(self, line: str, *, final: bool) -> None:
        start = "\r\033[K" if self._live else ""
        print(f"{start}· {line}", end="\n" if final else "", flush=True)


def run(command: Sequence[str | Path], on_line: Callable[[str], None] | None = None) -> str:
    """Run a program without showing its output; pass each line to ``on_line``; return the output.

    Raises `SetupError` with the last lines of the output when it fails.
    """
    words = [str(word) for word in command]
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    lines = []
    with process:
        for line in process.stdout or ():
            lines.append(line)
            if on_line:
                on_line(line)
    if process.returncode:
        tail = "".join(lines[-20:]).rstrip()
        raise SetupError(f"{' '.join(words[:4])} … failed:\n{tail}")
    return "".join(lines)
