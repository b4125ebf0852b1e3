"""The sandbox's register of VAT numbers, called over HTTP as the shop does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from sandbox import create_sandbox, switches
from sandbox.database import database
from shop.vat.registry import Answer, SandboxRegistry


@pytest.fixture
def register(tmp_path: Path) -> Iterator[SandboxRegistry]:
    app = create_sandbox({"SANDBOX_DATABASE": str(tmp_path / "sandbox.db")})
    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield SandboxRegistry(f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        ("DE136695976", Answer.CONFIRMED),
        ("EL094259216", Answer.CONFIRMED),
        ("FR44732829320", Answer.CONFIRMED),
        ("FR39739829000", Answer.UNKNOWN),  # its check digits are right
        ("DE136695977", Answer.UNKNOWN),
        ("GB980780684", Answer.UNKNOWN),
        ("nonsense", Answer.UNKNOWN),
    ],
)
def test_valid_numbers_are_confirmed_unless_they_end_in_three_noughts(register, number, answer):
    assert register.check(number).answer is answer


def test_the_sandbox_names_the_company_it_is_told_and_numbers_its_consultations(register):
    first = register.check("DE136695976")
    assert (first.name, first.address) == ("", "")
    with database.connection_context():
        switches.set_values({"vat_name": "Müller GmbH"})
    second = register.check("DE136695976")
    assert (second.name, second.address) == ("Müller GmbH", "1 Sandbox Street")
    assert first.reference != second.reference
    assert second.reference.startswith("SANDBOX")


@pytest.mark.parametrize("wanted", ["unknown", "unavailable"])
def test_the_sandbox_can_be_told_what_to_say(register, wanted):
    with database.connection_context():
        switches.set_values({"vat_answer": wanted})
    assert register.check("DE136695976").answer is Answer(wanted)
