"""The journeys' driver: what it reads of a page, and what it refuses to measure."""

from __future__ import annotations

import sys

import httpx
import pytest

from bench import __main__ as driver
from bench.journeys import JourneyFailed, Timings, form_of

PAGE = """<!doctype html><form action="/elsewhere"><input name="q"></form>
<form action="pay"><input type="hidden" name="token" value="t"><input type="checkbox" name="yes"
value="y"><select name="c"><option value="a"><option value="b" selected></select></form>"""


def answer(text: str, status: int = 200) -> httpx.Response:
    return httpx.Response(status, text=text, request=httpx.Request("GET", "http://localhost/o/"))


def test_a_form_is_found_by_a_field_and_unticked_boxes_are_not_sent() -> None:
    assert form_of(answer(PAGE), "yes") == ("http://localhost/o/pay", {"token": "t", "c": "b"})


def test_a_page_without_the_form_ends_the_run() -> None:
    with pytest.raises(JourneyFailed):
        form_of(answer(PAGE), "nowhere")


def test_an_error_of_the_server_ends_the_run() -> None:
    with pytest.raises(JourneyFailed, match="500"):
        Timings().take("home", lambda: answer("", 500))


def test_only_a_shop_on_this_machine_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "--url", "http://shop.example/"])
    with pytest.raises(SystemExit):
        driver.main()
