"""How PDFs are made: by many threads, never in a process forked after its first."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from shop.documents import typesetting
from tests import ROOT
from tests.support import patience

pytestmark = pytest.mark.reads_papers

HELLO = b'#set document(title: "x")\n#read("/name")'


def test_threads_typeset_at_once_without_a_lock() -> None:
    names = [f"Papier {number}" for number in range(40)]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda name: typesetting.typeset(HELLO, {"name": name}), names))
    assert len({re.sub(rb"/ID\[.*?\]", b"", each) for each in made}) == 40


FORK = """
import os, sys
from shop.documents import typesetting
source = b'#set document(title: "x")'
if sys.argv[1] == "before":
    typesetting.typeset(source, {})
child = os.fork()
if not child:
    try:
        typesetting.typeset(source, {})
    except typesetting.ForkedProcessError:
        os._exit(3)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def forked(when: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", FORK, when],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=patience.STUCK,
    )
    return done.stdout.strip()


def test_a_process_forked_before_its_first_pdf_typesets() -> None:
    assert forked("after") == "0"


def test_a_process_forked_later_says_so_and_does_not_hang() -> None:
    assert forked("before") == "3"
