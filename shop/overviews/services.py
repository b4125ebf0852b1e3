"""Overview of a customer's services: next renewals, terminations and cards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from peewee import ModelSelect, Tuple

from records.accounts import Account
from records.cards import Card
from records.groups import GroupStatus, LicenceGroup
from records.subscriptions import Renewal, Subscription
from records.terminations import Termination
from shop import clock
from shop.overviews.states import GroupState, Owed, owed_by, state_of
from shop.payments import cards as stored_cards
from shop.pricing import periods
from shop.sql.few import one_of_few
from shop.sql.prepared import prepared
from shop.subscriptions import coming, renewal_price
from shop.subscriptions.coming import Settlement
from shop.subscriptions.renewal_price import Preview
from shop.text.pagination import PER_PAGE


@dataclass(frozen=True)
class ServiceOverview:
    """A service as its customer sees it.

    ``preview`` is the next renewal, None if there will be none; ``cards`` are the customer's,
    newest first; ``termination`` is the one requested or scheduled; ``pay_before`` is the day on
    which it is suspended unless its renewal is paid. ``settlement`` is how the renewal is paid.
    """

    subscription: Subscription
    group: LicenceGroup
    preview: Preview | None
    cards: list[Card]
    termination: Termination | None
    pay_before: date | None = None
    settlement: Settlement | None = None

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
        if self.card is None or self.preview is None or not self._left_cents:
            return False
        return self.card.valid_until < self.preview.period.start

    @property
    def is_to_be_paid(self) -> bool:
        """Whether the customer has to pay the next renewal themselves: no card is charged for it,
        and neither is it paid ahead nor by the balance."""
        return self.card is None and self._left_cents > 0

    @property
    def needs_attention(self) -> bool:
        """Whether the customer has to see to the next renewal: to pay it, or to renew the card."""
        return self.is_to_be_paid or self.expires_before_renewal

    @property
    def _left_cents(self) -> int:
        return self.settlement.left_cents if self.settlement else 0

    @property
    def paid_ahead(self) -> Renewal | None:
        """The next renewal, if it was paid ahead of its day."""
        ahead = coming.ahead_of(self.subscription)
        return ahead if ahead is not None and ahead.is_paid else None

    @property
    def is_open(self) -> bool:
        """Whether its licences may be given back."""
        return self.group.status == GroupStatus.INSTALLED and not self.subscription.is_over


def query_of(account: Account, today: date) -> ModelSelect[Any]:
    """Return the query for the customer's services by name, with all that `for_account` needs."""
    # Named by its groups, too, it is read in the order of their names.
    query = coming.query_of(account, today).where(LicenceGroup.account == account)
    return query.order_by(LicenceGroup.display_name, LicenceGroup.id)


@prepared
def of_account(account: Account, today: date, after: int | None = None) -> ModelSelect[Any]:
    """Return the query for a page of the same rows; ``after`` is the id after which it begins."""
    # Found first, by a limit that does not change: PostgreSQL keeps the plan of all these joins,
    # which takes longer to make than the page.
    shown = _ids(account, after).limit(PER_PAGE)
    query = coming.query_of(account, today).where(one_of_few(Subscription.id, shown))
    return query.order_by(LicenceGroup.display_name, LicenceGroup.id)


@prepared
def counted(account: Account, today: date, after: int | None = None) -> ModelSelect[Any]:
    """Return a query that finds as many rows as `of_account`, whatever day it is ``today``."""
    if after is None:
        return Subscription.select(Subscription.id).where(Subscription.account == account)
    return _ids(account, after)


@prepared
def places(account: Account, today: date, after: int | None = None) -> ModelSelect[Any]:
    """Return the query for the ids of the rows of `of_account`, whatever day it is ``today``."""
    return _ids(account, after)


def _ids(account: Account, after: int | None) -> ModelSelect[Any]:
    query = Subscription.select(Subscription.id).join(LicenceGroup)
    query = query.where(Subscription.account == account, LicenceGroup.account == account)
    query = query.order_by(LicenceGroup.display_name, LicenceGroup.id)
    return query if after is None else query.where(_is_after(account, after))


def _is_after(account: Account, after: int) -> Any:
    """Return the condition for the services whose names come after that of a subscription."""
    reached, group = Subscription.alias(), LicenceGroup.alias()
    of_it = reached.account == account, reached.id == after
    name = reached.select(group.display_name).join(group, on=(group.id == reached.group))
    place = Tuple(name.where(*of_it), reached.select(reached.group).where(*of_it))
    return Tuple(LicenceGroup.display_name, LicenceGroup.id) > place


def for_account(
    account: Account, rows: list[Subscription], cards: list[Card],
    owed: list[Owed] | None = None, *, are_first: bool = False,
) -> list[ServiceOverview]:  # fmt: skip
    """Return the overviews of rows of `query_of`; ``cards`` are the customer's, newest first.

    ``are_first`` says that, where there is a balance, the rows are the customer's first renewals in
    their order, so that no others have to be read.

    ``owed`` is what `states.owed_by` returns; it is read if it is missing and needed.
    """
    for row in rows:
        row.account = account
    if owed is None:
        owed = owed_by(account) if any(row.is_past_due for row in rows) else []
    until = {each.group.id: each.pay_before for each in owed}
    shown = {row.id: coming.preview_of(row, account) for row in rows}
    due, available = [each for each in shown.values() if each], _balance_in(rows)
    if are_first:
        paid = coming.settlements_in_turn(due, available)
    else:
        paid = coming.settlements_of(account, due, available)
    return [
        ServiceOverview(
            row, row.group, shown[row.id], cards, coming.termination_of(row),
            until.get(row.group_id), paid.get(row.id),
        )
        for row in rows
    ]  # fmt: skip


def _balance_in(rows: list[Any]) -> int:
    """Return the customer's balance, which each row has, in cents."""
    return int(rows[0].available_cents) if rows else 0


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
