"""Office Attach: a free month for up to 25 mailboxes, once for each Exchange service."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import time_machine
from flask import Flask
from peewee import IntegrityError

from models import (
    Acceptance,
    Account,
    Attach,
    AttachedAccount,
    Card,
    CardSetup,
    ExchangeAccount,
    ExchangeService,
    GroupStatus,
    Letter,
    LetterStatus,
    LicenceGroup,
    MailboxStatus,
    Order,
    OrderStatus,
    Payment,
    Price,
    Seat,
    SeatStatus,
)
from shop import clock as shop_clock
from shop import mail, ordering, seats, transitions
from shop.errors import Conflict, Refusal
from shop.exchange import attach, services
from shop.exchange.attach import InvalidHolders, NeedsCard, Used
from shop.payment import cards
from shop.payment.gateway import CheckoutStatus
from tests import exchange, groups, letters
from tests.parties import Bank, Provider
from tests.visitor import Visitor

HERE = "/manager/exchange/exchange-atelier"


@pytest.fixture
def service(alice: Account, bank: Bank, provider: Provider) -> ExchangeService:
    """Alice's Exchange service of 40 mailboxes; she has a stored card."""
    exchange.with_card(alice, bank)
    return exchange.service(alice)


@pytest.fixture
def inside(visitor: Visitor, alice: Account, service: ExchangeService) -> Visitor:
    """Alice, signed in."""
    visitor.log_in(alice)
    return visitor


def nothing_happened() -> bool:
    return not any(
        table.select().exists() for table in (Attach, AttachedAccount, Order, LicenceGroup)
    )


def letters_of(kind: str) -> list[Letter]:
    return list(Letter.select().where(Letter.kind == kind).order_by(Letter.id))


# --- The whole way ---------------------------------------------------------------------------


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
    groups.check(group)
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
    inside.follow("Modifier la sélection")
    assert inside.sees("2 comptes sélectionnés pour un maximum de 25")
    inside.press("Suivant")
    inside.press("Valider", accepted=True, renewal=True)
    drain()
    assert {seat.login for seat in Seat.select()} == {"p03", "p33"}


def test_a_search_that_finds_nobody_takes_no_offer_away(inside: Visitor) -> None:
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
    assert "26 comptes sélectionnés pour un maximum de 25" in answer.text
    assert "<html" not in answer.text


def test_the_banner_is_dismissed_for_good(inside: Visitor) -> None:
    inside.open(HERE)
    assert inside.press("Ne plus afficher cette offre").status_code == 200
    assert not inside.sees("Profitez de cette offre")
    inside.open(HERE)
    assert not inside.sees("Profitez de cette offre")
    inside.open(f"{HERE}/accounts")
    assert inside.sees("Souscrire à Office 365")


# --- Review ----------------------------------------------------------------------------------

CLASHING = [
    "zoe.lefevre@atelier.example,Zoé,Lefèvre",
    "zoe.lefevre@lille.atelier.example,Zoé,Lefèvre-Ñandú",
    "jean-baptiste.de-la-rochefoucauld@atelier.example,Jean-Baptiste,de La Rochefoucauld",
    "brendan.o'connor@atelier.example,Brendan,O’Connor",
    "contact@atelier.example,,",
]


@pytest.fixture
def clashing(alice: Account, bank: Bank, provider: Provider) -> dict[str, int]:
    """Mailboxes of which some make no login; their numbers by the address."""
    exchange.with_card(alice, bank)
    exchange.take_over(alice, CLASHING)
    service = ExchangeService.get()
    return {row.address: row.id for row in services.active_accounts(service)}


def test_clashes_and_invalid_logins_are_marked_and_edited_in_place(
    visitor: Visitor, alice: Account, clashing: dict[str, int], drain: Callable[[], int]
) -> None:
    visitor.log_in(alice)
    visitor.open(f"{HERE}/attach/review")
    assert visitor.sees("2 comptes demandent un autre login")
    assert visitor.sees("zoe.lefevre@atelier.example a déjà ce login")
    assert visitor.sees("3 à 20 caractères")
    long = f"login-{clashing['jean-baptiste.de-la-rochefoucauld@atelier.example']}"
    twin = f"login-{clashing['zoe.lefevre@lille.atelier.example']}"
    shared = clashing["contact@atelier.example"]
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
    assert visitor.sees("Renseignez ce champ")
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
    wished = exchange.wish(service, 2, login="Same")
    wished.holders[1] = exchange.wish(service, 2, login="sAME").holders[1]
    with pytest.raises(InvalidHolders):
        attach.confirm(wished, exchange.seen(wished))
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


# --- The card --------------------------------------------------------------------------------


@pytest.fixture
def cardless(visitor: Visitor, alice: Account, bank: Bank, provider: Provider) -> Visitor:
    """Alice, signed in, with a service and no card."""
    exchange.service(alice, 3)
    visitor.log_in(alice)
    visitor.open(f"{HERE}/attach/review")
    return visitor


def to_the_bank(visitor: Visitor, bank: Bank) -> str:
    """Confirm with a login of one's own; the checkout at the bank."""
    name = next(
        field.get("name", "")
        for field in visitor._page().iter("input")
        if field.get("name", "").startswith("login-")
    )
    answer = visitor.press(
        "Valider", **{name: "my.own.login", "owners": True, "accepted": True, "renewal": True}
    )
    assert answer.status_code == 303
    reference = list(bank.checkouts)[-1]
    assert answer.location == bank.checkouts[reference].url
    return reference


def test_without_a_card_one_is_registered_first_and_nothing_charged(
    cardless: Visitor, bank: Bank, drain: Callable[[], int]
) -> None:
    assert cardless.sees("Aucune carte n’est encore enregistrée")
    reference = to_the_bank(cardless, bank)
    request = bank.requests[reference]
    assert (request.amount_cents, request.store_card) == (0, True)
    assert nothing_happened()
    bank.tell(reference, CheckoutStatus.SUCCEEDED)
    cardless.open(request.return_url)
    assert cardless.sees("Votre carte est enregistrée")
    assert cardless.sees("4242")
    assert cardless.find("input", value="my.own.login") is not None
    assert nothing_happened()
    cardless.press("Valider")
    drain()
    assert Attach.get().licences == 3
    assert "my.own.login" in {seat.login for seat in Seat.select()}
    assert len(letters_of("licence_for_owner")) == 3
    assert Card.select().count() == 1
    assert CardSetup.get().typed == {}
    assert bank.balance() == 0


@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [
        (CheckoutStatus.DECLINED, "card_declined", "Votre banque a refusé la carte"),
        (CheckoutStatus.DECLINED, "expired_card", "La carte a expiré"),
        (CheckoutStatus.DECLINED, "authentication_failed", "authentification forte"),
        (CheckoutStatus.CLOSED, "", "Aucune carte n’a été enregistrée"),
        (CheckoutStatus.PROCESSING, "", "La banque confirme votre carte"),
    ],
)
def test_a_card_that_is_not_registered_leaves_everything_typed(
    cardless: Visitor, bank: Bank, status: CheckoutStatus, reason: str, said: str
) -> None:
    reference = to_the_bank(cardless, bank)
    bank.tell(reference, status, reason)
    cardless.open(bank.requests[reference].return_url)
    assert cardless.sees(said)
    assert cardless.find("input", value="my.own.login") is not None
    assert not Card.select().exists()
    to_the_bank(cardless, bank)
    assert nothing_happened()


def test_a_silent_bank_loses_nothing_typed(cardless: Visitor, bank: Bank) -> None:
    bank.silent = True
    answer = cardless.press("Valider", accepted=True, renewal=True, owners=True)
    assert answer.status_code == 422
    assert cardless.sees("La banque ne répond pas")
    assert cardless.find("input", id="accepted", checked="") is not None
    assert nothing_happened()


def test_the_banks_word_counts_once_and_by_every_way(
    clock: time_machine.Traveller, cardless: Visitor, bank: Bank, drain: Callable[[], int]
) -> None:
    reference = to_the_bank(cardless, bank)
    bank.tell(reference, CheckoutStatus.SUCCEEDED)
    notify = {"X-Signed": "yes"}
    for _ in range(2):
        answer = cardless.client.post("/notifications/bank", data=reference, headers=notify)
        assert answer.status_code == 204
    clock.shift(3600)
    drain()
    assert Card.select().count() == 1
    setup = cards.by_checkout(reference)
    assert setup is not None
    assert [event.to_status for event in transitions.history(setup)] == ["open", "succeeded"]


def test_a_registration_nobody_told_the_end_of_is_asked_about(
    clock: time_machine.Traveller, cardless: Visitor, bank: Bank, drain: Callable[[], int]
) -> None:
    bank.tell(to_the_bank(cardless, bank), CheckoutStatus.SUCCEEDED)
    clock.shift(3600)
    drain()
    assert Card.select().count() == 1


def test_the_way_back_needs_no_cookie(cardless: Visitor, app: Flask, bank: Bank) -> None:
    reference = to_the_bank(cardless, bank)
    stranger = Visitor(app.test_client())
    stranger.open(bank.requests[reference].return_url)
    assert stranger.sees("La banque confirme votre carte")
    bank.tell(reference, CheckoutStatus.SUCCEEDED)
    stranger.open(bank.requests[reference].return_url)
    assert stranger.sees("Votre carte est enregistrée")
    assert not stranger.sees("my.own.login")


def test_a_registration_of_somebody_else_fills_nothing_in(
    cardless: Visitor, app: Flask, bank: Bank, charlie: Account
) -> None:
    to_the_bank(cardless, bank)
    exchange.service(charlie, 2, name="exchange-charlie")
    theirs = Visitor(app.test_client())
    theirs.log_in(charlie)
    setup = cards.by_checkout(list(bank.checkouts)[-1])
    assert setup is not None
    theirs.open(f"/manager/exchange/exchange-charlie/attach/review?card={setup.id}")
    assert theirs.response.status_code == 200
    assert theirs.find("input", value="my.own.login") is None


def test_a_removed_or_expired_card_is_none(
    clock: time_machine.Traveller, alice: Account, bank: Bank
) -> None:
    exchange.with_card(alice, bank)
    assert cards.stored(alice) is not None
    clock.move_to("2031-01-01")
    assert cards.stored(alice) is None
    clock.move_to("2030-12-31")
    Card.update(removed_at=shop_clock.now()).execute()
    assert cards.stored(alice) is None


# --- Letters ---------------------------------------------------------------------------------


def test_owners_ticked_get_their_credentials_in_their_mailbox(
    service: ExchangeService, alice: Account
) -> None:
    exchange.attached(service, 2, tells_owner=True)
    own, theirs = letters_of("licence_active"), letters_of("licence_for_owner")
    assert [letter.recipient for letter in theirs] == ["p01@atelier.example", "p02@atelier.example"]
    assert {letter.recipient for letter in own} == {alice.email}
    assert all(letter.is_secret and "First" not in letter.text for letter in theirs)
    text = mail.text_of(theirs[0])
    assert "First 01 Last 01" in text
    assert "Mot de passe" in text
    assert alice.nic_handle not in text


@pytest.mark.parametrize("again", ["by the customer", "by the operator"])
def test_the_owners_letter_sent_again_goes_to_the_owner(
    again: str, service: ExchangeService, alice: Account, app: Flask,
    drain: Callable[[], int],
) -> None:  # fmt: skip
    exchange.attached(service, 1, tells_owner=True)
    (letter,) = letters_of("licence_for_owner")
    if again == "by the customer":
        assert mail.send_again(letter, by=alice.nic_handle)
    else:
        Letter.update(status=LetterStatus.FAILED).where(Letter.id == letter.id).execute()
        app.test_cli_runner().invoke(args=["letters", "retry"])
    drain()
    (letter,) = letters_of("licence_for_owner")
    assert letter.recipient == "p01@atelier.example"


def test_the_owners_letter_bears_the_owners_name(service: ExchangeService, alice: Account) -> None:
    exchange.attached(service, 1, tells_owner=True)
    (own,), (theirs,) = letters_of("licence_active"), letters_of("licence_for_owner")
    assert mail.compose(own, [])["To"] == "Alice Lefèvre <alice@atelier.example>"
    assert mail.compose(theirs, [])["To"] == "First 01 Last 01 <p01@atelier.example>"
    theirs.addressee = ""
    assert mail.compose(theirs, [])["To"] == "p01@atelier.example"


def test_the_next_holder_of_a_licence_is_not_told_of_in_the_mailbox(
    service: ExchangeService, drain: Callable[[], int]
) -> None:
    exchange.attached(service, 1, tells_owner=True)
    seat = Seat.get()
    seats.release(seat, seat.version, by="alice")
    drain()
    seat = Seat.get()
    seats.configure(seat, seat.version, groups.ZOE, by="alice")
    drain()
    assert len(letters_of("licence_for_owner")) == 1
    assert services.licences_of(list(services.active_accounts(service))) == {}
    seat = Seat.get()
    seats.release(seat, seat.version, by="alice")
    drain()
    seat = Seat.get()
    seats.configure(seat, seat.version, seats.Person("A", "B", "p01"), by="alice")
    drain()
    assert len(letters_of("licence_for_owner")) == 1


def test_an_owner_is_told_after_a_failed_activation_was_tried_again(
    clock: time_machine.Traveller,
    service: ExchangeService,
    provider: Provider,
    drain: Callable[[], int],
) -> None:
    wished = exchange.wish(service, 1, tells_owner=True)
    attach.confirm(wished, exchange.seen(wished))
    provider.pending = True
    drain()
    provider.finish()
    provider.failing = "no capacity"
    drain_until_error(clock, drain)
    provider.failing = ""
    seat = Seat.get()
    assert seat.status == SeatStatus.ERROR
    seats.retry(seat, seat.version, by="alice")
    drain()
    assert Seat.get().status == SeatStatus.ACTIVE
    assert len(letters_of("licence_for_owner")) == 1


def drain_until_error(clock: time_machine.Traveller, drain: Callable[[], int]) -> None:
    for _ in range(5):
        clock.shift(120)
        drain()


def test_the_letter_of_the_order_says_what_follows(service: ExchangeService) -> None:
    exchange.attached(service, 3)
    text = mail.text_of(letters_of("attach_ordered")[0])
    for said in ("exchange-atelier", "26,40", "31,68", "8,80"):
        assert said in text, said
    assert letters.plain(text)


# --- Refusals --------------------------------------------------------------------------------


def test_somebody_elses_service_and_mailboxes_do_not_exist(
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
    [(0, "Choisissez au moins un compte"), (26, "Choisissez au plus 25 comptes")],
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
    assert inside.sees("p01@atelier.example a été supprimé entre-temps")
    assert nothing_happened()


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
    wished = exchange.wish(service, 2)
    seen = exchange.seen(wished)
    assert attach.confirm(wished, seen) == attach.confirm(wished, seen)
    assert Order.select().count() == 1


def test_a_price_that_changed_meanwhile_is_shown_first(
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


def test_what_was_seen_must_be_what_is_there(service: ExchangeService) -> None:
    from dataclasses import replace

    wished = exchange.wish(service, 2)
    seen = exchange.seen(wished)
    for forged in (
        replace(seen, total_cents=0),
        replace(seen, contract_digests=("x",)),
    ):
        with pytest.raises(Conflict):
            attach.confirm(wished, forged)
    assert nothing_happened()


def test_without_a_card_nothing_is_ordered(alice: Account, bank: Bank) -> None:
    wished = exchange.wish(exchange.service(alice), 2)
    with pytest.raises(NeedsCard):
        attach.confirm(wished, exchange.seen(wished))
    assert nothing_happened()


def test_used_is_used_even_between_two_forms(service: ExchangeService) -> None:
    first, second = exchange.wish(service, 2), exchange.wish(service, 3)
    seen = exchange.seen(second)
    attach.confirm(first, exchange.seen(first))
    with pytest.raises(Used):
        attach.confirm(second, seen)


def test_what_cannot_be_installed_says_so_and_is_tried_again(
    inside: Visitor, service: ExchangeService, provider: Provider, drain: Callable[[], int]
) -> None:
    provider.failing = "The domain is taken."
    wished = exchange.wish(service, 2)
    order = attach.confirm(wished, exchange.seen(wished))
    drain()
    inside.open(HERE)
    assert inside.sees("L’installation n’a pas abouti")
    provider.failing = ""
    inside.follow(f"Commande {order.number}")
    inside.press("Réessayer")
    drain()
    inside.open(HERE)
    assert inside.sees("2 licences actives")
    groups.check(LicenceGroup.get())


def test_what_can_never_be_installed_is_given_up_and_the_offer_is_there_again(
    inside: Visitor, service: ExchangeService, provider: Provider, drain: Callable[[], int]
) -> None:
    wished = exchange.wish(service, 2)
    order = attach.confirm(wished, exchange.seen(wished))
    with pytest.raises(Refusal):
        ordering.refund_order(order, by="operator")
    provider.failing = "The domain is taken."
    drain()
    ordering.refund_order(Order.get(), by="operator")
    provider.failing = ""
    drain()
    inside.open(f"/manager/account/orders/{order.number}")
    assert inside.sees("Rien n’a été débité, et son offre peut de nouveau être utilisée")
    assert LicenceGroup.get().status == GroupStatus.CANCELLED
    inside.open(HERE)
    assert inside.sees("Profitez de cette offre")
    assert exchange.attached(service, 2).seats_active == 2
