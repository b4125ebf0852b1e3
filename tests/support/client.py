"""The test client that checks every page it receives."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import models
from shop.payments import outcomes
from tests.support import pages, queries

LETTER_STYLES = "style-src 'unsafe-inline'"
"""What the policy of an e-mail's frame allows, and that of no page."""

NO_PAGE = {204, *range(300, 400)}
"""Statuses of answers without a page."""

NOT_SWAPPED = {400, 401, 403, 404, 405, 410, 413, 429, *range(500, 600)}
"""Errors that htmx leaves to our script (base.html): whole pages, for htmx requests too."""

WRITES = ("INSERT", "UPDATE", "DELETE")

MOST_QUERIES = 12
"""The most SQL statements showing a page may take (issue: every page of the journey)."""

UPKEEP = (
    'UPDATE "session" SET "seen_at"',
    'SELECT "t1"."code", "t1"."name", "t1"."places_limit", "t1"."name_fr"',
)
"""What the first page after a while runs besides: that the session was used, and the offers that a
process keeps until they change."""


class CheckingClient(FlaskClient):
    """A client that fails the test on an exception, an invalid page, or too many SQL statements.

    ``statements`` are the SQL statements of the last request. A test that provokes an
    exception sets ``expects_faults``; one with thousands of requests unsets ``reads_pages``.
    """

    statements: list[str]
    expects_faults = False
    reads_pages = True

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Make a request, read its answer to the end and check it."""
        kwargs.setdefault("buffered", True)
        settings = self.application.extensions["settings"]
        if settings.production and isinstance(args[0], str) and args[0].startswith("/"):
            kwargs.setdefault("base_url", settings.public_url)
        with queries.recorded() as self.statements:
            response = super().open(*args, **kwargs)
        assert models.database.is_closed() or not models.database.in_transaction()
        where = f"{response.request.method} {response.request.path}"
        if not self.expects_faults:
            assert response.status_code < 500, f"{where}: {response.status}"
        is_page = response.mimetype == "text/html" and response.status_code not in NO_PAGE
        if is_page and self.reads_pages and response.request.method not in {"HEAD", "OPTIONS"}:
            self._check(response, where)
        return response

    def csrf_token(self) -> str:
        """Return the CSRF token in the forms of this browser."""
        return self.token_in(super().open("/fr/password"))

    @staticmethod
    def token_in(page: TestResponse) -> str:
        """Return the CSRF token of a form on this page."""
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
        assert found, "a form without a token"
        return found[1]

    def ask(
        self, method: str, address: str, form: dict[str, Any] | None = None, token: str = ""
    ) -> TestResponse:
        """Make a request with a valid CSRF token, whether a page has such a form or not."""
        headers = {} if method == "GET" else {"X-CSRFToken": token or self.csrf_token()}
        return self.open(address, method=method, headers=headers, data=form)

    def _check(self, response: TestResponse, where: str) -> None:
        asked_for_part = response.request.headers.get("HX-Request-Type") == "partial"
        is_partial = asked_for_part and response.status_code not in NOT_SWAPPED
        is_letter = LETTER_STYLES in response.headers.get("Content-Security-Policy", "")
        if found := pages.problems(response.text, is_partial=is_partial, is_letter=is_letter):
            raise AssertionError(f"{where}:\n- " + "\n- ".join(found))
        of_page = [
            each for each in _showing(response, self.statements) if not each.startswith(UPKEEP)
        ]
        if response.request.method == "GET" and len(of_page) > MOST_QUERIES:
            listed = "\n".join(of_page)
            raise AssertionError(f"{where} ran {len(of_page)} statements:\n{listed}")


def _showing(response: TestResponse, statements: list[str]) -> list[str]:
    """Return the statements that show a page.

    The return from the bank applies what the bank says first, as the answer to a form would.
    """
    if outcomes.CHECKOUTS.return_argument not in response.request.args:
        return statements
    written = [n for n, each in enumerate(statements) if each.startswith(WRITES)]
    return statements[written[-1] + 1 :] if written else statements


def browser(app: Flask) -> CheckingClient:
    """Return a new browser without cookies."""
    client = app.test_client()
    assert isinstance(client, CheckingClient)
    return client
