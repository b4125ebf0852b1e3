"""Notices before renewals and before cards expire: in time, once, true, and none unneeded."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from peewee import fn

from models import (
    Account,
    Card,
    Invoice,
    Letter,
    LicenceGroup,
    Payment,
    Subscription,
    database,
)
from shop import clock, mail
from shop.clock import midnight
from shop.invoicing import account_credits
from shop.jobs import queue
from shop.overviews import services
from shop.payments import cards
from shop.subscriptions import (
    coming,
    dunning,
    period_billing,
    previews,
    renewal_notices,
    renewals,
    terminations,
)
from shop.text import formats
from tests.support import billing, exchange, groups, letters, running
from tests.support.parties import Bank, Provider


@pytest.fixture
def group(alice: Account, bank: Bank, provider: Provider) -> LicenceGroup:
    return running.delivered(alice, bank)


def renewal_of(group: LicenceGroup) -> date:
    day: date | None = running.subscription_of(group).renews_on
    assert day is not None
    return day


def told(kind: str = "renewal_coming") -> list[str]:
    """Return the texts of the e-mails of a kind, oldest first."""
    rows = Letter.select().where(Letter.kind == kind).order_by(Letter.id)
    return [mail.text_of(row) for row in rows]


def live_through(first: date, last: date) -> list[int]:
    """Announce day by day, twice each; return the number of e-mails after each day."""
    numbers = []
    for days in range((last - first).days + 1):
        for _ in range(2):
            renewal_notices.announce_all(first + timedelta(days=days))
        numbers.append(len(told()))
    return numbers


def test_each_renewal_is_announced_7_days_and_1_day_before(group: LicenceGroup) -> None:
    day = renewal_of(group)
    assert live_through(day - timedelta(days=9), day) == [0, 0, 1, 1, 1, 1, 1, 1, 2, 2]
    running.to_renewal(group)
    sent = len(told())
    next_day = renewal_of(group)
    renewal_notices.announce_all(next_day - renewal_notices.FIRST)
    assert len(told()) == sent + 1


@pytest.mark.parametrize(("late", "sent"), [(3, 2), (6, 1), (7, 0)])
def test_after_a_down_time_only_what_is_still_useful_is_sent(
    group: LicenceGroup, late: int, sent: int
) -> None:
    day = renewal_of(group)
    live_through(day - timedelta(days=7 - late), day)
    assert len(told()) == sent


def test_the_worker_announces_every_day(group: LicenceGroup) -> None:
    running.move_on(midnight(renewal_of(group) - timedelta(days=7)) - clock.now())
    renewals.queue_runs()
    queue.drain()
    assert len(told()) == 1


def test_with_a_card_it_says_what_is_charged_when_to_which_card_and_for_which_licences(
    group: LicenceGroup,
) -> None:
    groups.configured(group)
    day = renewal_of(group)
    renewal_notices.announce_all(day - renewal_notices.FIRST)
    (text,) = told()
    plain = letters.plain(text)
    assert letters.plain(formats.money(3168, "fr")) in plain
    assert letters.plain(formats.day(day, "fr")) in plain
    assert "Carte se terminant par 4242" in plain
    assert "Licences utilisées : 1" in plain
    assert "Licences non utilisées : 2" in plain
    assert f"/manager/services/{group.name}" in text
    assert "suspendu" not in plain


def test_without_a_card_it_says_until_when_to_pay_and_what_happens_otherwise(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank, card="")
    day = renewal_of(group)
    renewal_notices.announce_all(day - renewal_notices.LAST)
    (text,) = map(letters.plain, told())
    assert "Aucune carte n’est débitée" in text
    before = dunning.suspended_on(midnight(day))
    assert f"À régler avant le : {letters.plain(formats.day(before, 'fr'))}" in text
    assert "le service est suspendu" in text
    running.to_renewal(group)
    (text,) = map(letters.plain, told("payment_failed"))
    assert f"À régler avant le : {letters.plain(formats.day(before, 'fr'))}" in text
    assert "tentative" not in text, "nothing is tried without a card"
    for wait in dunning.WAITS:
        assert not running.subscription_of(group).is_suspended
        running.pass_time(wait + timedelta(minutes=1))
    assert running.subscription_of(group).is_suspended
    assert clock.day_of(running.subscription_of(group).suspended_at) == before, "as the letter said"


# --- What the balance pays -------------------------------------------------------------------


def on_balance(account: Account, cents: int) -> None:
    with database.atomic():
        account_credits.grant_goodwill(account, cents, "Une panne.", by="staff:camille")


@pytest.mark.parametrize(
    ("balance", "paid", "left"),
    [(1_000, 1_000, 2_168), (3_150, 3_118, 50), (3_168, 3_168, 0), (9_000, 3_168, 0)],
)
def test_the_letter_says_what_the_balance_pays_and_the_card_as_the_renewal_does(
    alice: Account, group: LicenceGroup, balance: int, paid: int, left: int
) -> None:
    on_balance(alice, balance)
    day = renewal_of(group)
    renewal_notices.announce_all(day - renewal_notices.FIRST)
    (text,) = map(letters.plain, told())
    assert f"Réglé par le solde de votre compte : {money_in(paid)}" in text
    assert (f"Débité sur votre carte : {money_in(left)}" in text) == (left > 0)
    assert ("Débité sur" in text) == (left > 0)
    assert ("Le solde de votre compte le paie en entier" in text) == (left == 0)
    assert ("aucune carte n’est débitée" in text) == (left == 0)
    assert ("votre carte se terminant par 4242 est débitée" in text) == (left > 0)
    running.to_renewal(group)
    invoice = Invoice.select().order_by(Invoice.id.desc()).first()
    assert (invoice.total_cents, invoice.offset_cents) == (3_168, paid)
    charged = Payment.select(fn.SUM(Payment.amount_cents)).where(Payment.invoice == invoice)
    assert (charged.scalar() or 0) == left


def money_in(cents: int) -> str:
    return letters.plain(formats.money(cents, "fr"))


def test_without_a_balance_the_letter_speaks_of_none(group: LicenceGroup) -> None:
    renewal_notices.announce_all(renewal_of(group) - renewal_notices.FIRST)
    (text,) = map(letters.plain, told())
    assert "solde" not in text


def test_a_renewal_without_a_card_that_the_balance_pays_asks_for_nothing(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank, card="")
    on_balance(alice, 5_000)
    renewal_notices.announce_all(renewal_of(group) - renewal_notices.LAST)
    letter = Letter.get(Letter.kind == "renewal_coming")
    assert "à régler vous-même" not in letter.subject
    text = letters.plain(mail.text_of(letter))
    assert "vous n’avez rien à faire" in text
    assert "Moyen de paiement : Solde de votre compte" in text
    assert "À régler avant le" not in text


def test_services_that_renew_before_use_the_balance_first(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    first = running.delivered(alice, bank)
    running.pass_time(timedelta(days=2))
    then, same_day = running.delivered(alice, bank), running.delivered(alice, bank, 1)
    on_balance(alice, 4_000)
    shown = {}
    for group in (first, then, same_day):
        found = services.find_service(alice, group.name)
        assert found is not None
        shown[group.id] = found.settlement
    left = [(each.from_balance_cents, each.left_cents) for each in shown.values()]
    assert left == [(3_168, 0), (832, 2_336), (0, 1_056)]
    for group in (then, same_day):
        due = previews.preview(running.subscription_of(group))
        assert due is not None
        assert coming.settlement_of(alice, due) == shown[group.id]
    before = Invoice.select(fn.MAX(Invoice.id)).scalar()
    running.to_renewal(same_day)
    issued = Invoice.select().where(Invoice.id > before).order_by(Invoice.id)
    used = [(each.offset_cents, each.total_cents - each.offset_cents) for each in issued]
    assert used == left


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("kind", ["renewal_coming", "free_period_ending"])
def test_what_the_balance_pays_in_full_is_charged_to_no_card(
    alice: Account, group: LicenceGroup, kind: str, language: str
) -> None:
    Account.update(language=language).execute()
    subscription = running.subscription_of(group)
    subscription.free_until = subscription.period_end
    subscription.save()
    on_balance(alice, 9_000)
    if kind == "free_period_ending":
        renewal_notices.tell_of_free_end(subscription.id)
    else:
        renewal_notices.announce_all(renewal_of(group) - renewal_notices.LAST)
    letter = Letter.get(Letter.kind == kind)
    for text in map(letters.plain, (mail.text_of(letter), letter.html)):
        assert {"fr": "aucune carte n’est débitée", "en": "no card is charged"}[language] in text
        assert not re.search("Débité|Charged", text)


def test_at_the_end_of_a_free_period_the_letter_says_what_the_balance_pays(
    alice: Account, group: LicenceGroup
) -> None:
    subscription = running.subscription_of(group)
    subscription.free_until = subscription.period_end
    subscription.save()
    on_balance(alice, 1_000)
    renewal_notices.tell_of_free_end(subscription.id)
    (text,) = map(letters.plain, told("free_period_ending"))
    assert f"Réglé par le solde de votre compte : {money_in(1_000)}" in text
    assert f"Débité sur votre carte : {money_in(2_168)}" in text


def test_with_a_card_that_failed_the_letter_speaks_of_the_next_attempt(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    running.to_renewal(running.delivered(alice, bank, card="0341"))
    (text,) = map(letters.plain, told("payment_failed"))
    assert "Prochain essai le" in text or "Prochaine tentative le" in text
    assert "À régler avant le" not in text


def test_nothing_is_announced_that_will_not_be_charged(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    ending, ahead = running.delivered(alice, bank), running.delivered(alice, bank)
    terminations.request_termination(ending, by="alice")
    billing.pay(period_billing.bill_ahead(running.subscription_of(ahead)), bank)
    live_through(renewal_of(ahead) - timedelta(days=8), renewal_of(ahead))
    assert told() == []


def test_the_end_of_a_free_month_is_announced_once_a_week_before_and_again_the_day_before(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    exchange.with_card(alice, bank)
    group = exchange.attached(exchange.service(alice))
    day = renewal_of(group)
    assert running.subscription_of(group).card is not None
    for days in (7, 1):
        running.move_on(midnight(day - timedelta(days=days)) - clock.now() + timedelta(minutes=1))
        queue.drain()
        renewal_notices.announce_all(clock.today())
    assert (len(told("free_period_ending")), len(told())) == (1, 1)
    assert "4242" in told("free_period_ending")[0]


def test_a_free_month_without_a_card_ends_with_a_letter_that_says_so(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    exchange.with_card(alice, bank)
    group = exchange.attached(exchange.service(alice))
    cards.remove_card(Card.get(), by="alice")
    at = midnight(renewal_of(group) - timedelta(days=7)) + timedelta(minutes=1)
    running.pass_time(at - clock.now())
    (text,) = map(letters.plain, told("free_period_ending"))
    assert "Aucune carte n’est débitée" in text


# --- Cards -------------------------------------------------------------------------------------


def test_a_card_is_announced_to_expire_7_days_and_1_day_before(group: LicenceGroup) -> None:
    last = Card.get().valid_until
    assert (last + timedelta(days=1)).day == 1
    numbers = []
    for days in (8, 7, 6, 2, 1, 0):
        for _ in range(2):
            renewal_notices.announce_all(last - timedelta(days=days))
        numbers.append(len(told("card_expiring")))
    assert numbers == [0, 1, 1, 1, 2, 2]
    text = letters.plain(told("card_expiring")[0])
    assert group.display_name in text
    assert "/manager/account/cards" in told("card_expiring")[0]


def test_a_card_renewed_by_the_bank_is_announced_again_with_its_new_date(
    group: LicenceGroup,
) -> None:
    renewal_notices.announce_all(Card.get().valid_until - renewal_notices.FIRST)
    Card.update(expiry_year=Card.expiry_year + 3).execute()
    renewal_notices.announce_all(Card.get().valid_until - renewal_notices.FIRST)
    assert len(told("card_expiring")) == 2


def test_a_card_that_no_service_is_charged_to_expires_in_silence(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    running.delivered(alice, bank, card="")
    unused = billing.card(alice)
    renewal_notices.announce_all(unused.valid_until - renewal_notices.FIRST)
    Subscription.update(card=unused).execute()
    Card.update(removed_at=clock.now()).execute()
    renewal_notices.announce_all(unused.valid_until - renewal_notices.FIRST)
    assert told("card_expiring") == []


def test_a_renewal_after_the_cards_last_day_says_so(
    alice: Account, bank: Bank, provider: Provider
) -> None:
    group = running.delivered(alice, bank)
    day = renewal_of(group)
    before = day - timedelta(days=day.day)
    Card.update(expiry_year=before.year, expiry_month=before.month).execute()
    renewal_notices.announce_all(day - renewal_notices.LAST)
    assert "expire avant le renouvellement" in told()[0]
