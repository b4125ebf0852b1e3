"""URLs of pages: they are what Flask builds, however they were kept."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, url_for

from web.urls import page_url

pytestmark = pytest.mark.one_database


@pytest.mark.parametrize("prefix", ["", "/shop"])
@pytest.mark.parametrize(
    "values",
    [
        {},
        {"basket": "a1"},
        {"basket": "é & =?#%+ /,:;@!$'()*\"<>~", "business": 3},
        {"business": 3, "basket": ""},
        {"basket": None},
        {"basket": ["one", "two"]},
        {"_anchor": "there", "basket": "b2"},
        {"_external": True},
    ],
)
def test_a_url_is_the_one_that_flask_builds(
    app: Flask, values: dict[str, Any], prefix: str
) -> None:
    with app.test_request_context("/fr/", base_url=f"http://localhost{prefix}"):
        for _ in range(2):
            for endpoint in ("storefront.quantities", "storefront.summary"):
                expected = url_for(endpoint, lang="fr", **values)
                assert page_url(endpoint, lang="fr", **values) == expected
    assert f"{prefix}/fr/" in expected


def test_the_values_of_a_query_take_no_room_among_the_urls_that_are_kept(app: Flask) -> None:
    kept = app.extensions["page_urls"]._kept
    with app.test_request_context("/fr/"):
        page_url("storefront.summary", lang="fr", basket="first")
        before = kept.cache_info().misses
        for number in range(10):
            page_url("storefront.summary", lang="fr", basket=f"other {number}")
    assert kept.cache_info().misses == before
