"""The web server's processes: each keeps to a processor of its own, and all of them end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from serving.web_server import keep_to_processor
from tests import ROOT
from tests.support import patience, processes

pytestmark = [
    pytest.mark.one_database,
    pytest.mark.skipif(
        not hasattr(os, "sched_setaffinity"), reason="only Linux lets a process choose"
    ),
]

SERVED = """
import os, sys
from serving import web_server
from tests.serving.test_web_server import {load}
os.sched_setaffinity(0, {{{processors}}})
web_server.run({load}, web_server.Listening("127.0.0.1", {port}, {number}, 0.0))
"""


def noting(_stopping: Callable[[], bool]) -> Any:
    """Write a file named after this process, with the processors that it may use."""
    processors = os.sched_getaffinity(0)
    Path(os.environ["NOTES"], str(os.getpid())).write_text(" ".join(map(str, sorted(processors))))

    async def application(*_: object) -> None:
        raise NotImplementedError

    return application


def never_loaded(stopping: Callable[[], bool]) -> Any:
    """Write the same file, and load for ever."""
    noting(stopping)
    threading.Event().wait()


@contextmanager
def served(load: Callable[..., Any], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a server of a process for each of two processors; yield it when they have begun."""
    processors = sorted(os.sched_getaffinity(0))[:2]
    program = SERVED.format(
        load=load.__name__,
        processors=", ".join(map(str, processors)),
        port=processes.free_port(),
        number=len(processors),
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, env=os.environ | {"NOTES": str(folder)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as server:  # fmt: skip
        try:
            wait_for_notes(folder, len(processors))
            yield server
        finally:
            server.terminate()


def wait_for_notes(folder: Path, number: int) -> None:
    patience.wait_until(lambda: len(notes(folder)) == number, lambda: len(notes(folder)))


def notes(folder: Path) -> dict[int, str]:
    return {int(note.name): text for note in folder.iterdir() if (text := note.read_text())}


@pytest.mark.parametrize(
    ("number", "of", "kept"),
    [(0, 2, [4]), (1, 2, [7]), (3, 4, [7]), (0, 1, [4, 7]), (2, 3, [4, 7])],
    ids=["the first", "the second", "two for each", "too few", "not equally many for each"],
)
def test_a_process_keeps_to_a_processor_if_all_have_equally_many(
    number: int, of: int, kept: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = {7, 4}
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: allowed)
    monkeypatch.setattr(
        os, "sched_setaffinity", lambda _, chosen: allowed.intersection_update(chosen)
    )
    keep_to_processor(number, of)
    assert sorted(allowed) == kept


def test_a_process_started_again_keeps_to_the_processor_of_the_one_before(tmp_path: Path) -> None:
    with served(noting, tmp_path):
        first = notes(tmp_path)
        processors = sorted(os.sched_getaffinity(0))[:2]
        assert sorted(first.values()) == [str(processor) for processor in processors]
        killed = max(first)
        os.kill(killed, signal.SIGKILL)
        wait_for_notes(tmp_path, len(first) + 1)
        (again,) = notes(tmp_path).keys() - first.keys()
        assert notes(tmp_path)[again] == first[killed]


def test_processes_that_still_load_the_application_end_when_they_are_told(tmp_path: Path) -> None:
    with served(never_loaded, tmp_path) as server:
        server.terminate()
        said, _ = server.communicate(timeout=patience.STUCK)
    assert "Killing" not in said
