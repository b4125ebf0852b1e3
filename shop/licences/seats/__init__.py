"""Seats: search, configuration, changes and release, one by one or by CSV import."""

from __future__ import annotations

from shop.licences.seats.actions import change_password, configure, edit, release, retry
from shop.licences.seats.rules import InvalidPerson, Person, read_person

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
