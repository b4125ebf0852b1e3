"""Files for spreadsheets: no cell of ours is computed."""

from __future__ import annotations

import pytest

from shop.text import csv_export


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"])
def test_no_cell_begins_as_a_formula(first: str) -> None:
    cell = csv_export.escape_formula(f"{first}1+1")
    assert cell == f"'{first}1+1"
    assert csv_export.unescape_formula(cell) == f"{first}1+1"


@pytest.mark.parametrize("number", ["-12", "-12,50", "12.50"])
def test_numbers_stay_numbers(number: str) -> None:
    assert csv_export.escape_formula(number) == number
