"""Room for customers: no more than it has places, and those who wait leave theirs."""

from __future__ import annotations

import threading

from bench.customer import Room
from tests.support import patience


def test_one_that_waits_leaves_its_place_to_another() -> None:
    room, inside = Room(1), threading.Event()

    def enter() -> None:
        with room.taken():
            inside.set()

    other = threading.Thread(target=enter)
    with room.taken():
        other.start()
        assert not inside.is_set()
        with room.left():
            assert inside.wait(patience.STUCK)
    other.join(patience.STUCK)
    assert not other.is_alive()


def test_room_without_places_is_never_full() -> None:
    room = Room()
    with room.taken(), room.taken(), room.left():
        pass
