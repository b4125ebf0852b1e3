"""« Mes services » in the manager: renewals, means of payment, give-backs, terminations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from models import (
    Account,
    Card,
    CardSetup,
    GiveBack,
    GroupStatus,
    Invoice,
    Letter,
    LicenceGroup,
    Payment,
    Seat,
    Subscription,
    SubscriptionStatus,
    TerminationStatus,
    database,
)
from shop import clock as shop_clock
from shop import mail
from shop.clock import midnight
from shop.invoicing import account_credits
from shop.jobs import queue
from shop.orders import withdrawal_rights
from shop.overviews import services
from shop.payments import card_setups, mandates, outcomes, payments
from shop.payments.gateway import CheckoutStatus
from shop.subscriptions import (
    give_backs,
    interventions,
    period_billing,
    previews,
    price_changes,
    subscriptions,
    terminations,
)
from shop.text import formats
from tests.support import billing, cast, groups, letters, purchases, running
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

Drain = Callable[[], int]

COMPANY = {"company": "Atelier Lefèvre", "siren": "732829320"}


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    return running.delivered(alice, bank)


@pytest.fixture
def inside(visitor: Visitor, alice: Account) -> Visitor:
    visitor.log_in(alice)
    return visitor


def pay_at(bank: Bank) -> None:
    """Pay the newest checkout at the bank."""
    payment = Payment.select().order_by(Payment.id.desc()).first()
    outcomes.CHECKOUTS.settle(payment, bank.tell(payment.checkout, CheckoutStatus.SUCCEEDED))
    queue.drain()


def address(group: LicenceGroup, rest: str = "") -> str:
    return f"/manager/services/{group.name}{rest}"


# --- What is shown ---------------------------------------------------------------------------


def agree(account: Account) -> None:
    """Assert that services computed together equal those computed one by one."""
    rows = list(services.query_of(account, shop_clock.today()))
    shown = services.for_account(account, rows, services.renewal_cards_of(account))
    assert len(shown) == Subscription.select().where(Subscription.account == account).count()
    for each in shown:
        subscription = subscriptions.for_group(each.group)
        assert subscription
        alone = previews.preview(subscription)
        if alone is None or each.preview is None:
            assert alone is each.preview
            continue
        for name in ("period", "line", "totals", "price_before", "less", "is_paid", "quantity"):
            assert getattr(each.preview, name) == getattr(alone, name), name
        assert each.preview.price.id == alone.price.id
        assert each.card == mandates.card_of(subscription)


def test_the_list_agrees_with_each_renewal_to_the_cent(
    alice: Account, bob: Account, bank: Bank, provider: Provider, drain: Drain
) -> None:
    first, second = (
        running.delivered(alice, bank, 3),
        running.delivered(alice, bank, 5),
    )
    third, paid = (
        running.delivered(alice, bank, 2, card=""),
        running.delivered(alice, bank, 4),
    )
    running.delivered(bob, bank, 1)
    agree(alice)
    purchases.pay(groups.add(first, 2), bank)
    drain()
    groups.add(second, 4)
    agree(alice)
    give_backs.give_back_seats(second, [1, 4], by="alice")
    terminations.request_termination(third, by="alice")
    payments.start_payment(
        period_billing.bill_ahead(running.subscription_of(paid)),
        store_card=False,
        base_url=purchases.BASE,
        by="alice",
    )
    agree(alice)
    pay_at(bank)
    agree(alice)
    price_changes.change_price("business", 990, shop_clock.now() + timedelta(days=1))
    running.pass_time(timedelta(days=2))
    price_changes.announce_all()
    agree(alice)
    running.to_renewal(first)
    agree(alice)
    running.to_renewal(first)
    agree(alice)
    assert running.subscription_of(first).price.amount_cents == 990


def test_what_is_shown_is_what_is_charged(
    inside: Visitor, alice: Account, group: LicenceGroup
) -> None:
    found = services.find_service(alice, group.name)
    assert found
    assert found.preview
    inside.open("/manager/services")
    assert inside.sees("31,68 €")
    inside.open(address(group))
    assert inside.sees("31,68 €")
    inside.open(f"/manager/groups/{group.name}/information")
    assert inside.sees("31,68 € TTC")
    running.to_renewal(group)
    charged = Invoice.select().order_by(Invoice.id.desc()).first()
    assert charged.total_cents == found.preview.totals.total_cents == 3168


def test_without_a_service_the_page_leads_to_an_order(inside: Visitor) -> None:
    inside.open("/manager/services")
    assert inside.sees("Aucun service")
    inside.follow("Choisir mes licences")
    assert inside.response.status_code == 200


def test_a_page_of_services_asks_no_more_for_many(
    inside: Visitor, alice: Account, bank: Bank, group: LicenceGroup
) -> None:
    inside.open("/manager/services")
    few = len(inside.client.statements)
    for _ in range(4):
        running.delivered(alice, bank, 1)
    inside.open("/manager/services")
    assert len(inside.client.statements) == few


# --- Paying ----------------------------------------------------------------------------------


def test_a_renewal_that_the_balance_pays_ahead_asks_for_no_money(
    inside: Visitor, alice: Account, group: LicenceGroup, bank: Bank
) -> None:
    with database.atomic():
        account_credits.grant_goodwill(alice, 100_000, "Une panne.", by="staff:camille")
    inside.open(f"/manager/services/{group.name}")
    inside.press("Payer ce renouvellement maintenant")
    assert inside.sees("rien de plus n’a été prélevé")
    assert not Payment.select().where(Payment.invoice.is_null(False)).exists()
    inside.open("/manager/account/bills")
    assert inside.sees("Sur le solde de votre compte")
    billing.assert_balanced()


@pytest.mark.parametrize(
    ("language", "shown", "left"),
    [
        (
            "fr", ["Réglé par le solde de votre compte", "Débité sur votre carte", "21,68 €"],
            "reste à payer : 21,68 €",
        ),
        (
            "en", ["From the balance of your account", "Charged to your card", "21.68"],
            "21.68 left to pay",
        ),
    ],
)  # fmt: skip
def test_every_page_says_what_the_balance_pays_of_the_renewal(
    visitor: Visitor, alice: Account, group: LicenceGroup, language: str, shown: list[str],
    left: str,
) -> None:  # fmt: skip
    with database.atomic():
        account_credits.grant_goodwill(alice, 1_000, "Une panne.", by="staff:camille")
    Account.update(language=language).where(Account.id == alice.id).execute()
    visitor.log_in(alice)
    visitor.open(address(group))
    assert all(visitor.sees(each) for each in shown)
    for page in ("/manager/services", "/manager/web"):
        visitor.open(page)
        assert visitor.sees(
            f"reste à payer : {shown[2]}" if language == "fr" else "21.68 left to pay"
        )


def test_a_renewal_without_a_card_that_the_balance_pays_needs_no_attention(
    inside: Visitor, alice: Account, bank: Bank, provider: Provider
) -> None:
    running.delivered(alice, bank, card="")
    inside.open("/manager/web")
    assert inside.sees("Un renouvellement à payer vous-même")
    with database.atomic():
        account_credits.grant_goodwill(alice, 5_000, "Une panne.", by="staff:camille")
    inside.open("/manager/web")
    assert inside.sees("payé par le solde de votre compte")
    assert not inside.sees("Un renouvellement à payer vous-même")


def test_a_renewal_is_paid_ahead_and_not_charged_again(
    inside: Visitor, bank: Bank, group: LicenceGroup, drain: Drain
) -> None:
    inside.open(address(group))
    inside.press("Payer ce renouvellement maintenant")
    assert inside.response.location
    pay_at(bank)
    inside.open(address(group))
    assert inside.sees("Payé d’avance")
    before = Invoice.select().count()
    running.to_renewal(group)
    assert Invoice.select().count() == before


def test_what_is_unpaid_stands_on_every_page_until_it_is_paid(
    visitor: Visitor, alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.suspended(alice, bank)
    visitor.log_in(alice)
    visitor.open("/manager/account/profile")
    assert visitor.sees("est suspendu : un renouvellement n’est pas payé")
    visitor.open(f"/manager/groups/{group.name}")
    visitor.follow("Voir et payer")
    assert visitor.sees("Suspendu")
    visitor.press("Payer 31,68 € par carte", store_card=True)
    pay_at(bank)
    assert running.subscription_of(group).status == SubscriptionStatus.ACTIVE
    visitor.open("/manager/account/profile")
    assert not visitor.sees("suspendu")


# --- The means of payment ---------------------------------------------------------------------


def test_a_card_is_registered_at_the_bank_and_nothing_charged(
    inside: Visitor, bank: Bank, alice: Account, group: LicenceGroup
) -> None:
    inside.open(address(group))
    inside.press("Enregistrer une autre carte")
    setup = CardSetup.get()
    assert inside.response.location == setup.checkout_url
    inside.open(f"{address(group)}?card={setup.id}")
    assert inside.sees("La banque confirme votre carte")
    card_setups.CHECKOUTS.settle(
        setup, bank.tell(setup.checkout, CheckoutStatus.SUCCEEDED, number="1881")
    )
    inside.open(f"{address(group)}?card={setup.id}")
    assert inside.sees("Votre carte est enregistrée")
    assert mandates.card_of(running.subscription_of(group)).last4 == "1881"
    assert bank.balance() == 3168


def test_a_card_that_is_declined_changes_nothing(
    inside: Visitor, bank: Bank, group: LicenceGroup
) -> None:
    inside.open(address(group))
    inside.press("Enregistrer une autre carte")
    setup = CardSetup.get()
    card_setups.CHECKOUTS.settle(
        setup, bank.tell(setup.checkout, CheckoutStatus.DECLINED, "declined")
    )
    inside.open(f"{address(group)}?card={setup.id}")
    assert inside.sees("Votre banque a refusé la carte")
    assert mandates.card_of(running.subscription_of(group)).last4 == "4242"


def test_one_of_several_cards_is_chosen(
    inside: Visitor, alice: Account, group: LicenceGroup
) -> None:
    newer = Card.create(
        account=alice, mandate="m-2", brand="visa", last4="1111", expiry_month=12,
        expiry_year=2034, consented_at=shop_clock.now(),
    )  # fmt: skip
    older = Card.select().where(Card.id != newer).get()
    inside.open(address(group))
    assert mandates.card_of(running.subscription_of(group)) == older, (
        "a newer card is not charged unasked"
    )
    assert inside.press("Enregistrer ce choix", card=str(newer.id)).status_code == 200
    assert mandates.card_of(running.subscription_of(group)) == newer
    inside.press("Annuler")
    assert mandates.card_of(running.subscription_of(group)) == older
    inside.press("Annuler")
    assert mandates.card_of(running.subscription_of(group)) == newer
    response = inside.client.ask("POST", address(group, "/card"), {"card": "999999"})
    assert response.status_code == 422


# --- Terminating ------------------------------------------------------------------------------


def test_a_consumer_terminates_and_changes_their_mind(inside: Visitor, group: LicenceGroup) -> None:
    inside.open(address(group))
    inside.follow("Résilier ce service")
    assert inside.sees("Les comptes Office des 3 licences sont supprimés ce jour-là")
    inside.press("Résilier ce service")
    assert inside.sees("Se termine le")
    assert terminations.for_group(group).status == TerminationStatus.SCHEDULED
    inside.open("/manager/services")
    assert not inside.sees("31,68 €")
    inside.open(address(group))
    inside.press("Garder ce service")
    assert terminations.for_group(group) is None
    assert inside.sees("31,68 €")
    inside.follow("Résilier ce service")
    inside.press("Résilier ce service")
    inside.press("Annuler")
    assert terminations.for_group(group) is None


def readable_when_it_is_over(inside: Visitor, group: LicenceGroup) -> None:
    """Assert that the pages of an ended service say so and still show its data."""
    here = f"/manager/groups/{group.name}"
    inside.open(here)
    assert inside.sees("Ce groupe a pris fin")
    assert inside.sees("3 licences")
    assert not inside.offers("Ajouter un utilisateur")
    assert not inside.sees("Configurer des licences depuis un fichier")
    inside.follow("Télécharger les licences (CSV)")
    assert inside.response.text.count("configureme") == 3
    inside.open(f"{here}/information")
    assert inside.sees("Licences par statut")
    assert inside.sees("Terminé 3")
    assert not inside.sees("Créé 3")
    assert not inside.sees("licences des commandes impayées comprises")
    inside.open("/manager/web")
    assert "licence" not in inside.response.text.split(group.display_name)[-1].split("</li>")[0]


def test_it_is_too_late_on_the_last_day(
    inside: Visitor, alice: Account, group: LicenceGroup
) -> None:
    terminations.request_termination(group, by="alice")
    ends_at = midnight(terminations.for_group(group).day)
    running.pass_time(ends_at - shop_clock.now() - timedelta(hours=23))
    inside.log_in(alice)
    inside.open(address(group))
    assert inside.sees("Se termine le")
    assert not inside.offers("Garder ce service")
    response = inside.client.ask("POST", address(group, "/termination/undoing"))
    assert response.status_code == 422
    running.to_renewal(group)
    assert groups.fresh(group).status == GroupStatus.TERMINATED
    inside.log_in(alice)
    inside.open(address(group))
    assert inside.sees("Ce service est terminé")
    readable_when_it_is_over(inside, group)


def test_a_company_confirms_by_the_link_of_a_letter(
    visitor: Visitor, bank: Bank, provider: Provider, app: object
) -> None:
    alice = cast.register(cast.ALICE, **COMPANY)
    group = running.delivered(alice, bank)
    visitor.log_in(alice)
    visitor.open(address(group, "/termination"))
    assert visitor.sees("nous envoyons un lien à alice@atelier.example")
    visitor.press("Résilier ce service")
    assert visitor.sees("La résiliation attend votre confirmation")
    assert terminations.for_group(group).status == TerminationStatus.ASKED
    letter = Letter.get(Letter.kind == "termination_link")
    link = next(one for one in letters.links(mail.html_of(letter)) if "/termination/" in one)
    visitor.open(urlsplit(link).path)
    assert terminations.for_group(group).status == TerminationStatus.ASKED
    visitor.press("Résilier ce groupe")
    assert terminations.for_group(group).status == TerminationStatus.SCHEDULED
    visitor.open(address(group))
    assert visitor.sees("Se termine le")
    assert withdrawal_rights.find_obstacle(terminations.order_of(group)) is not None
    response = visitor.client.get(address(group, "/withdrawal"))
    assert response.status_code == 303


def test_a_consumer_withdraws_within_14_days_and_no_later(
    inside: Visitor, alice: Account, bank: Bank, group: LicenceGroup, drain: Drain
) -> None:
    inside.open(address(group))
    inside.follow("Se rétracter")
    assert inside.sees("Cette action est définitive")
    assert inside.press("Confirmer la rétractation").status_code == 422
    assert groups.fresh(group).status == GroupStatus.INSTALLED
    inside.press("Confirmer la rétractation", sure=True)
    drain()
    assert groups.fresh(group).status == GroupStatus.TERMINATED
    later = running.delivered(alice, bank)
    running.pass_time(timedelta(days=19))
    inside.log_in(alice)
    inside.open(address(later))
    assert inside.sees("Résilier ce service")
    assert not inside.sees("Se rétracter")
    response = inside.client.ask("POST", address(later, "/withdrawal"), {"sure": "yes"})
    assert response.status_code == 422


# --- Single licences --------------------------------------------------------------------------


def test_licences_are_given_back_and_kept_again(inside: Visitor, group: LicenceGroup) -> None:
    groups.configured(group, 1)
    inside.open(address(group))
    inside.follow("Rendre des licences")
    inside.press("Poursuivre", unused="1", licences="1")
    assert inside.sees("Camille Dupont (camille.dupont@")
    assert inside.sees("10,56 €")
    inside.press("Rendre 2 licences")
    inside.press("Annuler")
    assert not give_backs.for_group(group)
    inside.follow("Rendre des licences")
    inside.press("Poursuivre", unused="1", licences="1")
    inside.press("Rendre 2 licences")
    assert [row.number for row in give_backs.for_group(group)] == [1, 3]
    assert inside.sees("10,56 €")
    inside.open(f"/manager/groups/{group.name}")
    assert inside.response.text.count("Rendue\u00a0: se termine le") == 2
    inside.open(address(group))
    inside.press("Garder la licence n° 1")
    assert [row.number for row in give_backs.for_group(group)] == [3]
    running.to_renewal(group)
    assert GiveBack.select().where(GiveBack.status == TerminationStatus.DONE).count() == 1
    assert Seat.select().where(Seat.group == group).count() == 2


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"unused": ""}, "Choisissez au moins une licence"),
        ({"unused": "x"}, "Indiquez un nombre entier de licences"),
        ({"unused": "9"}, "autant de licences inutilisées"),
    ],
)
def test_what_cannot_be_given_back_is_said(
    inside: Visitor, group: LicenceGroup, chosen: dict[str, str], said: str
) -> None:
    inside.open(address(group, "/licences"))
    assert inside.press("Poursuivre", **chosen).status_code == 422
    assert inside.sees(said)


def test_one_licence_stays(inside: Visitor, group: LicenceGroup) -> None:
    inside.open(address(group, "/licences"))
    inside.press("Poursuivre", unused="3")
    assert inside.press("Rendre 3 licences").status_code == 422
    assert inside.sees("Un groupe garde au moins une licence")
    assert not give_backs.for_group(group)


# --- Suspended ---------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_page_of_a_suspended_service_says_what_paying_starts(
    alice: Account, bank: Bank, provider: Provider, inside: Visitor, language: str
) -> None:
    Account.update(language=language).where(Account.id == alice.id).execute()
    group = running.suspended(alice, bank)
    invoice = running.owed(group)
    day = running.subscription_of(group).period_end + timedelta(days=10)
    running.pass_time(midnight(day) - shop_clock.now() + timedelta(hours=9))
    inside.log_in(alice)
    inside.open(address(group))
    (due,) = period_billing.due_on_resumption(running.subscription_of(group), None)
    shown = formats.money(due.totals.total_cents, language)
    assert inside.sees(shown)
    assert inside.sees(
        "aussitôt. Le dernier mois" if language == "fr" else "at once. The last month"
    )
    inside.open(f"/manager/account/bills/{invoice.number}")
    assert not inside.sees("Payer par carte")
    inside.follow("Voir et payer" if language == "fr" else "See and pay")
    assert inside.sees(shown)
    terminations.request_termination(group, by="alice")
    inside.open(address(group))
    assert not inside.sees(shown)
    assert inside.sees("rien" if language == "fr" else "nothing more")


def test_the_reason_of_the_operator_is_on_the_pages_of_the_service(
    group: LicenceGroup, inside: Visitor
) -> None:
    interventions.suspend(group, "Un abus a été signalé.", by="operator")
    inside.open(address(group))
    assert inside.sees("Un abus a été signalé.")
    assert inside.sees("est suspendu par notre équipe")
    inside.open(f"/manager/groups/{group.name}")
    assert inside.sees("tant qu’il n’est pas rétabli")
    interventions.end_service(group, "Contrat rompu.", by="operator")
    inside.open(address(group))
    assert inside.sees("Contrat rompu.")
