"""Orders of licences for an existing group: places, pro rata price, delivery."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from pypdf import PdfReader

from models import (
    Account,
    Addition,
    AdditionStatus,
    Invoice,
    Letter,
    LicenceGroup,
    Order,
    OrderLine,
    OrderStatus,
    Payment,
    Seat,
    Subscription,
    database,
)
from shop import documents
from shop.clock import PARIS
from shop.delivery import installation
from shop.errors import Conflict, Refusal
from shop.invoicing import ledger_proof, order_invoices
from shop.licences import reservations
from shop.licences.reservations import PlacesExhausted
from shop.orders import orders, placing
from shop.orders.additions import AdditionOrder
from shop.payments import outcomes, payments
from shop.payments.gateway import CheckoutStatus
from shop.pricing.lines import positions_of
from shop.subscriptions import dunning, renewals, subscriptions
from tests.support import billing, groups, purchases
from tests.support.parties import Bank, Provider
from tests.support.visitor import Visitor

Drain = Callable[[], int]


@pytest.fixture
def group(
    clock: time_machine.Traveller, alice: Account, bank: Bank, provider: Provider
) -> LicenceGroup:
    """A group installed on 10 March 2026, which renews on 10 April, 31 days later."""
    return groups.installed(alice, bank)


def at(clock: time_machine.Traveller, *moment: int) -> None:
    clock.move_to(datetime(*moment, tzinfo=PARIS).astimezone(UTC))


def test_added_licences_join_their_group(
    group: LicenceGroup, bank: Bank, provider: Provider, drain: Drain
) -> None:
    order = groups.add(group, 2)
    assert groups.fresh(group).places_taken == 5
    purchases.pay(order, bank)
    drain()
    assert groups.fresh(order).status == OrderStatus.DELIVERED
    assert provider.tenants[group.domain] == 5
    numbers = [seat.number for seat in Seat.select().order_by(Seat.number)]
    assert numbers == [1, 2, 3, 4, 5]
    assert Letter.select().where(Letter.kind == "licences_added").count() == 1
    assert LicenceGroup.select().count() == 1
    groups.check_counts(group)


@pytest.mark.parametrize(
    ("day", "days", "net"),
    [((2026, 3, 10), 31, 1760), ((2026, 3, 11), 30, 1703), ((2026, 3, 28), 13, 738),
     ((2026, 3, 29), 12, 681), ((2026, 4, 9), 1, 57), ((2026, 4, 10), 30, 1760),
     ((2026, 4, 25), 15, 880)],
)  # fmt: skip
def test_they_are_charged_by_the_day_up_to_the_renewal(
    clock: time_machine.Traveller, group: LicenceGroup, day: tuple[int, int, int], days: int,
    net: int,
) -> None:  # fmt: skip
    at(clock, *day, 12)
    line = OrderLine.get(OrderLine.order == groups.add(group, 2))
    assert (line.days, line.net_cents) == (days, net)
    assert line.period_days == (31 if day < (2026, 4, 10) else 30)


@pytest.mark.every_case
@pytest.mark.parametrize("moment", [(2026, 4, 7, 12), (2026, 3, 29, 0, 30), (2026, 4, 9, 23, 59)])
def test_an_order_of_licences_expires_with_its_day(
    clock: time_machine.Traveller, group: LicenceGroup, drain: Drain, moment: tuple[int, ...]
) -> None:
    at(clock, *moment)
    order = groups.add(group, 20)
    last = datetime(*moment, tzinfo=PARIS).replace(hour=23, minute=59, second=59)
    assert order.expires_at == last
    assert Addition.get().renewal_on == date(2026, 4, 10)
    clock.move_to(last + timedelta(minutes=1))
    drain()
    assert groups.fresh(order).status == OrderStatus.EXPIRED
    assert groups.fresh(group).places_taken == 3
    with pytest.raises(Refusal, match="can no longer be paid"):
        purchases.start_paying(groups.fresh(order))


# 10 licences ordered on 11 March cost 88.00 x 30/31 = 85.16, and 102.19 with VAT. Delivered on
# 24 March they are worth 88.00 x 17/31 = 48.26, and 57.91 with VAT.


def test_licences_delivered_late_are_charged_from_their_delivery(
    clock: time_machine.Traveller, group: LicenceGroup, bank: Bank, drain: Drain
) -> None:
    at(clock, 2026, 3, 11, 23, 30)
    order = groups.add(group, 10)
    assert order.total_cents == 10219
    before = bank.balance()
    purchases.pay(order, bank)
    at(clock, 2026, 3, 24, 9)
    drain()
    (position,) = positions_of(billing.invoice_of(order))
    assert (position.line.days, position.line.period_days) == (17, 31)
    assert (position.period.start, position.period.end) == (date(2026, 3, 24), date(2026, 4, 10))
    assert billing.invoice_of(order).total_cents == 5791
    assert bank.balance() - before == 5791
    told = Letter.get(Letter.kind == "rest_refunded").text
    assert "44,28" in told
    assert "24 mars 2026" in told
    billing.assert_balanced()


def test_a_payment_confirmed_after_midnight_is_charged_for_the_days_left(
    clock: time_machine.Traveller, group: LicenceGroup, bank: Bank, drain: Drain
) -> None:
    at(clock, 2026, 3, 11, 23, 59)
    order = groups.add(group, 10)
    payment = purchases.start_paying(order)
    outcomes.CHECKOUTS.settle(payment, bank.tell(payment.checkout, CheckoutStatus.PROCESSING))
    at(clock, 2026, 3, 12, 0, 5)
    drain()
    assert groups.fresh(order).is_payable
    outcomes.CHECKOUTS.settle(payment, bank.tell(payment.checkout, CheckoutStatus.SUCCEEDED))
    drain()
    # 88.00 x 29/31 = 82.32, and 98.78 with VAT.
    assert billing.invoice_of(order).total_cents == 9878
    assert Payment.get(Payment.order == order).uncharged_cents == 10219 - 9878
    billing.assert_balanced()


@pytest.mark.every_case
@pytest.mark.parametrize(("day", "credited"), [(10, 0), (12, 2112)])
def test_licences_delivered_after_a_renewal_are_charged_for_no_day_before(
    clock: time_machine.Traveller, group: LicenceGroup, bank: Bank, drain: Drain,
    day: int, credited: int,
) -> None:  # fmt: skip
    at(clock, 2026, 4, 9, 23, 30)
    order = groups.add(group, 2)
    before = bank.balance()
    purchases.pay(order, bank)
    at(clock, 2026, 4, 10, 0, 5)
    renewals.run_renewals()
    at(clock, 2026, 4, day, 9)
    drain()
    assert groups.fresh(order).status == OrderStatus.DELIVERED
    assert order_invoices.for_order(order) is None
    assert bank.balance() == before
    renewal = Invoice.get(Invoice.group == group, Invoice.kind == "invoice")
    assert renewal.total_cents == 5 * 880 * 120 // 100
    assert renewal.credited_cents == credited
    billing.assert_balanced()


def test_nothing_is_ordered_or_paid_for_a_suspended_group(
    clock: time_machine.Traveller, group: LicenceGroup, bank: Bank, drain: Drain
) -> None:
    order, other = groups.add(group, 2), groups.add(group, 1)
    confirming = purchases.start_paying(other)
    before = bank.balance()
    suspend(group)
    for unpaid in (order, other):
        with pytest.raises(Refusal, match="can no longer be paid"):
            payments.record_manual_payment(groups.fresh(unpaid), by="operator")
    with pytest.raises(Refusal):
        groups.add(group, 1)
    outcomes.CHECKOUTS.settle(confirming, bank.tell(confirming.checkout, CheckoutStatus.SUCCEEDED))
    drain()
    assert {groups.fresh(order).status, groups.fresh(other).status} == {OrderStatus.CANCELLED}
    assert groups.fresh(group).places_taken == 3
    assert bank.balance() == before
    billing.assert_balanced()


def test_an_order_for_a_suspended_group_that_stays_payable_is_found(
    group: LicenceGroup, bank: Bank
) -> None:
    order = groups.add(group, 2)
    LicenceGroup.update(status="suspended").execute()
    (fault,) = ledger_proof.find_faults()
    assert fault == f"the unpaid order {order.number} is for a group that is suspended or has ended"


def suspend(group: LicenceGroup) -> None:
    """Suspend a group, as the last unsuccessful attempt to charge it does."""
    Subscription.update(status="past_due").execute()
    with database.atomic():
        subscription = subscriptions.locked_for_group(group)
        dunning.suspend(subscription, Invoice.get(Invoice.kind == "invoice"), by="shop")


def test_cancelling_frees_the_places(group: LicenceGroup) -> None:
    order = groups.add(group, 297)
    with pytest.raises(PlacesExhausted, match="0 free places of 300"):
        groups.add(group, 1)
    orders.cancel_order(order, by="alice")
    assert groups.fresh(group).places_taken == 3
    assert groups.add(group, 297).status == OrderStatus.AWAITING_PAYMENT


def test_a_pro_plus_group_has_no_limit(alice: Account, bank: Bank, provider: Provider) -> None:
    group = groups.installed(alice, bank, 1, "pro_plus")
    groups.add(group, 5000)
    assert groups.fresh(group).places_taken == 5001


def test_pressing_twice_makes_one_order(group: LicenceGroup, alice: Account) -> None:
    requested = groups.addition_request(group, 297)
    seen = groups.seen_by(alice, requested)
    first = placing.place(AdditionOrder(alice, requested), seen)
    assert placing.place(AdditionOrder(alice, requested), seen) == first
    assert groups.fresh(group).places_taken == 300


def test_changing_the_number_replaces_the_order_and_its_places(
    group: LicenceGroup, alice: Account
) -> None:
    requested = groups.addition_request(group, 290)
    first = placing.place(AdditionOrder(alice, requested), groups.seen_by(alice, requested))
    # The places of the order that is replaced are free for the one that replaces it.
    more = replace(requested, quantity=297, group=groups.fresh(group))
    assert placing.place(AdditionOrder(alice, more), groups.seen_by(alice, more)).is_payable
    assert groups.fresh(first).status == OrderStatus.CANCELLED
    assert groups.fresh(group).places_taken == 300
    billing.assert_balanced()


def test_an_order_that_fills_its_group_can_be_made_smaller(
    group: LicenceGroup, alice: Account
) -> None:
    requested = groups.addition_request(group, 297)
    placing.place(AdditionOrder(alice, requested), groups.seen_by(alice, requested))
    for quantity in (296, 297, 5):
        less = replace(requested, quantity=quantity, group=groups.fresh(group))
        order = placing.place(AdditionOrder(alice, less), groups.seen_by(alice, less))
        assert order.is_payable
        assert groups.fresh(group).places_taken == 3 + quantity
    assert Order.select().where(Order.status == OrderStatus.AWAITING_PAYMENT).count() == 1
    billing.assert_balanced()


def test_the_places_of_another_order_stay_taken(
    group: LicenceGroup, alice: Account, bank: Bank
) -> None:
    groups.add(group, 290)
    requested = groups.addition_request(groups.fresh(group), 7)
    placing.place(AdditionOrder(alice, requested), groups.seen_by(alice, requested))
    more = replace(requested, quantity=8, group=groups.fresh(group))
    with pytest.raises(PlacesExhausted, match="7 free places of 300"):
        placing.place(AdditionOrder(alice, more), groups.seen_by(alice, more))
    # A basket's name is no secret worth guessing: another customer's order frees nothing.
    assert reservations.held_by_basket(alice.id + 1, requested.basket) == {}
    assert reservations.held_by_basket(alice.id, requested.basket) == {group.id: 7}


def test_a_price_of_another_day_is_not_charged(
    clock: time_machine.Traveller, group: LicenceGroup, alice: Account
) -> None:
    requested = groups.addition_request(group, 2)
    seen = groups.seen_by(alice, requested)
    clock.shift(timedelta(days=1))
    with pytest.raises(Conflict, match="price has changed"):
        placing.place(AdditionOrder(alice, requested), seen)
    assert groups.fresh(group).places_taken == 3


def test_additions_of_one_group_are_installed_in_their_turn(
    clock: time_machine.Traveller, group: LicenceGroup, bank: Bank, provider: Provider,
    drain: Drain,
) -> None:  # fmt: skip
    provider.pending = True
    for quantity in (2, 4):
        purchases.pay(groups.add(group, quantity), bank)
    drain()
    assert [row.target for row in Addition.select().order_by(Addition.id)] == [5, None]
    for _ in range(3):
        provider.finish()
        clock.shift(timedelta(minutes=1))
        drain()
    assert provider.tenants[group.domain] == 9
    assert groups.fresh(group).seats_unconfigured == 9
    assert {order.status for order in Order.select()} == {OrderStatus.DELIVERED}


def test_a_refused_addition_can_be_tried_again_and_makes_its_seats_once(
    group: LicenceGroup, bank: Bank, provider: Provider, drain: Drain
) -> None:
    provider.failing = "no capacity"
    order = groups.add(group, 2)
    purchases.pay(order, bank)
    drain()
    order = groups.fresh(order)
    assert order.status == OrderStatus.DELIVERY_FAILED
    assert Addition.get().status == AdditionStatus.FAILED
    provider.failing = ""
    installation.retry_delivery(order, by="alice")
    drain()
    assert groups.fresh(order).status == OrderStatus.DELIVERED
    assert Seat.select().count() == 5
    groups.check_counts(group)


def test_a_refunded_addition_frees_its_places_and_leaves_the_group(
    group: LicenceGroup, bank: Bank, provider: Provider, drain: Drain
) -> None:
    provider.failing = "no capacity"
    order = groups.add(group, 2)
    purchases.pay(order, bank)
    drain()
    provider.failing = ""
    orders.refund_order(groups.fresh(order), by="operator")
    drain()
    assert groups.fresh(order).status == OrderStatus.REFUNDED
    assert groups.fresh(group).places_taken == 3
    assert groups.fresh(group).is_open


def test_a_group_terminated_after_the_order_is_not_enlarged_and_it_is_refunded(
    group: LicenceGroup, bank: Bank, provider: Provider, drain: Drain
) -> None:
    order = groups.add(group, 2)
    purchases.pay(order, bank)
    LicenceGroup.update(status="terminated").execute()
    drain()
    assert groups.fresh(order).status == OrderStatus.REFUNDED
    assert not [call for call in provider.calls if call.startswith("enlarge-")]
    with pytest.raises(Refusal):
        groups.add(group, 1)


def test_releasing_places_twice_releases_them_once(group: LicenceGroup) -> None:
    order = groups.add(group, 2)
    reservations.release_places(order, by="alice")
    reservations.release_places(order, by="alice")
    assert groups.fresh(group).places_taken == 3


@pytest.mark.reads_papers
@pytest.mark.one_database
def test_the_purchase_order_says_for_how_many_days(
    clock: time_machine.Traveller, group: LicenceGroup, visitor: Visitor, alice: Account
) -> None:
    at(clock, 2026, 3, 29, 12)
    order = groups.add(group, 2)
    visitor.log_in(alice)
    visitor.open(f"/manager/account/orders/{order.number}")
    assert visitor.sees("Au prorata")
    paper = PdfReader(io.BytesIO(documents.purchase_order_of(order)))
    assert "12 jours sur 31" in " ".join(paper.pages[0].extract_text().split())


# --- In the manager --------------------------------------------------------------------------


@pytest.fixture
def signed_in(visitor: Visitor, alice: Account, group: LicenceGroup) -> Visitor:
    """Alice, signed in once her group is installed and the clock is set."""
    visitor.log_in(alice)
    return visitor


def test_licences_are_ordered_for_a_group_in_the_manager(
    signed_in: Visitor, group: LicenceGroup, bank: Bank, provider: Provider, drain: Drain
) -> None:
    signed_in.open(f"/manager/order/office?group={group.name}")
    assert signed_in.sees("297 sur 300")
    signed_in.press("Poursuivre", quantity="2")
    assert signed_in.sees(group.display_name)
    assert signed_in.sees("10 avril 2026")
    assert signed_in.press("Générer le bon de commande").status_code == 422
    signed_in.press("Générer le bon de commande", accepted="yes")
    assert signed_in.sees("Paiement non reçu")
    purchases.pay(Order.select().order_by(Order.id.desc()).get(), bank)
    drain()
    assert groups.fresh(group).seats_unconfigured == 5


def test_a_new_group_is_ordered_in_the_manager(signed_in: Visitor, group: LicenceGroup) -> None:
    signed_in.open("/manager/web")
    signed_in.open("/manager/order")
    for text in ("Licences Office Business", "Licences Office Pro Plus", "Nouveau groupe",
                 "Excel, Word, PowerPoint, Outlook, Access, Power BI"):  # fmt: skip
        assert signed_in.sees(text), text
    signed_in.press("Poursuivre", offer="pro_plus", quantity="400")
    signed_in.press("Générer le bon de commande", accepted="yes")
    line = OrderLine.select().order_by(OrderLine.id.desc()).get()
    assert (line.offer_id, line.quantity, line.days) == ("pro_plus", 400, None)


def test_more_than_is_free_is_refused_at_the_number(
    signed_in: Visitor, group: LicenceGroup
) -> None:
    signed_in.open(f"/manager/order/office?group={group.name}")
    assert signed_in.press("Poursuivre", quantity="298").status_code == 422
    assert signed_in.sees("Places libres dans ce groupe : 297 sur 300.")


def test_a_group_of_the_other_type_is_refused(signed_in: Visitor, group: LicenceGroup) -> None:
    signed_in.open(f"/manager/order/office?group={group.name}")
    answer = signed_in.press("Poursuivre", offer="pro_plus", quantity="2")
    assert answer.status_code == 422
    assert signed_in.sees("Choisissez un groupe de ce type")


def test_the_choice_follows_while_typing(signed_in: Visitor, group: LicenceGroup) -> None:
    headers = {"HX-Request": "true", "HX-Request-Type": "partial"}
    asked = {"offer": "business", "quantity": "2", "group": group.name}
    part = signed_in.client.get(
        "/manager/order/office/choice", query_string=asked, headers=headers
    ).text
    assert "17,60" in part
    other = signed_in.client.get(
        "/manager/order/office/choice", query_string=asked | {"offer": "pro_plus"}, headers=headers
    ).text
    assert group.name not in other


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("area", ["/manager/account/orders", "/fr/order", "/en/order"])
def test_changing_an_order_of_licences_leads_back_to_its_group(
    signed_in: Visitor, group: LicenceGroup, alice: Account, area: str, language: str
) -> None:
    alice.language = language
    alice.save()
    change = {"fr": "Modifier la commande", "en": "Change the order"}
    go_on = {"fr": "Poursuivre", "en": "Continue"}
    generate = {"fr": "Générer le bon de commande", "en": "Generate the purchase order"}
    first = groups.add(group, 297)
    signed_in.open(f"{area}/{first.number}")
    shown = area[1:3] if area.startswith(("/fr", "/en")) else language
    signed_in.follow(change[shown])
    assert signed_in.find("input", name="quantity", value="297") is not None
    free = {"fr": "297 sur 300 places", "en": "297 of 300 places"}
    assert signed_in.sees(free[language].split(" p")[0])
    signed_in.press(go_on[language], quantity="298")
    assert signed_in.response.status_code == 422
    signed_in.press(go_on[language], quantity="2")
    assert signed_in.sees(group.display_name)
    signed_in.press(generate[language], accepted="yes")
    assert signed_in.response.status_code == 200
    second = Order.select().order_by(Order.id.desc()).get()
    assert (second.basket, second.status) == (first.basket, OrderStatus.AWAITING_PAYMENT)
    assert groups.fresh(first).status == OrderStatus.CANCELLED
    assert groups.fresh(group).places_taken == 5
    assert Addition.select().where(Addition.group == group).count() == 2


@pytest.mark.parametrize("language", ["fr", "en"])
def test_an_order_for_a_group_that_is_closed_never_leads_to_a_new_one(
    signed_in: Visitor, group: LicenceGroup, alice: Account, language: str
) -> None:
    alice.language = language
    alice.save()
    order = groups.add(group, 2)
    change = {"fr": "Modifier la commande", "en": "Change the order"}[language]
    page = f"/manager/account/orders/{order.number}"
    signed_in.open(page)
    link = signed_in.find("a", href=_change_address(order, group))
    assert link is not None
    LicenceGroup.update(status="suspended").where(LicenceGroup.id == group.id).execute()
    signed_in.open(page)
    assert not signed_in.sees(change)
    # The link of a page opened earlier, its contract step, and the form sent after all.
    refusal = {
        "fr": "Il n’est pas possible d’ajouter des licences à ce groupe pour le moment.",
        "en": "Licences cannot be added to this group at the moment.",
    }[language]
    signed_in.open(_change_address(order, group))
    assert signed_in.sees(refusal)
    signed_in.press({"fr": "Poursuivre", "en": "Continue"}[language], group=group.name)
    assert signed_in.response.status_code == 422
    assert signed_in.sees(refusal)
    signed_in.open(_change_address(order, group).replace("/office?", "/office/contracts?"))
    assert signed_in.sees(refusal)
    assert Order.select().where(Order.id > order.id).count() == 0


def _change_address(order: Order, group: LicenceGroup) -> str:
    chosen = {"basket": order.basket, "offer": "business", "quantity": 2, "group": group.name}
    return "/manager/order/office?" + urlencode(chosen)


def test_licences_cannot_be_ordered_for_another_customers_group(
    visitor: Visitor, group: LicenceGroup, charlie: Account
) -> None:
    visitor.log_in(charlie)
    for path in ("", "/contracts"):
        address = f"/manager/order/office{path}?group={group.name}&quantity=1"
        assert visitor.client.get(address).status_code in {303, 404}
        answer = visitor.client.ask("POST", address, {"accepted": "yes", "total_cents": "880"})
        assert answer.status_code in {404, 422}
    assert groups.fresh(group).places_taken == 3


def test_what_costs_less_than_banks_accept_is_refused_and_more_of_it_is_not(
    clock: time_machine.Traveller, group: LicenceGroup, visitor: Visitor
) -> None:
    at(clock, 2026, 4, 9, 12)
    # 8.80 for 1 of 31 days is 0.28, and 0.34 with VAT; two of them are 0.57 and 0.68.
    with pytest.raises(Refusal, match="less than banks accept"):
        groups.add(group, 1)
    assert groups.fresh(group).places_taken == 3
    visitor.log_in(group.account)
    page = f"/manager/order/office?offer=business&group={group.name}&quantity="
    refusal = "Jusqu’au renouvellement, c’est moins que ce que les banques acceptent."
    visitor.open(page + "1")
    assert visitor.sees(refusal)
    assert visitor.press("Poursuivre").status_code == 422
    assert visitor.sees(refusal)
    visitor.open(page + "2")
    assert not visitor.sees(refusal)
    assert visitor.sees("0,68 €")
    assert groups.add(group, 2).total_cents == 68
