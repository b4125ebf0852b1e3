"""Fixtures: the implementations of the two ports, each in turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sandbox.bank import notifications
from tests.contract import banks, offices
from tests.contract.banks import BankUnderTest
from tests.contract.offices import OfficeUnderTest
from tests.sandbox.shop import listening
from tests.support.certificates import Certificate, make_certificate


@pytest.fixture(scope="session")
def fresh_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create the database of a new sandbox."""
    return banks.fresh_sandbox(tmp_path_factory.mktemp("contract") / "fresh.db")


@pytest.fixture(params=["sandbox", "stripe", "in process"])
def bank(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    fresh_sandbox: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[BankUnderTest]:
    """Provide each bank in turn."""
    with ExitStack() as stack:
        if request.param == "sandbox":
            monkeypatch.setattr(notifications, "DUPLICATE_SHARE", 0)
            shop = stack.enter_context(listening())
            yield stack.enter_context(banks.serve_sandbox(tmp_path, fresh_sandbox, shop))
        elif request.param == "stripe":
            yield stack.enter_context(banks.serve_stripe())
        else:
            yield banks.InProcessBankUnderTest()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Make a certificate for localhost: msal requires TLS."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(params=["sandbox", "graph", "in process"])
def office(
    request: pytest.FixtureRequest, tmp_path: Path, fresh_sandbox: Path, certificate: Certificate
) -> Iterator[OfficeUnderTest]:
    """Provide each Office provider in turn."""
    with ExitStack() as stack:
        if request.param == "sandbox":
            shop = stack.enter_context(listening())
            bank = stack.enter_context(banks.serve_sandbox(tmp_path, fresh_sandbox, shop))
            yield offices.SandboxOfficeUnderTest(bank.url)
        elif request.param == "graph":
            yield stack.enter_context(offices.serve_graph(certificate))
        else:
            yield offices.InProcessOfficeUnderTest()
