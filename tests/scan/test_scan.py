"""What the scanners are given, and how their words are read."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from flask import Flask

from tests.scan import __main__ as scan
from tests.scan import findings, scanners
from tests.scan.findings import Finding, Report
from tests.scan.scanners import Site
from tests.scan.targets import targets
from tooling import pip_audit

pytestmark = pytest.mark.one_database

WAPITI = {
    "vulnerabilities": {
        "SQL Injection": [],
        "Cross Site Scripting": [
            {"method": "GET", "path": "/fr/order", "info": "XSS by business", "level": 2}
        ],
        "Secure Flag cookie": [
            {
                "method": "GET",
                "path": "/",
                "info": "Secure flag is not set in the cookie session",
                "level": 1,
            }
        ],
    },
    "anomalies": {
        "Internal Server Error": [{"method": "POST", "path": "/login", "info": "500", "level": 3}]
    },
}

SQLMAP = """
sqlmap identified the following injection point(s) with a total of 46 HTTP(s) requests:
---
Parameter: q (GET)
    Type: boolean-based blind
    Title: AND boolean-based blind - WHERE or HAVING clause
    Type: UNION query
---
"""

LOG = """
2026-03-10 [info     ] request      method=GET ms=3.1 request=A route=/<language:lang>/ status=200
2026-03-10 [info     ] request      method=GET ms=3 request=B route='/<any(a, b):name>' status=404
2026-03-10 [error    ] request      fault=1 method=POST ms=3.1 request=C route=/login status=500
2026-03-10 [info     ] job_done     kind=send_letter
"""


def test_findings_of_wapiti_keep_their_severity() -> None:
    found = findings.from_wapiti(json.dumps(WAPITI))
    assert Finding("medium", "Cross Site Scripting: XSS by business", "GET /fr/order") in found
    assert Finding("high", "Internal Server Error: 500", "POST /login") in found
    assert len(found) == 3


def test_what_only_tls_shows_is_told_and_counts_as_no_finding() -> None:
    report = Report("wapiti", "cookies", 7, 1, findings.from_wapiti(json.dumps(WAPITI)))
    assert len(report.unexplained) == 2
    assert any("as expected, 1 times: Secure Flag cookie" in line for line in report.lines())
    assert "    7 requests in 1 s; found: 0 low, 1 medium, 1 high" in report.lines()


def test_a_form_with_a_file_is_the_only_one_whose_token_may_seem_unchecked() -> None:
    said = "Cross Site Request Forgery: CSRF token 'csrf_token' is not properly checked in backend"
    assert Finding("medium", said, "POST /manager/groups/o365-1-1/imports").explanation
    assert not Finding("medium", said, "POST /manager/account/profile").explanation


def test_an_injection_that_sqlmap_names_is_found() -> None:
    (found,) = findings.from_sqlmap(SQLMAP, "GET /search q")
    assert found.severity == "high"
    assert found.what == "SQL injection by q (GET): boolean-based blind, UNION query"
    assert (
        findings.from_sqlmap("[WARNING] parameter 'q' does not seem to be injectable", "") == set()
    )


def test_the_shops_own_log_counts_requests_and_faults() -> None:
    requests, faults = findings.from_access_log(LOG.splitlines())
    assert requests == 3
    assert faults == {Finding("high", "the shop failed: 500", "POST /login")}


def test_addresses_and_forms_of_the_shop_are_targets(app: Flask) -> None:
    with httpx.Client(
        transport=httpx.WSGITransport(app=app), base_url="http://localhost", follow_redirects=True
    ) as client:
        found = {str(each) for each in targets(client)}
    assert "POST /login next, nic_handle, password, stays" in found
    assert any(each.startswith("GET /#/order") for each in found)
    assert not any("/logout" in each or "csrf_token" in each for each in found)


@pytest.mark.parametrize("lacking", ["wapiti", "sqlmap"])
def test_a_missing_scanner_is_said_with_the_command_that_installs_it(
    lacking: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None if name == lacking else f"/bin/{name}")
    monkeypatch.setattr("sys.argv", ["scan"])
    assert scan.main() == scan.MISSING
    assert f"apt-get install {lacking}\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "said", "vulnerable"),
    [
        ({"name": "a", "version": "1", "skip_reason": "not found"}, "knows none of them", []),
        ({"name": "a", "version": "1", "vulns": []}, "", []),
        (
            {"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]},
            "",
            ["a 1: CVE-1, mended in 2"],
        ),
    ],
)
def test_a_database_of_vulnerabilities_without_an_answer_is_said(
    answer: dict[str, object], said: str, vulnerable: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = json.dumps({"dependencies": [answer]})
    monkeypatch.setattr(pip_audit, "ask", lambda _: pip_audit._read(written, ""))
    report = scan.audit()
    assert said in report.not_answered
    assert bool(said) is bool(report.not_answered)
    assert [each.what for each in report.findings] == vulnerable


def test_a_database_out_of_reach_is_said() -> None:
    assert pip_audit._read("", "ERROR: one\nConnectionError: no route\n").failed == (
        "ConnectionError: no route"
    )


class Injectable(BaseHTTPRequestHandler):
    """A page that puts what it is given into its SQL and its HTML."""

    def do_GET(self) -> None:
        name = parse_qs(urlsplit(self.path).query).get("name", [""])[0]
        try:
            with sqlite3.connect(":memory:") as database:
                database.execute("CREATE TABLE person (name)")
                database.execute("INSERT INTO person VALUES ('alice')")
                rows = database.execute(f"SELECT name FROM person WHERE name = '{name}'").fetchall()
            status, text = 200, f"<a href='/?name=alice'>alice</a> {name}: {rows}"
        except sqlite3.Error as error:
            status, text = 500, str(error)
        self.send_response(status)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f"<html><body>{text}</body></html>".encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def injectable(tmp_path: Path) -> Iterator[Site]:
    if packages := scanners.missing():
        pytest.skip(f"the scanners are missing: apt-get install {' '.join(packages)}")
    log = tmp_path / "serve.log"
    log.touch()
    with ThreadingHTTPServer(("127.0.0.1", 0), Injectable) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Site(f"http://localhost:{server.server_port}", log, tmp_path)
        server.shutdown()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scanner", "words"), [(scanners.sqlmap, "SQL injection"), (scanners.wapiti, "XSS")]
)
def test_each_scanner_finds_what_is_planted(
    injectable: Site, scanner: scanners.Scanner, words: str
) -> None:
    with httpx.Client(base_url=injectable.url, follow_redirects=True) as client:
        report = scanner(injectable, client, "a stranger", 120)
    assert report.not_answered == ""
    assert any(words in each.what for each in report.unexplained), report
