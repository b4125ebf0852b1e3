"""The numbers of pages below a list: the ends, and those around the page shown."""

from __future__ import annotations

import re

import pytest
from flask import Flask


def numbers(app: Flask, page: int, pages: int) -> list[str]:
    """Return the numbers that are shown, and the gaps between them."""
    with app.test_request_context():
        macros = app.jinja_env.get_template("components/data.html").make_module()
        text = macros.pagination(page, pages, lambda number: f"?page={number}")
    found = re.findall(r'href="\?page=(\d+)"[^>]*aria-label|(…)', text)
    return [number or gap for number, gap in found]


@pytest.mark.parametrize(
    ("page", "pages", "shown"),
    [
        (1, 2, "1 2"), (2, 2, "1 2"), (1, 3, "1 2 3"), (3, 5, "1 2 3 4 5"),
        (1, 50, "1 2 … 50"), (4, 50, "1 … 3 4 5 … 50"), (50, 50, "1 … 49 50"),
        (25_000, 1_000_000_000, "1 … 24999 25000 25001 … 1000000000"),
    ],
)  # fmt: skip
def test_the_ends_and_the_neighbours_are_shown(
    app: Flask, page: int, pages: int, shown: str
) -> None:
    assert numbers(app, page, pages) == shown.split()
