"""Exchange services: imports in one transaction, and the customer's pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from models import Account, ExchangeAccount, ExchangeService, MailboxKind, MailboxStatus
from shop.errors import Refusal
from shop.exchange.csv_file import CsvFile
from shop.exchange.importing import Changes
from shop.exchange.source import InvalidFile, Mailbox
from shop.operations import demo
from tests.support import exchange
from tests.support.client import CheckingClient
from tests.support.visitor import Visitor


def row(address: str) -> ExchangeAccount:
    return ExchangeAccount.get(ExchangeAccount.address == address)


# --- Import ----------------------------------------------------------------------------------


def test_a_file_makes_a_service_and_again_changes_nothing(alice: Account) -> None:
    lines = ["email,first_name,last_name", *exchange.lines(3), "contact@atelier.example,,"]
    assert exchange.take_over(alice, lines) == Changes(4, 0, 0, 0)
    assert exchange.take_over(alice, lines) == Changes(0, 0, 0, 4)
    service = ExchangeService.get()
    assert (service.account, service.domain) == (alice, "atelier.example")
    assert row("contact@atelier.example").kind == MailboxKind.SHARED
    assert row("p01@atelier.example").full_name == "First 01 Last 01"


def test_it_adds_updates_marks_what_is_gone_and_takes_it_back(alice: Account) -> None:
    exchange.take_over(alice, exchange.lines(3))
    changed = ["P01@atelier.example,Zoé,Lefèvre", "p04@atelier.example,New,Here"]
    assert exchange.take_over(alice, changed) == Changes(1, 1, 2, 0)
    assert row("P01@atelier.example").first_name == "Zoé"
    assert row("p02@atelier.example").status == MailboxStatus.GONE
    assert exchange.take_over(alice, exchange.lines(3)) == Changes(0, 3, 1, 0)
    assert row("p02@atelier.example").status == MailboxStatus.ACTIVE
    assert ExchangeAccount.select().count() == 4


def test_bad_lines_are_named_and_nothing_is_imported(alice: Account) -> None:
    exchange.take_over(alice, exchange.lines(2))
    bad = [
        "email,first_name,last_name",
        "new@atelier.example,New,One",
        "no address,A,B",
        "short@atelier.example",
        "NEW@atelier.example,Twice,There",
        "long@atelier.example," + "x" * 256 + ",B",
        "size@atelier.example,A,B,big",
        "many@atelier.example,A,B,5,more",
    ]
    with pytest.raises(InvalidFile) as unreadable:
        exchange.take_over(alice, bad)
    starts = [problem.split(":")[0] for problem in unreadable.value.problems]
    assert starts == ["line 3", "line 4", "line 5", "line 6", "line 7", "line 8"]
    assert ExchangeAccount.select().count() == 2


@pytest.mark.parametrize("content", [b"", b"email,first_name,last_name\n", b"\0\1", b"a" * 9])
def test_a_file_without_mailboxes_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidFile):
        CsvFile(content).mailboxes()


def test_files_of_spreadsheets_are_read() -> None:
    content = "email;first_name;last_name;size_gb\nzoe@a.example;Zoé;O’Brien;50\n"
    for encoded in (content.encode("cp1252"), content.encode("utf-8-sig")):
        assert CsvFile(encoded).mailboxes() == [Mailbox("zoe@a.example", "Zoé", "O’Brien", 50)]


def test_another_customers_service_cannot_be_imported(alice: Account, charlie: Account) -> None:
    exchange.take_over(alice, exchange.lines(2))
    with pytest.raises(Refusal, match="Another customer"):
        exchange.take_over(charlie, exchange.lines(1))
    with pytest.raises(Refusal, match="small letters"):
        exchange.take_over(charlie, exchange.lines(1), name="../etc")
    assert ExchangeAccount.select().count() == 2


def test_the_operators_commands(app: Flask, alice: Account, tmp_path: Path) -> None:
    file = tmp_path / "accounts.csv"
    file.write_text("\n".join(exchange.lines(2)))
    run = app.test_cli_runner().invoke
    command = ["exchange", "import", alice.nic_handle, "exchange-1", str(file)]
    assert "2 added, 0 updated, 0 gone" in run(args=command).output
    assert "0 added, 0 updated, 0 gone, 2 unchanged" in run(args=command).output
    listed = run(args=["exchange", "list"]).output
    assert all(word in listed for word in ("exchange-1", alice.nic_handle, exchange.DOMAIN))
    file.write_text("p01@atelier.example,A,B\nnonsense,A,B\n")
    refused = run(args=command)
    assert refused.exit_code == 1
    assert "line 2: 'nonsense'" in refused.output
    assert "Nothing was imported." in refused.output
    unknown = run(args=["exchange", "import", "zz99999-ovh", "exchange-1", str(file)])
    assert (unknown.exit_code, "zz99999-ovh" in unknown.output) == (1, True)


def test_the_demo_has_a_service_of_40_and_again_changes_nothing(app: Flask) -> None:
    account, _ = demo.load_demo()
    demo.load_demo()
    assert ExchangeService.select().where(ExchangeService.account == account).count() == 1
    accounts = list(ExchangeAccount.select())
    assert len(accounts) == 40
    locals_ = [one.address.partition("@")[0] for one in accounts]
    assert len(set(locals_)) == 39
    assert any("'" in local for local in locals_)
    assert any("’" in one.last_name for one in accounts)
    assert any("é" in one.first_name for one in accounts)
    assert {one.kind for one in accounts} == set(MailboxKind)


def test_a_fresh_demo_account_has_its_own_service_if_asked(app: Flask) -> None:
    for with_exchange in (True, False):
        made = demo.new_account("en", with_exchange=with_exchange)
        owner = Account.get(Account.nic_handle == made["nic_handle"])
        has = ExchangeService.select().where(ExchangeService.account == owner).exists()
        assert has is with_exchange


# --- Looking ---------------------------------------------------------------------------------


def test_a_customer_without_services_is_told_so(visitor: Visitor, alice: Account) -> None:
    visitor.log_in(alice)
    visitor.follow("Exchange")
    assert visitor.sees("Aucun service Exchange")


def test_a_service_is_found_in_the_menu_and_describes_itself(
    visitor: Visitor, alice: Account
) -> None:
    exchange.service(alice, 23)
    visitor.log_in(alice)
    visitor.follow("Exchange")
    assert visitor.sees("exchange-atelier")
    visitor.follow("exchange-atelier")
    for text in ("Informations Générales", "Comptes E-mail", "atelier.example", "23"):
        assert visitor.sees(text)
    visitor.follow("Comptes E-mail")
    assert visitor.sees("23 comptes")
    assert visitor.sees("p20@atelier.example")
    assert not visitor.sees("p21@atelier.example")
    visitor.follow("Page suivante")
    assert visitor.sees("p21@atelier.example")


def test_mailboxes_are_searched_sorted_and_labelled_by_kind(
    visitor: Visitor, alice: Account
) -> None:
    exchange.take_over(alice, [
        "zoe.lefevre@atelier.example,Zoé,Lefèvre,50", "anna@atelier.example,Anna,Zola,100",
        "contact@atelier.example,,", "bob@atelier.example,Bob,Moreau",
    ])  # fmt: skip
    exchange.take_over(alice, [
        "zoe.lefevre@atelier.example,Zoé,Lefèvre,50", "anna@atelier.example,Anna,Zola,100",
        "contact@atelier.example,,",
    ])  # fmt: skip
    visitor.log_in(alice)
    here = "/manager/exchange/exchange-atelier/accounts"
    visitor.open(here)
    for text in ("Zoé Lefèvre", "50 Go", "Partagée", "Personnelle", "Actif", "Supprimé"):
        assert visitor.sees(text)
    for wanted in ("LEFEVRE", "zoe.lef", "zoé", "Zoé Lef", "lefevre@atelier"):
        visitor.open(f"{here}?q={wanted}")
        assert visitor.sees("1 compte trouvé"), wanted
        assert visitor.sees("zoe.lefevre@atelier.example")
    visitor.open(f"{here}?q=100%25")
    assert visitor.sees("Aucun compte ne correspond")

    def order(sort: str) -> list[str]:
        text = visitor.open(f"{here}?sort={sort}").text
        names = ("zoe.lefevre", "anna", "contact", "bob")
        return sorted(names, key=lambda name: text.index(f"<span>{name}</span>"))

    assert order("address") == ["anna", "bob", "contact", "zoe.lefevre"]
    assert order("-address") == ["zoe.lefevre", "contact", "bob", "anna"]
    assert order("name") == ["zoe.lefevre", "bob", "anna", "contact"]
    assert order("-size")[:2] == ["anna", "zoe.lefevre"]
    assert order("nonsense") == order("address")


def test_htmx_gets_the_list_alone(client: CheckingClient, visitor: Visitor, alice: Account) -> None:
    exchange.service(alice)
    visitor.log_in(alice)
    part = {"HX-Request": "true", "HX-Request-Type": "partial"}
    answer = client.get("/manager/exchange/exchange-atelier/accounts?q=p07", headers=part)
    assert "<html" not in answer.text
    assert "p07" in answer.text


def test_strangers_find_nothing(visitor: Visitor, alice: Account, charlie: Account) -> None:
    exchange.service(alice)
    visitor.log_in(charlie)
    for page in ("", "/accounts"):
        assert visitor.open(f"/manager/exchange/exchange-atelier{page}").status_code == 404
    visitor.open("/manager/exchange")
    assert not visitor.sees("exchange-atelier")
