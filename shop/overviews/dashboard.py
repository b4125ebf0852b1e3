"""The content of a customer's home page, with a bounded number of rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from peewee import JOIN, SQL, ModelSelect, Select, fn

from records.accounts import Account
from records.cards import Card
from records.groups import LicenceCount, LicenceGroup
from records.invoices import OWED, Invoice
from records.orders import Order, OrderStatus
from records.subscriptions import Subscription
from records.terminations import Termination
from shop import clock
from shop.delivery import progress
from shop.invoicing import account_credits
from shop.overviews import services, states
from shop.overviews.services import ServiceOverview
from shop.overviews.states import GivenBack, GroupState, Owed
from shop.sql.few import one_of_few
from shop.sql.prepared import prepared
from shop.subscriptions import unused

SHOWN = 10

OPEN_STATUSES = (
    OrderStatus.AWAITING_PAYMENT,
    OrderStatus.PAID,
    OrderStatus.DELIVERING,
    OrderStatus.DELIVERY_FAILED,
)


@dataclass(frozen=True)
class Licences:
    """The licences of a customer's running groups.

    Those ``used`` have a user, or will within minutes; the ``free`` ones are paid and nobody's.
    Neither are those in error, nor those that are being taken from their users.
    """

    total: int
    used: int
    free: int
    in_error: int = 0

    @property
    def releasing(self) -> int:
        """The number of licences that are being taken from their users."""
        return self.total - self.used - self.free - self.in_error


@dataclass(frozen=True)
class Debts:
    """The number and the sum of a customer's unpaid invoices, VAT included.

    ``pay_before`` is the first day on which a service is suspended for one of them.
    """

    number: int
    cents: int
    pay_before: date | None


@dataclass(frozen=True)
class Overview:
    """What a customer's home page shows.

    The open orders, newest first; the service that renews next, None if none does; the services
    whose next renewal the customer has to see to, the next one first; the groups that need
    attention, errors first; the groups by name; what ends, the next one first; and the states of
    the groups by id.
    """

    orders: list[Order]
    licences: Licences
    debts: Debts
    next_renewal: ServiceOverview | None
    renewals: list[ServiceOverview]
    needing_attention: list[LicenceGroup]
    groups: list[LicenceGroup]
    endings: list[Termination]
    given_back: list[GivenBack]
    owed: list[Owed]
    states: dict[int, GroupState]

    def to_configure(self, group: LicenceGroup) -> int:
        """Return the number of licences of a group to configure; none of those that end."""
        if any(row.group_id == group.id for row in self.endings if row.is_scheduled):
            return 0
        ending = [row.unconfigured for row in self.given_back if row.group.id == group.id]
        return max(0, group.seats_unconfigured - sum(ending))

    def cost_of(self, group: LicenceGroup, number: int) -> int:
        """Return what that number of a group's licences costs a month, excluding VAT; 0 if the
        group does not renew.
        """
        return number * (getattr(group, "price_cents", None) or 0)

    def idle(self, group: LicenceGroup) -> int:
        """Return for how many people who never log in a group's renewals are paid."""
        return group.seats_idle if self.cost_of(group, group.seats_idle) else 0

    @property
    def group_with_room(self) -> LicenceGroup | None:
        """The first group with a licence to configure; None if there is none."""
        found = (group for group in self.needing_attention if self.to_configure(group))
        return next(found, None)

    @property
    def to_do(self) -> bool:
        """Whether anything of the customer has a deadline or needs them."""
        dated = (self.owed, self.orders, self.renewals, self.endings, self.given_back)
        return any(dated) or any(
            each.seats_error or self.to_configure(each) or self.idle(each)
            for each in self.needing_attention
        )

    @property
    def is_empty(self) -> bool:
        """Whether the customer has neither open orders nor groups."""
        return not self.orders and not self.groups


def for_account(account: Account, owed: list[Owed], endings: list[Termination]) -> Overview:
    """Return the overview of one customer, with what `states` reads of them (seven queries)."""
    waiting = progress.with_refund_times(
        Order.select()
        .where(Order.account == account, Order.status.in_(OPEN_STATUSES))
        # By an expression: they are found by their status, not among all by their ids.
        .order_by((Order.id + 0).desc())
        .limit(SHOWN)
    )
    groups = (
        LicenceGroup.select()
        .where(LicenceGroup.account == account)
        .order_by(LicenceGroup.display_name)
        .limit(SHOWN)
    )
    needing_attention = unused.groups_needing_attention(account, SHOWN)
    licences, debts = _figures(account, owed)
    renewing = _renewing(account, owed)
    shown, over = list(groups), {row.group_id for row in endings if row.is_scheduled}
    return Overview(
        orders=list(states.with_confirming(waiting)),
        licences=licences,
        debts=debts,
        next_renewal=next(iter(renewing), None),
        renewals=[each for each in renewing if each.needs_attention][:SHOWN],
        needing_attention=needing_attention,
        groups=shown,
        endings=endings,
        given_back=[row for row in states.given_back_by(account) if row.group.id not in over],
        owed=owed,
        states=states.states_by(shown, owed, endings),
    )


LONGEST_PERIOD = timedelta(days=31)

MOST_RENEWALS = 50
"""How many renewals of a customer with a balance are read, to know which of them it pays."""


def _renewing(account: Account, owed: list[Owed]) -> list[ServiceOverview]:
    """Return the service that renews next, and those that no card is charged for, or one that
    expires before the renewal; the next one first (one query).

    Of a customer with a balance it is all services, as those that renew before use it first.
    """
    query = (
        services.query_of(account, clock.today())
        .select_extend(Card)
        .join_from(
            Subscription, Card, JOIN.LEFT_OUTER, attr="usable_card",
            on=(Card.id == Subscription.card) & Card.removed_at.is_null(),
        )
        .where(one_of_few(Subscription.id, _first_renewing(account)))
    )  # fmt: skip
    # Sorted here: in the database they would be looked for among all in that order.
    found = sorted(query.order_by(), key=lambda row: (row.renews_on, row.id))
    rows = found[:MOST_RENEWALS]
    cards = [row.usable_card for row in rows if getattr(row, "usable_card", None)]
    shown = services.for_account(account, rows, cards, owed, are_first=True)
    return [each for each in shown if each.preview is not None]


def _first_renewing(account: Account) -> Any:
    """Return the query for the ids of the subscriptions to show, each found by an index."""
    latest = clock.today() + LONGEST_PERIOD
    expires_before = Card.expiry_year * 12 + Card.expiry_month < latest.year * 12 + latest.month
    useless = Card.select(Card.id).where(
        Card.account == account, expires_before | Card.removed_at.is_null(False)
    )
    has_balance = fn.COALESCE(account_credits.available_query(account), 0) > 0
    day = Subscription.renews_on
    by_card = fn.COALESCE(day, Subscription.period_end)
    # The balance is asked about outside: inside, SQLite asks of each of them.
    # Ordered by an expression, the last ones are found by their cards, not among all by their days.
    return (
        _next_of(account, day, 1)
        .union(_next_of(account, day, MOST_RENEWALS).where(has_balance))
        .union(_next_of(account, day, MOST_RENEWALS, Subscription.card.is_null()))
        .union(_next_of(account, by_card, MOST_RENEWALS, Subscription.card.in_(useless)))
    )


def _next_of(account: Account, day: Any, most: int, *which: Any) -> Any:
    """Return the query for the ids of the customer's subscriptions that renew next."""
    query = (
        Subscription.select(Subscription.id)
        .where(Subscription.account == account, Subscription.renews_on.is_null(False), *which)
        .order_by(day, Subscription.id)
        .limit(most)
    )
    return Select([query.alias("next")], [SQL("next.id")])


def _figures(account: Account, owed: list[Owed]) -> tuple[Licences, Debts]:
    """Count the licences of running groups, and add up the invoices to pay (one query)."""
    row: Any = _sums.rows(account, account.id)[0]
    licences = Licences(row.total or 0, row.used or 0, row.free or 0, row.in_error or 0)
    days = [each.pay_before for each in owed if each.pay_before]
    return licences, Debts(row.invoices, row.cents or 0, min(days, default=None))


@prepared
def _sums(account: Account, account_id: int) -> ModelSelect[Any]:
    """Return the query for both sums: each is one aggregate, of few rows or of one index."""
    figures = (LicenceCount.total, LicenceCount.used, LicenceCount.free, LicenceCount.in_error)
    licences = (
        LicenceCount.select(*(fn.SUM(figure).alias(figure.name) for figure in figures))
        .where(LicenceCount.account_id == account_id)
        .alias("licences")
    )
    balance = Invoice.total_cents - Invoice.credited_cents - Invoice.offset_cents
    debts = (
        Invoice.select(fn.COUNT(SQL("*")).alias("invoices"), fn.SUM(balance).alias("cents"))
        .where(Invoice.account == account, SQL(OWED))
        .alias("debts")
    )
    return LicenceGroup.select(
        licences.c.total, licences.c.used, licences.c.free, licences.c.in_error,
        debts.c.invoices, debts.c.cents,
    ).from_(licences, debts)  # fmt: skip
