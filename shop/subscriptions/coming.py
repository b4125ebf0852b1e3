"""The coming renewals of a customer, read together, and what the balance pays of each.

They equal those that `previews` computes one by one: the facts of all are read in one query, and
priced by the same function.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from peewee import JOIN, ModelSelect

from records.accounts import Account
from records.catalogue import Price
from records.invoices import Invoice
from records.subscriptions import Renewal, Subscription
from records.terminations import TERMINATION_ALIVE, Termination
from shop import clock
from shop.invoicing import account_credits
from shop.pricing import money
from shop.subscriptions import renewal_price
from shop.subscriptions.renewal_price import Preview


@dataclass(frozen=True)
class Settlement:
    """How a coming renewal is paid, in cents, if nothing changes before its day.

    ``settled_cents`` are paid, or credited, already; the balance pays ``from_balance_cents`` of
    what is invoiced on its day; ``left_cents`` are charged to the card, or paid by the customer.
    """

    settled_cents: int
    from_balance_cents: int
    left_cents: int

    @property
    def is_split(self) -> bool:
        """Whether something else than the card, or the customer, pays a part of it."""
        return bool(self.settled_cents or self.from_balance_cents)


NOTHING = Settlement(0, 0, 0)

# --- Reading ---------------------------------------------------------------------------------

OF_INVOICE_AHEAD = (
    Invoice.id, Invoice.kind, Invoice.status, Invoice.net_cents, Invoice.vat_cents,
    Invoice.total_cents, Invoice.credited_cents, Invoice.offset_cents,
)  # fmt: skip
"""What is read of the invoice of a renewal that was invoiced ahead, instead of its long columns."""


def query_of(account: Account, today: date) -> ModelSelect[Any]:
    """Return the query for a customer's subscriptions with all that their renewals depend on.

    Each row also has the customer's balance, as ``available_cents``.
    """
    price_ahead = Price.alias()
    return (
        renewal_price.facts_query(Subscription.period_end, today)
        .select_extend(
            Termination, Renewal, *OF_INVOICE_AHEAD, price_ahead.id, price_ahead.amount_cents,
            account_credits.available_query(account).alias("available_cents"),
        )
        .join(
            Termination, JOIN.LEFT_OUTER, attr="termination",
            on=(Termination.group == Subscription.group)
            & Termination.status.in_(TERMINATION_ALIVE),
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
    )  # fmt: skip


def termination_of(row: Any) -> Termination | None:
    """Return the termination of a row of `query_of` that is requested or scheduled, if any."""
    return getattr(row, "termination", None)


def ahead_of(row: Any) -> Renewal | None:
    """Return the next renewal of a row of `query_of`, if it was invoiced before its day."""
    ahead: Renewal | None = getattr(row, "ahead", None)
    return ahead if ahead is not None and ahead.invoice_id else None


def preview_of(row: Any, account: Account) -> Preview | None:
    """Return the next renewal of a row of `query_of`; None if it will not renew."""
    period = next(renewal_price.coming_periods(row, _ends_on(row)), None)
    if period is None:
        return None
    facts = renewal_price.facts_of(row, account, period)
    return renewal_price.preview_of(replace(facts, ahead=ahead_of(row)))


def _ends_on(row: Any) -> date | None:
    ended = termination_of(row)
    return ended.day if ended is not None and ended.is_scheduled else None


# --- What the balance pays -------------------------------------------------------------------


def settlements_of(
    account: Account, shown: Iterable[Preview], available: int
) -> dict[int, Settlement]:
    """Return how next renewals of a customer are paid, by the ids of their subscriptions.

    ``available`` is the customer's balance in cents. Renewals use it in the order of the billing
    run, so that those due before these do so first: one query, if there is a balance.
    """
    wanted = list(shown)
    if not available or not wanted:
        return settlements_in_turn(wanted, available)
    return settlements_in_turn(_with_earlier(account, wanted), available)


def settlements_in_turn(due: Iterable[Preview], available: int) -> dict[int, Settlement]:
    """Return how renewals are paid that use a balance one after the other, by the ids of their
    subscriptions."""
    found = {}
    for each in due:
        found[each.subscription.id] = paid = settlement(each, available)
        available -= paid.from_balance_cents
    return found


def settlement_of(account: Account, shown: Preview) -> Settlement:
    """Return how the next renewal of one subscription is paid."""
    available = account_credits.available_of(account)
    return settlements_of(account, [shown], available)[shown.subscription.id]


def settlement(due: Preview, available: int) -> Settlement:
    """Return how a renewal is paid while ``available`` cents are on the customer's balance.

    An amount that is too small is not invoiced.
    """
    issued = due.issued_cents if due.issued_cents >= money.LEAST_CENTS else 0
    part = account_credits.part_paid(available, issued)
    return Settlement(due.settled_cents, part, due.invoiced_cents + issued - part)


def settled_together(due: list[Preview], available: int) -> Settlement:
    """Return how renewals of one service that are invoiced one after the other are paid, in all."""
    whole = NOTHING
    for each in due:
        part = settlement(each, available)
        available -= part.from_balance_cents
        whole = Settlement(
            whole.settled_cents + part.settled_cents,
            whole.from_balance_cents + part.from_balance_cents,
            whole.left_cents + part.left_cents,
        )
    return whole


def _with_earlier(account: Account, wanted: list[Preview]) -> Iterator[Preview]:
    """Yield the next renewals of a customer in the order of the billing run, up to the last day of
    those wanted."""
    known = {each.subscription.id: each for each in wanted}
    last = max(each.period.start for each in wanted)
    due = query_of(account, clock.today()).where(Subscription.renews_on <= last)
    for row in due.order_by(Subscription.renews_on, Subscription.id):
        row.account = account
        coming = known.get(row.id) or preview_of(row, account)
        if coming is not None:
            yield coming
