"""Overview of a customer's services: next renewals, terminations and cards.

The renewals equal those that `shop.subscriptions.previews` computes one by one: the facts of all
services are read in one query, and priced by the same function.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from peewee import JOIN, ModelSelect

from records.accounts import Account
from records.cards import Card
from records.catalogue import Price
from records.groups import GroupStatus, LicenceGroup
from records.invoices import Invoice
from records.subscriptions import Renewal, Subscription
from records.terminations import Termination
from shop import clock
from shop.overviews.states import GroupState, Owed, owed_by, state_of
from shop.payments import cards as stored_cards
from shop.pricing import periods
from shop.sql.prepared import prepared
from shop.subscriptions import renewal_price, terminations
from shop.subscriptions.renewal_price import Preview


@dataclass(frozen=True)
class ServiceOverview:
    """A service as its customer sees it.

    ``preview`` is the next renewal, None if there will be none; ``cards`` are the customer's,
    newest first; ``termination`` is the one requested or scheduled; ``pay_before`` is the day on
    which it is suspended unless its renewal is paid.
    """

    subscription: Subscription
    group: LicenceGroup
    preview: Preview | None
    cards: list[Card]
    termination: Termination | None
    pay_before: date | None = None

    @property
    def state(self) -> GroupState:
        """The state of the service, as of its group everywhere."""
        return state_of(self.group, self.subscription, self.termination, self.pay_before)

    @property
    def card(self) -> Card | None:
        """The card that its renewals are charged to; None if the customer pays each of them."""
        chosen = (card for card in self.cards if card.id == self.subscription.card_id)
        return next(chosen, None)

    @property
    def expires_before_renewal(self) -> bool:
        """Whether the card that is charged expires before the next renewal, by its date."""
        renewal = self.preview.period.start if self.preview else None
        return self.card is not None and renewal is not None and self.card.valid_until < renewal

    @property
    def is_to_be_paid(self) -> bool:
        """Whether the customer has to pay the next renewal themselves: no card is charged for it,
        and it is not paid ahead."""
        due = self.preview
        return self.card is None and due is not None and not due.is_paid and due.quantity > 0

    @property
    def paid_ahead(self) -> Renewal | None:
        """The next renewal, if it was paid ahead of its day."""
        ahead = _ahead(self.subscription)
        return ahead if ahead is not None and ahead.is_paid else None

    @property
    def is_open(self) -> bool:
        """Whether its licences may be given back."""
        return self.group.status == GroupStatus.INSTALLED and not self.subscription.is_over


def query_of(account: Account, today: date) -> ModelSelect[Any]:
    """Return the query for the customer's services by name, with all that `for_account` needs."""
    price_ahead = Price.alias()
    return (
        renewal_price.facts_query(Subscription.period_end, today)
        .select_extend(Termination, Renewal, Invoice, price_ahead)
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
        .switch(Renewal)
        .join(price_ahead, JOIN.LEFT_OUTER, attr="price", on=(price_ahead.id == Renewal.price))
        .where(Subscription.account == account)
        .order_by(LicenceGroup.display_name, LicenceGroup.id)
    )  # fmt: skip


of_account = prepared(query_of)
"""The same query, for its pages."""


def for_account(
    account: Account, rows: list[Subscription], cards: list[Card], owed: list[Owed] | None = None
) -> list[ServiceOverview]:
    """Return the overviews of rows of `query_of`; ``cards`` are the customer's, newest first.

    ``owed`` is what `states.owed_by` returns; it is read if it is missing and needed.
    """
    for row in rows:
        row.account = account
    if owed is None:
        owed = owed_by(account) if any(row.is_past_due for row in rows) else []
    until = {each.group.id: each.pay_before for each in owed}
    return [
        ServiceOverview(
            row, row.group, _preview(row, account), cards, _termination(row),
            until.get(row.group_id),
        )
        for row in rows
    ]  # fmt: skip


def find_service(
    account: Account, name: str, owed: list[Owed] | None = None
) -> ServiceOverview | None:
    """Return the customer's service by its group's technical name; None if not found.

    ``owed`` is as for `for_account`.
    """
    rows = list(query_of(account, clock.today()).where(LicenceGroup.name == name))
    return for_account(account, rows, renewal_cards_of(account), owed)[0] if rows else None


def renewal_cards_of(account: Account) -> list[Card]:
    """Return the cards that renewals may be charged to, newest first."""
    return stored_cards.usable_cards_of.rows(account)


def _termination(row: Any) -> Termination | None:
    return getattr(row, "termination", None)


def _preview(row: Any, account: Account) -> Preview | None:
    """Return the next renewal of a row, as `previews.preview` computes it for one service."""
    period = next(renewal_price.coming_periods(row, _ends_on(row)), None)
    if period is None:
        return None
    facts = renewal_price.facts_of(row, account, period)
    return renewal_price.preview_of(replace(facts, ahead=_ahead(row)))


def _ends_on(row: Any) -> date | None:
    ended = _termination(row)
    return ended.day if ended is not None and ended.is_scheduled else None


def _ahead(row: Any) -> Renewal | None:
    """Return the next renewal of a row, if it was invoiced before its day."""
    ahead: Renewal | None = getattr(row, "ahead", None)
    return ahead if ahead is not None and ahead.invoice_id else None


def preview_with_give_back(shown: ServiceOverview, number: int) -> Preview | None:
    """Return the next renewal if that number of licences is also given back."""
    if shown.preview is None:
        return None
    period = shown.preview.period
    if shown.preview.ahead:
        # The next renewal is invoiced already: the licences are given back with the one after.
        period = periods.next_period(period, shown.subscription.anchor)
    facts = renewal_price.facts(shown.subscription, period)
    less = min(number, facts.quantity - 1)
    return renewal_price.preview_of(replace(facts, given_back=facts.given_back + less))


def undo_until(shown: ServiceOverview) -> datetime | None:
    """Return the deadline for undoing a scheduled termination; None if it cannot be undone."""
    ended = shown.termination
    if ended is None or ended.ends_on is None:
        return None
    return periods.undo_until(ended.day, clock.now())
