"""Office Attach: mailboxes are chosen, from the banner or from the list of accounts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from models import (
    Acceptance,
    Account,
    Attach,
    ExchangeAccount,
    ExchangeService,
    LicenceGroup,
    MailboxStatus,
    Order,
    OrderStatus,
    Payment,
    Seat,
)
from shop.exchange import services
from tests.support import exchange, groups
from tests.support.exchange import HERE, letters_of, nothing_happened
from tests.support.visitor import Visitor


@pytest.fixture
def inside(visitor: Visitor, alice: Account, service: ExchangeService) -> Visitor:
    """Alice, signed in."""
    visitor.log_in(alice)
    return visitor


def test_from_the_banner_to_active_licences(
    inside: Visitor, drain: Callable[[], int], alice: Account
) -> None:
    inside.open(HERE)
    inside.press("Profitez de cette offre")
    assert inside.sees("25 comptes sélectionnés pour un maximum de 25")
    inside.press("Suivant")
    for text in ("220,00 €", "264,00 €", "0,00 €", "4242"):
        assert inside.sees(text), text
    inside.press("Valider", accepted=True, renewal=True)
    assert inside.response.status_code == 200
    assert inside.sees("en cours d’installation")
    drain()
    inside.open(HERE)
    assert inside.sees("25 licences actives")
    group = LicenceGroup.get()
    assert (group.display_name, group.offer_id) == ("exchange-atelier", "business")
    assert (group.places_taken, group.seats_active) == (25, 25)
    groups.check_counts(group)
    order = Order.get()
    assert (order.status, order.total_cents) == (OrderStatus.DELIVERED, 0)
    assert not Payment.select().exists()
    assert Acceptance.select().where(Acceptance.order == order).count() == 3
    assert Attach.get().unit_price_cents == 880
    assert len(letters_of("licence_active")) == 25
    assert len(letters_of("attach_ordered")) == len(letters_of("attach_installed")) == 1
    assert not letters_of("order_placed") + letters_of("service_installed")
    assert not letters_of("licence_for_owner")
    inside.follow("Comptes E-mail")
    assert not inside.sees("Souscrire à Office 365")
    inside.follow("Licence n° 1 (p01)")
    assert inside.sees("p01@" + group.domain)
    assert {seat.login for seat in Seat.select()} == {f"p{n:02d}" for n in range(1, 26)}


def test_from_the_accounts_with_a_choice_across_pages_and_searches(
    inside: Visitor, drain: Callable[[], int], service: ExchangeService
) -> None:
    third, last = (str(exchange.account_of(service, n).id) for n in (3, 33))
    inside.open(f"{HERE}/accounts")
    inside.press("Souscrire à Office 365")
    inside.follow("Tout désélectionner")
    assert inside.sees("0 compte sélectionné pour un maximum de 25")
    inside.press("Page suivante", chosen=third)
    assert inside.sees("1 compte sélectionné pour un maximum de 25")
    assert inside.sees("p40@atelier.example")
    inside.press("Rechercher", q="Last 33")
    assert inside.sees("p33@atelier.example")
    assert not inside.sees("p40@atelier.example")
    inside.press("Rechercher", q="nobody", chosen=[third, last])
    assert inside.sees("2 comptes sélectionnés pour un maximum de 25")
    inside.press("Rechercher", q="")
    inside.press("Suivant")
    assert inside.sees("2 licences Office 365 Business")
    inside.press("Modifier la sélection")
    assert inside.sees("2 comptes sélectionnés pour un maximum de 25")
    inside.press("Suivant")
    inside.press("Valider", accepted=True, renewal=True)
    drain()
    assert {seat.login for seat in Seat.select()} == {"p03", "p33"}


def test_a_search_without_results_keeps_the_offer(inside: Visitor) -> None:
    inside.open(f"{HERE}/accounts?q=nobody")
    assert inside.sees("Aucun compte ne correspond")
    inside.press("Souscrire à Office 365")
    assert inside.sees("25 comptes sélectionnés")


def test_a_service_without_mailboxes_is_offered_nothing(
    inside: Visitor, service: ExchangeService
) -> None:
    ExchangeAccount.update(status=MailboxStatus.GONE).execute()
    for page in ("", "/accounts"):
        inside.open(f"{HERE}{page}")
        assert not inside.sees("Profitez de cette offre")
        assert not inside.sees("Souscrire à Office 365")
    inside.open(f"{HERE}/attach")
    assert inside.sees("Aucun compte e-mail pour le moment")
    inside.press("Suivant")
    assert inside.response.status_code == 422


def test_htmx_counts_while_boxes_are_ticked(inside: Visitor, service: ExchangeService) -> None:
    part = {"HX-Request": "true", "HX-Request-Type": "partial"}
    chosen = [row.id for row in services.active_accounts(service).limit(26)]
    answer = inside.client.get(
        f"{HERE}/attach", query_string={"kept": "1", "chosen": chosen}, headers=part
    )
    assert "26\u00a0comptes sélectionnés pour un maximum de 25" in answer.text
    assert "<html" not in answer.text


def test_the_banner_is_dismissed_for_good(inside: Visitor) -> None:
    inside.open(HERE)
    assert inside.press("Ne plus afficher cette offre").status_code == 200
    assert not inside.sees("Profitez de cette offre")
    inside.open(HERE)
    assert not inside.sees("Profitez de cette offre")
    inside.open(f"{HERE}/accounts")
    assert inside.sees("Souscrire à Office 365")


def test_another_accounts_service_and_mailboxes_do_not_exist(
    inside: Visitor, service: ExchangeService, app: Flask, charlie: Account
) -> None:
    theirs = exchange.service(charlie, 2, name="exchange-charlie")
    foreign = exchange.account_of(theirs, 1).id
    for address in ("", "/attach", "/attach/review"):
        answer = inside.client.ask("GET", f"/manager/exchange/exchange-charlie{address}")
        assert answer.status_code == 404
    form = {"chosen": [str(foreign)], "accepted": "yes", "renewal": "yes"}
    for number in (str(foreign), "999999", "x", "-1", "１"):
        answer = inside.client.ask("POST", f"{HERE}/attach/review", form | {"chosen": [number]})
        assert answer.status_code == 404, number
        assert "p01@atelier.example" not in answer.text or number in (str(foreign), "999999")
    assert nothing_happened()


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "Choisissez au moins un compte"), (26, "Choisissez au plus 25\u00a0comptes")],
)
def test_none_and_26_are_refused(
    inside: Visitor, service: ExchangeService, number: int, said: str
) -> None:
    ids = [str(row.id) for row in services.active_accounts(service).limit(number)]
    form = {"kept": "1", "chosen": ids, "accepted": "yes", "renewal": "yes"}
    answer = inside.client.ask("POST", f"{HERE}/attach/review", form)
    assert answer.status_code == 422
    assert said in answer.text
    answer = inside.client.get(f"{HERE}/attach/review", query_string=form)
    assert answer.status_code == 422
    assert said in answer.text
    assert nothing_happened()


def test_a_mailbox_that_is_gone_is_refused(
    inside: Visitor, service: ExchangeService, alice: Account
) -> None:
    inside.open(f"{HERE}/attach/review")
    exchange.take_over(alice, exchange.lines(40)[1:])
    answer = inside.press("Valider", accepted=True, renewal=True)
    assert answer.status_code == 422
    assert inside.sees("Supprimés entre-temps, et désélectionnés : p01@atelier.example.")
    assert nothing_happened()
