"""The PDFs of contracts: made once, whoever asks for them and however often."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from models import Contract, ContractFile
from shop import documents
from shop.documents import from_orders
from shop.orders import contracts
from tests.support import racing
from tests.support.client import CheckingClient

pytestmark = pytest.mark.reads_papers

MakeApp = Callable[..., Flask]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The titles of the contracts that were rendered."""
    rendered: list[str] = []

    def render(document: object) -> bytes:
        rendered.append(document.title)
        return b"%PDF-1.7 number " + str(len(rendered)).encode()

    monkeypatch.setattr(from_orders, "contract_pdf", render)
    return rendered


@pytest.fixture
def contract(app: Flask) -> Contract:
    """A contract in force."""
    return contracts.current_contracts("fr")[0]


def test_a_contract_is_made_once_for_all_who_download_it(
    client: CheckingClient, contract: Contract, made: list[str]
) -> None:
    address = f"/fr/contracts/{contract.kind}/{contract.version}.pdf"
    answers = {client.get(address).data for _ in range(5)}
    assert answers == {b"%PDF-1.7 number 1"}
    assert made == [contract.title]
    assert ContractFile.select().count() == 1


def test_concurrent_requests_make_it_once(contract: Contract, made: list[str]) -> None:
    assert set(racing.race(lambda: documents.contract_of(contract), 8)) == {b"%PDF-1.7 number 1"}
    assert made == [contract.title]


def test_two_processes_use_the_file_that_was_stored_first(
    contract: Contract, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    render = from_orders.contract_pdf

    def slower(document: object) -> bytes:
        monkeypatch.setattr(from_orders, "contract_pdf", render)
        ContractFile.insert(
            contract=contract, shop_name="Nuage", content=b"first", made_at=contract.published_at
        ).execute()
        return b"second"

    monkeypatch.setattr(from_orders, "contract_pdf", slower)
    assert documents.contract_of(contract) == b"first"
    assert ContractFile.select().count() == 1


def test_a_shop_of_another_name_has_another_file(
    contract: Contract, made: list[str], make_app: MakeApp
) -> None:
    first = documents.contract_of(contract)
    make_app(SHOP_NAME="Brise")
    assert documents.contract_of(contract) != first
    assert len(made) == 2
