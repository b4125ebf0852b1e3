"""The test client that looks at every page it is given."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support import pages, queries

LETTER_STYLES = "style-src 'unsafe-inline'"
"""What the policy of a letter's frame allows, and that of no page."""

NO_PAGE = {204, *range(300, 400)}
"""Answers without a page to look at."""

NOT_SWAPPED = {400, 401, 403, 404, 405, 410, 413, 429, *range(500, 600)}
"""Refusals that htmx leaves to our script (base.html): whole pages, whoever asked."""

MOST_QUERIES = 12
"""The most SQL statements showing a page may take (issue: every page of the journey)."""


class CheckingClient(FlaskClient):
    """Fails the test that sees a fault, a bad page, or one that asks the database too much.

    ``statements`` are the SQL statements of the last request. A test that provokes a fault
    sets ``expects_faults``; one that asks thousands of times does without ``reads_pages``.
    """

    statements: list[str]
    expects_faults = False
    reads_pages = True

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Make a request and check its answer, read to its end."""
        kwargs.setdefault("buffered", True)
        with queries.recorded() as self.statements:
            response = super().open(*args, **kwargs)
        where = f"{response.request.method} {response.request.path}"
        if not self.expects_faults:
            assert response.status_code < 500, f"{where}: {response.status}"
        is_page = response.mimetype == "text/html" and response.status_code not in NO_PAGE
        if is_page and self.reads_pages and response.request.method not in {"HEAD", "OPTIONS"}:
            self._check(response, where)
        return response

    def csrf_token(self) -> str:
        """What the forms this browser is shown send along."""
        return self.token_in(super().open("/fr/password"))

    @staticmethod
    def token_in(page: TestResponse) -> str:
        """What a form of this page sends along."""
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
        assert found, "a form without a token"
        return found[1]

    def ask(
        self, method: str, address: str, form: dict[str, Any] | None = None, token: str = ""
    ) -> TestResponse:
        """Ask with the token of the shop's forms, whether there is such a form or not."""
        headers = {} if method == "GET" else {"X-CSRFToken": token or self.csrf_token()}
        return self.open(address, method=method, headers=headers, data=form)

    def _check(self, response: TestResponse, where: str) -> None:
        asked_for_part = response.request.headers.get("HX-Request-Type") == "partial"
        is_partial = asked_for_part and response.status_code not in NOT_SWAPPED
        is_letter = LETTER_STYLES in response.headers.get("Content-Security-Policy", "")
        if found := pages.problems(response.text, is_partial=is_partial, is_letter=is_letter):
            raise AssertionError(f"{where}:\n- " + "\n- ".join(found))
        if response.request.method == "GET" and len(self.statements) > MOST_QUERIES:
            listed = "\n".join(self.statements)
            raise AssertionError(f"{where} ran {len(self.statements)} statements:\n{listed}")


def browser(app: Flask) -> CheckingClient:
    """A browser of its own, with no cookie yet."""
    client = app.test_client()
    assert isinstance(client, CheckingClient)
    return client
