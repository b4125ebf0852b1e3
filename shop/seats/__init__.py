"""Seats: found, configured, changed, released; by hand one by one, or from a file."""

from __future__ import annotations

from shop.seats.acts import change_password, configure, edit, release, retry
from shop.seats.rules import InvalidPerson, Person, read_person

__all__ = [
    "InvalidPerson",
    "Person",
    "change_password",
    "configure",
    "edit",
    "read_person",
    "release",
    "retry",
]
