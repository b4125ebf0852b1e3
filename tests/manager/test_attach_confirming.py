"""Office Attach: logins are reviewed, and confirmed once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from peewee import IntegrityError

from models import (
    Account,
    Attach,
    AttachedAccount,
    ExchangeService,
    LicenceGroup,
    Order,
    Price,
    Seat,
    SeatStatus,
)
from shop import clock as shop_clock
from shop.errors import Conflict
from shop.exchange import services
from shop.orders import attach
from shop.orders.attach import AlreadyAttached, CardMissing, InvalidHolders
from tests.support import exchange
from tests.support.exchange import HERE, nothing_happened
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor


@pytest.fixture
def inside(visitor: Visitor, alice: Account, service: ExchangeService) -> Visitor:
    """Alice, signed in."""
    visitor.log_in(alice)
    return visitor


CLASHING = [
    "zoe.lefevre@atelier.example,Zoé,Lefèvre",
    "zoe.lefevre@lille.atelier.example,Zoé,Lefèvre-Ñandú",
    "jean-baptiste.de-la-rochefoucauld@atelier.example,Jean-Baptiste,de La Rochefoucauld",
    "brendan.o'connor@atelier.example,Brendan,O’Connor",
    "contact@atelier.example,,",
]


@pytest.fixture
def clashing(alice: Account, bank: Bank, provider: Provider) -> dict[str, int]:
    """Mailboxes, some of which give no valid login: their ids by e-mail address."""
    exchange.with_card(alice, bank)
    exchange.take_over(alice, CLASHING)
    service = ExchangeService.get()
    return {row.address: row.id for row in services.active_accounts(service)}


def test_clashes_and_invalid_logins_are_marked_and_edited_in_place(
    visitor: Visitor, alice: Account, clashing: dict[str, int], drain: Callable[[], int]
) -> None:
    visitor.log_in(alice)
    shared = clashing["contact@atelier.example"]
    visitor.open(
        f"{HERE}/attach/review?kept=1&{'&'.join(f'chosen={n}' for n in clashing.values())}"
    )
    assert visitor.sees("« zoe.lefevre » ne peut pas être le login")
    assert visitor.find("input", value="z.lefevre-nandu") is not None
    assert visitor.find("input", value="j.rochefoucauld") is not None
    long = f"login-{clashing['jean-baptiste.de-la-rochefoucauld@atelier.example']}"
    twin = f"login-{clashing['zoe.lefevre@lille.atelier.example']}"
    visitor.press("Valider", **{long: "jean-baptiste.de-la-rochefoucauld", twin: "Zoe.Lefevre"})
    assert visitor.sees("zoe.lefevre@atelier.example a déjà ce login")
    assert visitor.sees("3 à 20 caractères")
    answer = visitor.press(
        "Valider",
        **{
            long: "jb",
            twin: "zoe.nandu",
            f"first_name-{shared}": "Accueil",
            f"last_name-{shared}": "",
        },
    )
    assert answer.status_code == 422
    for kept in ("jb", "zoe.nandu", "Accueil"):
        assert visitor.find("input", value=kept) is not None, kept
    assert visitor.sees("Indiquez le nom.")
    assert visitor.sees("Cochez la case")
    assert nothing_happened()
    visitor.press(
        "Valider", accepted=True, renewal=True,
        **{long: "jb.rochefoucauld", f"last_name-{shared}": "Atelier"},
    )  # fmt: skip
    drain()
    holders = {(seat.login, seat.full_name) for seat in Seat.select()}
    assert holders == {
        ("zoe.lefevre", "Zoé Lefèvre"),
        ("zoe.nandu", "Zoé Lefèvre-Ñandú"),
        ("jb.rochefoucauld", "Jean-Baptiste de La Rochefoucauld"),
        ("brendan.o'connor", "Brendan O’Connor"),
        ("contact", "Accueil Atelier"),
    }
    assert {seat.status for seat in Seat.select()} == {SeatStatus.ACTIVE}


def test_two_people_with_one_login_whatever_its_case_are_refused(service: ExchangeService) -> None:
    requested = exchange.attach_request(service, 2, login="Same")
    requested.holders[1] = exchange.attach_request(service, 2, login="sAME").holders[1]
    with pytest.raises(InvalidHolders):
        attach.place_order(requested, exchange.seen(requested))
    assert nothing_happened()


def test_a_person_keeps_the_name_their_mailbox_has(
    inside: Visitor, service: ExchangeService, drain: Callable[[], int]
) -> None:
    number = exchange.account_of(service, 1).id
    inside.open(f"{HERE}/attach/review?kept=1&chosen={number}&first_name-{number}=Mallory")
    assert inside.find("input", name=f"first_name-{number}") is None
    inside.press("Valider", accepted=True, renewal=True)
    drain()
    assert Seat.get().first_name == "First 01"


def test_the_database_has_the_last_word_on_25_and_once(
    service: ExchangeService, alice: Account
) -> None:
    exchange.attached(service, 1)
    made = Attach.get()
    for values in ({"licences": 26}, {"licences": 0}):
        with pytest.raises(IntegrityError):
            Attach.update(values).execute()
    with pytest.raises(IntegrityError):
        AttachedAccount.update(number=26).execute()
    with pytest.raises(IntegrityError):
        Attach.create(
            service=made.service, order=made.order_id, licences=1, unit_price_cents=0,
            renewal_accepted_at=shop_clock.now(),
        )  # fmt: skip


def test_a_second_attach_is_refused_and_changes_nothing(
    inside: Visitor, service: ExchangeService, drain: Callable[[], int]
) -> None:
    inside.open(f"{HERE}/attach/review")
    exchange.attached(service, 2)
    before = Order.select().count()
    answer = inside.press("Valider", accepted=True, renewal=True)
    assert answer.status_code == 409
    assert inside.sees("Office 365 a déjà été souscrit pour ce service Exchange")
    for page in ("attach", "attach/review"):
        inside.open(f"{HERE}/{page}")
        assert inside.address == HERE
        assert inside.sees("Office 365 a déjà été souscrit")
    drain()
    assert (Order.select().count(), LicenceGroup.select().count()) == (before, 1)
    assert Seat.select().count() == 2


def test_the_same_form_again_is_the_same_order(inside: Visitor, service: ExchangeService) -> None:
    requested = exchange.attach_request(service, 2)
    seen = exchange.seen(requested)
    assert attach.place_order(requested, seen) == attach.place_order(requested, seen)
    assert Order.select().count() == 1


def test_a_price_that_changed_since_is_shown_before_ordering(
    inside: Visitor, service: ExchangeService
) -> None:
    inside.open(f"{HERE}/attach/review?kept=1&chosen={exchange.account_of(service, 1).id}")
    Price.update(amount_cents=990).where(Price.offer == "business").execute()
    answer = inside.press("Valider", accepted=True, renewal=True)
    assert answer.status_code == 409
    assert inside.sees("Le prix a changé entre-temps")
    assert inside.sees("9,90 €")
    assert inside.find("input", id="accepted", checked="") is None
    assert nothing_happened()


def test_the_confirmed_values_must_be_the_current_ones(service: ExchangeService) -> None:
    from dataclasses import replace

    requested = exchange.attach_request(service, 2)
    seen = exchange.seen(requested)
    for forged in (
        replace(seen, total_cents=0),
        replace(seen, contract_digests=("x",)),
    ):
        with pytest.raises(Conflict):
            attach.place_order(requested, forged)
    assert nothing_happened()


def test_without_a_card_nothing_is_ordered(alice: Account, bank: Bank) -> None:
    requested = exchange.attach_request(exchange.service(alice), 2)
    with pytest.raises(CardMissing):
        attach.place_order(requested, exchange.seen(requested))
    assert nothing_happened()


def test_used_is_used_even_between_two_forms(service: ExchangeService) -> None:
    first, second = exchange.attach_request(service, 2), exchange.attach_request(service, 3)
    seen = exchange.seen(second)
    attach.place_order(first, exchange.seen(first))
    with pytest.raises(AlreadyAttached):
        attach.place_order(second, seen)
