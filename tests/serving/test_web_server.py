"""The web server's processes: each keeps to a processor of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
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
from tests.serving.test_web_server import noting
os.sched_setaffinity(0, {{{processors}}})
web_server.run(noting, web_server.Listening("127.0.0.1", {port}, {number}, 0.0))
"""


def noting(_stopping: Callable[[], bool]) -> Any:
    """Write a file named after this process, with the processors that it may use."""
    processors = os.sched_getaffinity(0)
    Path(os.environ["NOTES"], str(os.getpid())).write_text(" ".join(map(str, sorted(processors))))

    async def application(*_: object) -> None:
        raise NotImplementedError

    return application


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
    processors = sorted(os.sched_getaffinity(0))[:2]
    program = SERVED.format(
        processors=", ".join(map(str, processors)),
        port=processes.free_port(),
        number=len(processors),
    )
    command = [sys.executable, "-c", program]
    environment = os.environ | {"NOTES": str(tmp_path)}
    with subprocess.Popen(command, cwd=ROOT, env=environment) as server:
        try:
            patience.wait_until(
                lambda: len(notes(tmp_path)) == len(processors), lambda: len(notes(tmp_path))
            )
            first = notes(tmp_path)
            assert sorted(first.values()) == [str(processor) for processor in processors]
            killed = max(first)
            os.kill(killed, signal.SIGKILL)
            patience.wait_until(
                lambda: len(notes(tmp_path)) > len(first), lambda: len(notes(tmp_path))
            )
            (again,) = notes(tmp_path).keys() - first.keys()
            assert notes(tmp_path)[again] == first[killed]
        finally:
            server.terminate()
