"""The adapters of the registries, over HTTP, against a small server that answers as they do."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from shop.settings import Settings
from shop.vat.registry import Answer, Consultation, SandboxRegistry, Vies, registry_for


class Registry(ThreadingHTTPServer):
    """A server that answers every call with ``status`` and ``body``, and records its calls."""

    status: int = 200
    body: str = ""
    asked: tuple[str, str, str] = ("", "", "")


class Handler(BaseHTTPRequestHandler):
    server: Registry

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.server.asked = (self.command, self.path, self.rfile.read(length).decode())
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.body.encode())

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Registry]:
    with Registry(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def vies(server: Registry) -> Vies:
    return Vies(f"http://127.0.0.1:{server.server_port}")


def test_vies_is_asked_for_prefix_and_number_apart(server, vies):
    server.body = json.dumps({"countryCode": "EL", "vatNumber": "094259216", "valid": True})
    assert vies.check("EL094259216").answer is Answer.CONFIRMED
    method, path, body = server.asked
    assert (method, path) == ("POST", "/check-vat-number")
    assert json.loads(body) == {"countryCode": "EL", "vatNumber": "094259216"}


def test_vies_tells_name_address_and_the_number_of_the_consultation(server):
    asked = Vies(f"http://127.0.0.1:{server.server_port}", requester="FR44732829320")
    server.body = json.dumps(
        {"valid": True, "name": "MÜLLER  SA", "address": "1 RUE HAUTE\n1000 BRUXELLES",
         "requestIdentifier": "WAPIAAAAYfHbqFxQ"}
    )  # fmt: skip
    assert asked.check("BE0428759497") == Consultation(
        Answer.CONFIRMED, "MÜLLER SA", "1 RUE HAUTE 1000 BRUXELLES", "WAPIAAAAYfHbqFxQ"
    )
    assert json.loads(server.asked[2]) == {
        "countryCode": "BE", "vatNumber": "0428759497",
        "requesterMemberStateCode": "FR", "requesterNumber": "44732829320",
    }  # fmt: skip


@pytest.mark.parametrize("kept_back", ["---", "", None, 7, ["---"]])
def test_a_name_that_is_kept_back_is_none(server, vies, kept_back):
    server.body = json.dumps({"valid": True, "name": kept_back, "address": kept_back})
    assert vies.check("DE136695976") == Consultation(Answer.CONFIRMED)


@pytest.mark.parametrize(
    ("status", "body", "answer"),
    [
        (200, {"valid": True, "name": "---"}, Answer.CONFIRMED),
        (200, {"valid": False}, Answer.UNKNOWN),
        (400, {"actionSucceed": False, "errorWrappers": [{"error": "INVALID_INPUT"}]},
         Answer.UNKNOWN),
        (200, {"errorWrappers": [{"error": "MS_UNAVAILABLE"}]}, Answer.UNAVAILABLE),
        (500, {"errorWrappers": [{"error": "MS_MAX_CONCURRENT_REQ"}]}, Answer.UNAVAILABLE),
        (500, {"errorWrappers": [{"error": "VAT_BLOCKED"}]}, Answer.UNAVAILABLE),
        (200, {"valid": "true"}, Answer.UNAVAILABLE),
        (200, [], Answer.UNAVAILABLE),
        (200, {}, Answer.UNAVAILABLE),
    ],
)  # fmt: skip
def test_what_vies_answers_is_understood(server, vies, status, body, answer):
    server.status, server.body = status, json.dumps(body)
    assert vies.check("DE136695976").answer is answer


def test_a_page_instead_of_json_counts_as_unavailable(server, vies):
    server.body = "<html>maintenance</html>"
    assert vies.check("DE136695976").answer is Answer.UNAVAILABLE


def test_an_unreachable_party_counts_as_unavailable(server):
    gone = f"http://127.0.0.1:{server.server_port}"
    server.server_close()
    assert Vies(gone).check("DE136695976").answer is Answer.UNAVAILABLE
    assert SandboxRegistry(gone).check("DE136695976").answer is Answer.UNAVAILABLE


@pytest.mark.parametrize("number", ["GB980780684", "CHE107787577MWST", "XI980780684", ""])
def test_vies_is_not_asked_for_numbers_it_does_not_keep(server, vies, number):
    assert vies.check(number).answer is Answer.UNKNOWN
    assert server.asked == ("", "", "")


@pytest.mark.parametrize(
    ("status", "body", "answer"),
    [
        (200, {"status": "confirmed"}, Answer.CONFIRMED),
        (200, {"status": "unknown"}, Answer.UNKNOWN),
        (503, {"status": "confirmed"}, Answer.UNAVAILABLE),
        (200, {"status": "perhaps"}, Answer.UNAVAILABLE),
        (200, ["confirmed"], Answer.UNAVAILABLE),
    ],
)
def test_what_the_sandbox_answers_is_understood(server, status, body, answer):
    server.status, server.body = status, json.dumps(body)
    asked = SandboxRegistry(f"http://127.0.0.1:{server.server_port}")
    assert asked.check("DE136695976").answer is answer
    assert server.asked[:2] == ("GET", "/vies/check/DE136695976")


def test_a_shop_of_real_parties_asks_vies_and_another_the_sandbox():
    assert isinstance(registry_for(Settings(sandbox_url="http://127.0.0.1:1")), SandboxRegistry)
    real = Settings(production=True, stripe_api_key="sk_live", graph_client_id="id")
    asked = registry_for(real)
    assert isinstance(asked, Vies)
    assert asked._requester == real.seller.vat_number
