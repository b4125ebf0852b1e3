"""Members of staff, made in a process forked after all imports: they took most of a second."""

from __future__ import annotations

import os
from collections.abc import Mapping
from multiprocessing.connection import Connection

import app  # imported before the fork, once for all members
from desk import access
from shop.sandbox_link import test_points
from tests.support import staff
from web import cookies


def make(
    variables: Mapping[str, str], role: str, language: str, email: str, answer: Connection
) -> None:
    """Make a member of the shop with these variables; answer the name and value of a cookie."""
    os.environ.update(variables)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    with app.create_app().app_context():
        test_points.follow_clock()  # the clock may have been moved on
        member = staff.member(role, language, email)
        answer.send((cookies.name_of(access.COOKIE), staff.session_of(member)))
