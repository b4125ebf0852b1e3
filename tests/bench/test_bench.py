"""The benchmark: it follows the journey, counts correctly, and reports errors."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bench import journeys
from bench.client import Browser, Page, RequestFailed
from bench.customer import Customer
from bench.pages import find_form, find_link
from bench.processor import memory_by_service, seconds_by_service, seconds_of_tree
from bench.shop import Shop, existing_shop
from bench.stopwatch import Stopwatch, percentile, table
from bench.visitor import JourneyFailed
from tests import ROOT
from tests.support import patience

PAGE = """
<a class="x" href="/other">Créez</a> <a href="/a?b=1&amp;c=2"><span>Créez un compte</span></a>
<form action="/search"><input name="q"><button>Chercher</button></form>
<form action="/pay?x=1&amp;y=2" method="post">
  <input type="hidden" name="csrf_token" value="a&quot;b"><input type="text" name="number">
  <input type="checkbox" name="store" value="yes"><input type="checkbox" name="on" checked>
  <select name="country"><option value="BE">BE</option><option value="FR" selected>FR</select>
  <button><svg></svg><span>Payer
    par carte</span></button>
  <button name="later" value="yes">Plus tard</button>
</form>
<form action="/bank"><button>Payer</button></form>
"""


# --- Pages -----------------------------------------------------------------------------------


def test_a_form_is_found_by_its_button_and_sent_as_a_browser_would() -> None:
    form = find_form(PAGE, "Payer par carte")
    assert (form.action, form.method) == ("/pay?x=1&y=2", "post")
    assert form.filled({"number": "42", "store": "yes"}) == {
        "csrf_token": 'a"b',
        "number": "42",
        "store": "yes",
        "on": "on",
        "country": "FR",
    }
    assert "store" not in form.filled({})
    assert find_form(PAGE, "Payer").action == "/bank"
    assert find_form(PAGE, "Plus tard").filled({})["later"] == "yes"


def test_what_is_not_on_the_page_is_an_error() -> None:
    with pytest.raises(KeyError, match="colour"):
        find_form(PAGE, "Payer par carte").filled({"colour": "red"})
    with pytest.raises(LookupError, match="Commander"):
        find_form(PAGE, "Commander")
    with pytest.raises(LookupError, match="compte"):
        find_link(PAGE, "compte")
    assert find_link(PAGE, "Créez un compte") == "/a?b=1&c=2"


# --- Figures ---------------------------------------------------------------------------------


def test_a_percentile_is_the_time_that_this_share_did_not_exceed() -> None:
    times = [number / 1000 for number in range(100, 0, -1)]
    assert [percentile(times, share) for share in (50, 95, 99, 100)] == [0.05, 0.095, 0.099, 0.1]
    assert percentile([7.0], 50) == percentile([7.0], 99) == 7.0


def test_steps_stay_in_their_order_and_failures_are_not_counted() -> None:
    stopwatch, other = Stopwatch(), Stopwatch()
    stopwatch.add("home", 0.1)
    with pytest.raises(ZeroDivisionError), stopwatch.step("order"):
        raise ZeroDivisionError
    other.add("order", 0.25)
    other.add("home", 0.3)
    stopwatch.merge(other)
    assert stopwatch.times == {"home": [0.1, 0.3], "order": [0.25]}
    rows = table(stopwatch.times).splitlines()
    assert rows[2].split() == ["home", "2", "100.0", "300.0", "300.0", "300.0"]
    assert rows[3].split() == ["order", "1", "250.0", "250.0", "250.0", "250.0"]


def test_the_report_gives_every_run() -> None:
    runs = [
        journeys.Run(10, seconds, {"web": web, "worker": 3}, 0.1, {"known": 15})
        for seconds, web in ((5, 8), (2, 6), (4, 7))
    ]
    told = journeys.report(runs, Stopwatch())
    assert "journeys a second: 2.50 (median of 3 runs: 2.00, 5.00, 2.50)" in told
    assert "a journey, web: 700.00 (median of 3 runs: 800.00, 600.00, 700.00)" in told
    assert "a journey, worker: 300.00" in told
    assert "of the customers: 10.00" in told
    assert "requests of a known customer until the paid order: 15" in told
    assert "web" not in journeys.report([journeys.Run(10, 5)], Stopwatch())


BUSY = 0.5
"""Seconds of work, of which a kernel that samples at its ticks counts a part."""


def test_processor_time_is_that_of_the_whole_family() -> None:
    before = seconds_of_tree(os.getpid())
    busy = f"import time\nwhile time.process_time() < {BUSY}: pass"
    with subprocess.Popen([sys.executable, "-c", busy]) as process:
        process.wait()
    patience.wait_until(lambda: seconds_of_tree(os.getpid()) >= before + 0.25, lambda: 0)
    assert seconds_of_tree(2**30) == 0


def worker_seconds() -> float:
    return seconds_by_service(os.getpid()).get("worker", 0.0)


def test_processor_time_is_split_by_service() -> None:
    """A process without a service of its own counts for the one that started it."""
    busy = f"import sys, time\nwhile time.process_time() < {BUSY}: pass\nsys.stdin.read()"
    starter = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"
    command = [sys.executable, "-c", starter, "worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        patience.wait_until(lambda: worker_seconds() >= 0.2, worker_seconds)
        # Two processes, each with an interpreter.
        assert 10 < memory_by_service(os.getpid())["worker"] < 200
        process.communicate()


# --- The client ------------------------------------------------------------------------------


@pytest.fixture
def site() -> Iterator[str]:
    """A site that sets and deletes a cookie, redirects, is busy once, and says what it was sent."""
    times_busy = iter(["1", "2"])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            moved = {"/in": "/welcome", "/out": "/welcome", "/endless": "/endless"}.get(self.path)
            cookie = {"/in": "token=1; Path=/", "/out": "token=; Max-Age=0"}.get(self.path)
            busy = self.path == "/busy" and next(times_busy, "")
            self.send_response(503 if busy else 303 if moved else 200)
            if busy:
                self.send_header("Retry-After", "0")
            for name, value in (("Location", moved), ("Set-Cookie", cookie)):
                if value:
                    self.send_header(name, value)
            content = f"{self.command} {self.headers['Cookie']}".encode()
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_client_keeps_cookies_and_follows_redirects_as_a_browser_does(site: str) -> None:
    with Browser(site) as browser:
        assert browser.get("/").text == "GET None"
        page = browser.post("/in", {"name": "value"})
        assert (page.url, page.status, page.text) == (f"{site}/welcome", 200, "GET token=1")
        assert browser.post("/stay", {}).text == "POST token=1"
        assert browser.get("/out").text == "GET None"
        assert browser.requests_to.total() == 6


def test_a_patient_client_repeats_what_is_refused_for_now(site: str) -> None:
    with Browser(site) as hasty, Browser(site, is_patient=True) as patient:
        assert hasty.post("/busy", {}).status == 503
        assert patient.post("/busy", {}).text == "POST None"
        assert (len(hasty.refusals), len(patient.refusals)) == (0, 1)


def test_a_request_without_a_response_names_its_address(site: str) -> None:
    with Browser(site) as browser, pytest.raises(RequestFailed, match="/endless"):
        browser.get("/endless")
    with Browser("http://127.0.0.1:9") as browser, pytest.raises(RequestFailed, match="GET http"):
        browser.get("/")


# --- Errors ----------------------------------------------------------------------------------


def failing(answer: Callable[[str], Page]) -> JourneyFailed:
    """Run a journey at a shop that answers like this. Return its failure."""
    customer = Customer("http://shop.example", Stopwatch())
    customer._browser.get = lambda address, headers=None: answer(address)  # type: ignore[method-assign]
    with pytest.raises(JourneyFailed) as failure:
        customer.order()
    return failure.value


def test_an_error_page_is_an_error() -> None:
    assert "home: /fr/ led to 500" in str(failing(lambda address: Page(address, 500)))


def test_a_shop_out_of_reach_is_an_error() -> None:
    def silent(address: str) -> Page:
        raise RequestFailed(f"GET {address}: nobody there")

    assert "nobody there" in str(failing(silent))


def test_a_page_without_the_button_is_an_error() -> None:
    failure = failing(lambda address: Page(address, 200, "<p>Soon</p>"))
    assert "to the summary: at /fr/order" in str(failure)


def test_one_failed_journey_ends_the_measurement(capsys: pytest.CaptureFixture[str]) -> None:
    assert journeys.main(["--url", "http://127.0.0.1:1", "--journeys", "2"]) == 1
    assert "FAILED" in capsys.readouterr().err


def test_a_run_that_takes_too_long_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def wait_in_vain(*asked: Any, **limits: Any) -> Any:
        waited = wait(*asked, **limits)
        over.set()
        return waited

    monkeypatch.setattr(journeys, "wait", wait_in_vain)
    monkeypatch.setattr(Customer, "order", lambda _: over.wait(patience.STUCK))
    monkeypatch.setattr(Shop, "new_account", lambda _: {})
    with pytest.raises(JourneyFailed, match="not over"):
        journeys.measure(existing_shop("http://localhost:1"), 1, 3, 0.1, Stopwatch())


def test_only_a_shop_on_this_machine_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        journeys.main(["--url", "https://shop.example/"])
    assert "only a shop on this machine" in capsys.readouterr().err


def test_the_sandbox_of_a_running_shop_is_at_the_next_port() -> None:
    assert existing_shop("http://localhost:5000/").sandbox_url == "http://127.0.0.1:5001"


# --- The whole -------------------------------------------------------------------------------


@pytest.mark.waits
def test_complete_journeys_are_measured(new_database: Callable[[str], str]) -> None:
    """Two of each kind of customer, at a running shop."""
    environment = os.environ | {"DATABASE_URL": new_database("bench"), "SANDBOX_LATENCY": "0"}
    command = [sys.executable, "-m", "bench.journeys", "--customers=2", "--journeys=4", "--runs=1"]
    result = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=patience.STUCK
    )
    assert result.returncode == 0, result.stderr
    counts = dict(re.findall(r"^(\S.*?)  +(\d+) ", result.stdout, re.MULTILINE))
    assert counts["whole journey"] == counts["paid to installed"] == counts["home"] == "4"
    assert counts["register"] == counts["sign in"] == "2"
    assert re.search(r"journeys a second: \d+\.\d\d", result.stdout)
