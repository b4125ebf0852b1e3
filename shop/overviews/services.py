"""What customers see of many services at once: renewals, what ends them and what pays them.

The renewals are those that `shop.subscriptions.previews` shows one by one, read in one query.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from peewee import JOIN, ModelSelect, fn

from records.accounts import Account
from records.cards import Card
from records.catalogue import Offer, Price
from records.groups import Addition, AdditionStatus, GroupStatus, LicenceGroup
from records.invoices import Invoice, InvoiceStatus
from records.orders import BEING_DELIVERED, Order, OrderLine
from records.subscriptions import PriceAnnouncement, Renewal, Subscription
from records.terminations import GiveBack, Termination, TerminationStatus
from shop import clock, vat
from shop.payments import cards as stored_cards
from shop.pricing import money, periods
from shop.pricing.money import Line
from shop.pricing.periods import Period
from shop.subscriptions import price_changes, subscriptions, terminations
from shop.subscriptions.previews import Preview, rest_of


@dataclass(frozen=True)
class Outlook:
    """A service as its customer sees it: what the next renewal costs (None where none will be),
    the customer's cards, newest first, and its end where one is asked for or scheduled."""

    subscription: Subscription
    group: LicenceGroup
    preview: Preview | None
    cards: list[Card]
    termination: Termination | None

    @property
    def card(self) -> Card | None:
        """The card its renewals are charged to: the one chosen, or the newest."""
        chosen = [card for card in self.cards if card.id == self.subscription.card_id]
        return next(iter(chosen or self.cards), None)

    @property
    def is_open(self) -> bool:
        """Whether its licences may be given back."""
        return self.group.status == GroupStatus.INSTALLED and not self.subscription.is_over


def query_of(account: Account) -> ModelSelect[Any]:
    """The customer's services by name, with all that `of` needs."""
    return (
        Subscription.select(
            Subscription, LicenceGroup, OrderLine, Offer, Price, Termination, Renewal, Invoice,
            _added().alias("added"),
            _given_back(Subscription.period_end).alias("less_then"),
            _given_back(clock.today()).alias("less_today"),
            _announced(Price.id).alias("announced_id"),
            _announced(Price.amount_cents).alias("announced_cents"),
        )
        .join(LicenceGroup)
        .join(OrderLine, on=(OrderLine.id == LicenceGroup.line))
        .switch(LicenceGroup)
        .join(Offer, on=(Offer.code == LicenceGroup.offer))
        .switch(Subscription)
        .join(Price, on=(Price.id == Subscription.price))
        .switch(Subscription)
        .join(
            Termination, JOIN.LEFT_OUTER, attr="termination",
            on=(Termination.group == Subscription.group)
            & Termination.status.in_(terminations.ALIVE),
        )
        .switch(Subscription)
        .join(
            Renewal, JOIN.LEFT_OUTER, attr="ahead",
            on=(Renewal.group == Subscription.group)
            & (Renewal.period_start == Subscription.period_end)
            & Renewal.opened_at.is_null(),
        )
        .join(Invoice, JOIN.LEFT_OUTER, attr="invoice", on=(Invoice.id == Renewal.invoice))
        .where(Subscription.account == account)
        .order_by(LicenceGroup.display_name, LicenceGroup.id)
    )  # fmt: skip


def _added() -> Any:
    """The licences that joined the group of a row and were paid up to its next renewal."""
    line, order = OrderLine.alias(), Order.alias()
    return (
        Addition.select(fn.COALESCE(fn.SUM(line.quantity), 0))
        .join(line, on=(line.id == Addition.line))
        .join(order, on=(order.id == line.order))
        .where(
            Addition.group == Subscription.group,
            Addition.renewal_on <= Subscription.period_end,
            _is_joining(order),
        )
    )


def _is_joining(order: Any) -> Any:
    """Whether the licences of an addition are paid (as `subscriptions.quantity_on` has it)."""
    working = Addition.status.in_([AdditionStatus.INSTALLING, AdditionStatus.INSTALLED])
    return working | ((Addition.status == AdditionStatus.HELD) & order.status.in_(BEING_DELIVERED))


def _given_back(day: Any) -> Any:
    """How many licences of the group of a row are given back by a day."""
    return GiveBack.select(fn.COUNT(GiveBack.id)).where(
        GiveBack.group == Subscription.group,
        GiveBack.status != TerminationStatus.UNDONE,
        GiveBack.ends_on <= day,
    )


def _announced(column: Any) -> Any:
    """Of the price announced for the next renewal of a row, if any."""
    price = Price.alias()
    return (
        PriceAnnouncement.select(getattr(price, column.name))
        .join(price, on=(price.id == PriceAnnouncement.price))
        .where(
            PriceAnnouncement.subscription == Subscription.id,
            PriceAnnouncement.applies_on <= Subscription.period_end,
        )
        .order_by(PriceAnnouncement.applies_on.desc(), PriceAnnouncement.id.desc())
        .limit(1)
    )


def of(account: Account, rows: list[Subscription], cards: list[Card]) -> list[Outlook]:
    """How the services of `query_of` stand; ``cards`` are the customer's, newest first."""
    return [
        Outlook(row, row.group, _preview(row, account), cards, _termination(row)) for row in rows
    ]


def find(account: Account, name: str) -> Outlook | None:
    """The service of a group's technical name, if it is this customer's."""
    rows = list(query_of(account).where(LicenceGroup.name == name))
    return of(account, rows, cards_of(account))[0] if rows else None


def cards_of(account: Account) -> list[Card]:
    """The cards renewals may be charged to, newest first."""
    return list(stored_cards.usable(account))


def _termination(row: Any) -> Termination | None:
    return getattr(row, "termination", None)


def _preview(row: Any, account: Account) -> Preview | None:
    """As `previews.preview` has it."""
    if row.renews_on is None or _ends_before(_termination(row), row.period_end):
        return None
    period = periods.next_period(Period(row.period_start, row.period_end), row.anchor)
    shown = _priced(row, account, period, _total(row) - row.less_then, _next_price(row))
    ahead = getattr(row, "ahead", None)
    if ahead is None or not _is_paid(ahead):
        return shown
    return rest_of(shown, ahead.quantity, _price_of(row, ahead))


def _ends_before(ended: Termination | None, renewal: date) -> bool:
    is_scheduled = ended is not None and ended.status == TerminationStatus.SCHEDULED
    return is_scheduled and ended is not None and ended.day <= renewal


def _next_price(row: Any) -> Price:
    if row.announced_id is None:
        return row.price
    return Price(id=row.announced_id, offer=row.group.offer, amount_cents=row.announced_cents)


def _priced(row: Any, account: Account, period: Period, quantity: int, price: Price) -> Preview:
    """The renewal of so many licences of a row of `query_of`."""
    before = row.price.amount_cents
    line = Line(row.group.offer_id, row.group.offer.name, quantity, price.amount_cents, None)
    treatment = vat.treatment_of(vat.place_of(account), period.start)
    return Preview(
        row, period, price, line, money.totals([line], treatment),
        price_before=before if before != price.amount_cents else None,
        less=max(0, _total(row) - row.less_today - quantity),
    )  # fmt: skip


def _price_of(row: Any, ahead: Renewal) -> Price:
    """The price of what was paid ahead: the one of before, or the one announced, mostly."""
    known = {price.id: price for price in (row.price, _next_price(row))}
    return known.get(ahead.price_id) or Price.get_by_id(ahead.price_id)


def _total(row: Any) -> int:
    return int(row.group.line.quantity) + int(row.added)


def _is_paid(ahead: Renewal) -> bool:
    """Whether the next renewal was paid before its day."""
    invoice = getattr(ahead, "invoice", None)
    return bool(invoice and invoice.id and invoice.status == InvoiceStatus.PAID)


def with_less(shown: Outlook, account: Account, number: int) -> Preview | None:
    """What the next renewal costs if so many licences are given back, too."""
    if shown.preview is None:
        return None
    row, period = shown.subscription, shown.preview.period
    quantity, price = shown.preview.quantity, shown.preview.price
    if shown.preview.ahead:
        # That one is paid: they are given back with the one after.
        period = periods.next_period(period, row.anchor)
        quantity = _total(row) - subscriptions.given_back_by(shown.group, period.start)
        price = price_changes.for_renewal(row, period.start)
    return _priced(row, account, period, max(1, quantity - number), price)


def undo_until(shown: Outlook) -> datetime | None:
    """Until when the scheduled end of a service can be taken back; None where it cannot."""
    ended = shown.termination
    if ended is None or ended.ends_on is None:
        return None
    return periods.undo_until(ended.day, clock.now())


def may_withdraw_until(shown: Outlook, account: Account) -> datetime | None:
    """Until when a consumer may withdraw; None where nobody may any more."""
    if account.is_business or shown.subscription.is_over:
        return None
    ends_at = terminations.withdrawal_ends_at(shown.group)
    return ends_at if ends_at is not None and clock.now() < ends_at else None
