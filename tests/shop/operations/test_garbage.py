"""Garbage is looked for rarely, and not among what a process begins with."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from weakref import ref

import pytest

from shop.operations import garbage


class Node:
    """An object that may refer to itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)


def test_what_there_was_is_left_out_and_later_garbage_is_found() -> None:
    kept = Node()
    frozen = gc.get_freeze_count()
    garbage.look_rarely()
    assert gc.get_freeze_count() > frozen
    assert not any(each is kept for each in gc.get_objects())
    later = ref(Node())
    assert later() is not None
    gc.collect()
    assert later() is None


def test_it_is_looked_for_after_many_objects() -> None:
    garbage.look_rarely()
    assert gc.get_threshold() == (garbage.OBJECTS, 20, 50)
    assert gc.isenabled()
