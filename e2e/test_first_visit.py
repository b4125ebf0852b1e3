"""The first visit to the shop."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tooling import htmx


def test_the_shop_speaks_the_visitors_language(
    page: Page, language: str, check_accessibility: Callable[[], None]
) -> None:
    page.goto("/")
    expect(page).to_have_url(f"/{language}/")
    expect(page.locator("html")).to_have_attribute("lang", language)
    check_accessibility()


@pytest.mark.only(language="fr", size="desktop", script=True)
def test_pages_load_the_very_htmx_that_npm_has(page: Page) -> None:
    page.goto("/fr/")
    script = page.locator(f'script[src$="/htmx.org@{htmx.VERSION}/dist/htmx.min.js"]')
    expect(script).to_have_attribute("integrity", htmx.INTEGRITY)
    assert page.evaluate("htmx.version") == htmx.VERSION
