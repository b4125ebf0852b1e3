"""« Fermer mon compte »: what the customer reads, is asked, and cannot do yet."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from models import Account, Letter
from shop import clock
from shop.personal_data import blanking
from shop.subscriptions import interventions
from tests.support import cast, groups
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

CLOSING = "/manager/account/closing"


def closed(account: Account) -> bool:
    return Account.get_by_id(account.id).closed_at is not None


def test_a_customer_closes_the_account_with_the_password(visitor: Visitor, alice: Account) -> None:
    visitor.log_in(alice)
    visitor.open("/manager/account")
    page = visitor.follow("Fermer mon compte").text
    assert "pendant dix ans" in page
    assert "règlement d’exécution" in page
    assert "Cochez la case" in visitor.press("Fermer mon compte définitivement", password="x").text
    wrong = visitor.press("Fermer mon compte définitivement", password="wrong", sure="yes")
    assert wrong.status_code == 422
    assert not closed(alice)
    done = visitor.press("Fermer mon compte définitivement", password=cast.PASSWORD, sure="yes")
    assert done.request.path == "/login"
    assert "Votre compte est fermé" in done.text
    assert closed(alice)
    again = visitor.log_in(alice)
    assert again.status_code == 403
    assert "Ce compte est fermé" in again.text
    assert visitor.client.get("/manager/account").status_code == 303


@pytest.mark.one_database
def test_a_customer_with_a_running_service_reads_why_not(
    visitor: Visitor,
    charlie: Account,
    bank: Bank,
    provider: Provider,
    drain: Callable[[], int],
) -> None:
    group = groups.installed(charlie, bank)
    visitor.log_in(charlie)
    page = visitor.open(CLOSING).text
    assert "The account cannot be closed yet" in page
    assert "still run: terminate them first" in page
    assert not visitor.offers("Close my account for good")
    forced = visitor.client.post(
        CLOSING, data={"password": cast.PASSWORD, "sure": "yes"}, follow_redirects=True
    )
    assert not closed(charlie)
    assert forced.status_code in {400, 409}
    interventions.end_service(group, "Over", by="operator")
    drain()
    visitor.open(CLOSING)
    visitor.press("Close my account for good", password=cast.PASSWORD, sure="yes")
    assert closed(charlie)


def test_an_emptied_email_says_so_and_is_not_sent_again(
    app: Flask, visitor: Visitor, alice: Account
) -> None:
    letter = Letter.get(Letter.account == alice)
    blanking.empty_letter(letter)
    visitor.log_in(alice)
    page = visitor.open(f"/manager/account/emails/{letter.id}").text
    assert "Le contenu de cet e-mail a été supprimé" in page
    assert not visitor.offers("Renvoyer")
    visitor.client.post(f"/manager/account/emails/{letter.id}/sendings")
    assert Letter.get_by_id(letter.id).emptied_at <= clock.now()
