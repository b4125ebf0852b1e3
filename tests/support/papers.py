"""Papers in tests that read none: one PDF stands for all that differ from it by chance alone.

To typeset them took a tenth of the time of all tests. Those marked `reads_papers` get their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pypdf import PdfReader

from shop.documents import typesetting

BY_CHANCE = re.compile(r"\b(?:[a-z]{2}[0-9]{5}-ovh|[0-9]{6,}|[0-9]{2}:[0-9]{2})\b", re.ASCII)
"""Nic-handles, numbers of orders, and times of the day."""

_made: dict[tuple[bytes, str, bool], bytes] = {}


class _Test:
    """What the running test does with papers."""

    reads = lent = False


def begin_test(*, reads: bool) -> None:
    """From now on, papers are lent, or typeset for a test that ``reads`` them."""
    _Test.reads, _Test.lent = reads, False


def are_read() -> bool:
    """Return whether each paper is that of its own data."""
    return _Test.reads


@contextmanager
def lending() -> Iterator[None]:
    """Let the process typeset papers once that differ by chance alone, until the block ends."""
    typeset, read = typesetting.typeset, PdfReader.__init__

    def lend(source: bytes, inputs: dict[str, str]) -> bytes:
        if _Test.reads or "paper" not in inputs:
            return typeset(source, inputs)
        _Test.lent = True
        key = (source, BY_CHANCE.sub("#", inputs["paper"]), bool(inputs["data"]))
        if key not in _made:
            _made[key] = typeset(source, inputs)
        return _made[key]

    def read_own(self: PdfReader, *given: Any, **named: Any) -> None:
        assert not _Test.lent, "this paper may be another’s: mark the test with reads_papers"
        read(self, *given, **named)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(typesetting, "typeset", lend)
        patched.setattr(PdfReader, "__init__", read_own)
        yield
