"""The pictures of ten screens are there in pairs, on a page that shows each, and weigh little."""

from __future__ import annotations

import re

import pytest

from e2e import pictures

pytestmark = pytest.mark.one_database


def test_the_page_shows_each_screen_before_and_after() -> None:
    text = pictures.PAGE.read_text()
    assert text == pictures.page_of_pairs(), "written by another state of e2e/pictures.py"
    shown = re.findall(r"\]\(([\w-]+\.webp)\)", text)
    assert sorted(shown) == sorted(path.name for path in pictures.FOLDER.glob("*.webp"))
    assert len(shown) == 20
    assert {each.split("-")[0] for each in shown} == {"before", "after"}


def test_the_screens_are_of_both_languages_and_all_sizes() -> None:
    assert {screen.language for screen in pictures.SCREENS} == {"fr", "en"}
    assert {screen.size for screen in pictures.SCREENS} == {"desktop", "phone", "small phone"}


def test_all_pictures_together_weigh_less_than_a_megabyte() -> None:
    files = list(pictures.FOLDER.glob("*.webp"))
    assert all(path.read_bytes()[8:12] == b"WEBP" for path in files)
    assert sum(path.stat().st_size for path in files) < 1_000_000
