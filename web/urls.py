"""URLs: the base of absolute ones, and those that pages are full of."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlencode

from flask import Flask, current_app, has_request_context, request

MOST_KEPT = 4096
"""URLs that a process keeps; a menu has some twenty, a list one or two for each row."""

PLAIN = (str, int)

SAFE_IN_QUERY = "!$'()*,/:;?@"
"""Characters that Werkzeug leaves as they are in a query (https://url.spec.whatwg.org)."""


class PageUrls:
    """`flask.url_for` for templates: most of a page's dozens of URLs were on the page before it.

    One that depends on nothing but its endpoint and plain values is built once in a process; those
    of its query, such as a customer's basket, are put behind it.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._kept = lru_cache(MOST_KEPT)(self._build)
        self._in_path = cache(self._find_in_path)

    def __call__(self, endpoint: str, **values: Any) -> str:
        """Return the URL of an endpoint, as `flask.url_for` does."""
        if endpoint[0] == "." or not has_request_context():
            return self._app.url_for(endpoint, **values)
        for name, value in values.items():
            if name[0] == "_" or type(value) not in PLAIN:  # an option, or no plain value
                return self._app.url_for(endpoint, **values)
        in_path = self._in_path(endpoint)
        if in_path.issuperset(values):
            return self._kept(request.script_root, endpoint, tuple(values.items()))
        path = tuple(pair for pair in values.items() if pair[0] in in_path)
        query = [pair for pair in values.items() if pair[0] not in in_path]
        url = self._kept(request.script_root, endpoint, path)
        return f"{url}?{urlencode(query, safe=SAFE_IN_QUERY)}"

    def _build(self, _: str, endpoint: str, values: tuple[tuple[str, str | int], ...]) -> str:
        return self._app.url_for(endpoint, **dict(values))  # type: ignore[arg-type]

    def _find_in_path(self, endpoint: str) -> frozenset[str]:
        """Return the names of the values that are in the path of an endpoint."""
        rules = self._app.url_map.iter_rules(endpoint)
        return frozenset().union(*(rule.arguments for rule in rules))


def page_url(endpoint: str, **values: Any) -> str:
    """Return the URL of an endpoint, as a template gets it."""
    return str(current_app.extensions["page_urls"](endpoint, **values))


def base_url() -> str:
    """Return scheme and host for links that are followed from elsewhere.

    In production always ``PUBLIC_URL``, never the request's Host header; in development the host
    the browser used, because its session cookie belongs to that.
    """
    settings = current_app.extensions["settings"]
    if settings.production:
        return str(settings.public_url)
    return request.host_url.rstrip("/")
