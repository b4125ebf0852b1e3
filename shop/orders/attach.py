"""Office Attach: up to 25 licences for the mailboxes of an Exchange service, a month free (guide).

Once for each service, decided by the database: `Attach` has one row a service, written in the
transaction of its order. The order costs nothing; what follows is that of any paid order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from peewee import IntegrityError

from records.accounts import Account
from records.base import database
from records.exchange import (
    MOST_ATTACHED,
    Attach,
    AttachedAccount,
    ExchangeAccount,
    ExchangeService,
)
from records.orders import Order, OrderLine
from shop import clock, mail, vat
from shop.errors import N_, Conflict, Refusal
from shop.exchange import attached_licences, services
from shop.licences.seats import rules
from shop.licences.seats.rules import InvalidPerson, Person
from shop.orders import baskets, placing
from shop.orders.baskets import Basket
from shop.orders.placing import Confirmation, OrderKind, Quote
from shop.payments import cards, payables
from shop.pricing import catalogue, money, periods

OFFER = "business"
"""The kind of licence Office Attach is about (guide)."""

USED = N_("Office 365 has already been subscribed for this Exchange service.")
TWICE = N_("%(address)s has this login already: two people cannot share one.")


class UnknownAccount(Refusal):
    """Somebody chose what is no mailbox of the service."""

    status = 404


class AlreadyAttached(Conflict):
    """Somebody used the offer for this service already."""

    def __init__(self) -> None:
        super().__init__(USED)


class NeedsCard(Refusal):
    """There is no stored card for the renewals yet."""


# --- Choosing --------------------------------------------------------------------------------


def preselected(service: ExchangeService) -> list[ExchangeAccount]:
    """The mailboxes chosen to begin with: the first 25 (guide)."""
    return list(services.active_accounts(service).limit(MOST_ATTACHED))


def chosen(service: ExchangeService, ids: Iterable[int]) -> list[ExchangeAccount]:
    """The mailboxes of these numbers, by their address.

    Raises `UnknownAccount` where one is not the service's, and `Refusal` unless there are 1 to 25
    that are still there.
    """
    wanted = set(ids)
    if not wanted:
        raise Refusal(N_("Choose at least one account."), "chosen")
    if len(wanted) > MOST_ATTACHED:
        raise Refusal(
            N_("Choose at most %(most)d accounts: %(number)d are selected."),
            "chosen",
            most=MOST_ATTACHED,
            number=len(wanted),
        )
    query = services.all_accounts(service).where(ExchangeAccount.id.in_(wanted))
    found = list(query.order_by(ExchangeAccount.by_address))
    if len(found) < len(wanted):
        raise UnknownAccount(N_("One of the accounts chosen is not an account of this service."))
    gone = [account.address for account in found if not account.is_active]
    if gone:
        raise Refusal(
            N_("Removed meanwhile, and no longer selected: %(addresses)s."),
            "chosen",
            addresses=", ".join(gone),
        )
    return found


def still_there(service: ExchangeService, ids: Iterable[int]) -> list[ExchangeAccount]:
    """Those of the mailboxes of these numbers that the service still has, by their address."""
    return list(services.active_accounts(service).where(ExchangeAccount.id.in_(list(ids) or [0])))


# --- Reviewing -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Holder:
    """A mailbox chosen, and who its licence shall be for, as typed or as proposed."""

    account: ExchangeAccount
    first_name: str
    last_name: str
    login: str
    tells_owner: bool = False

    def person(self) -> Person:
        """Who it is, by the rules of seats. Raises `InvalidPerson`."""
        return rules.read_person(self.first_name, self.last_name, self.login)


def proposed(account: ExchangeAccount) -> Holder:
    """Whose a licence would be: the login is the local part (guide). A shared mailbox is named
    after itself and its domain, for a licence needs names."""
    local, _, domain = account.address.partition("@")
    if account.full_name:
        return Holder(account, account.first_name, account.last_name, local)
    return Holder(account, local.capitalize(), domain.partition(".")[0], local)


class InvalidHolders(Exception):
    """Some cannot have a licence as typed: why, by the mailbox's number and the field."""

    def __init__(self, refusals: dict[tuple[int, str], Refusal]) -> None:
        super().__init__("; ".join(map(str, refusals.values())))
        self.refusals = refusals


def read(holders: list[Holder]) -> list[Person]:
    """The people of ``holders``, in their order. Raises `InvalidHolders` with all that is wrong."""
    people: list[Person] = []
    refusals: dict[tuple[int, str], Refusal] = {}
    logins: dict[str, str] = {}
    for holder in holders:
        number = holder.account.id
        try:
            person = holder.person()
        except InvalidPerson as invalid:
            refusals |= {(number, refusal.field): refusal for refusal in invalid.refusals}
            continue
        rival = logins.setdefault(person.login_key, holder.account.address)
        if rival != holder.account.address:
            refusals[number, "login"] = Refusal(TWICE, "login", address=rival)
        people.append(person)
    if refusals:
        raise InvalidHolders(refusals)
    return people


def after_the_free_month(account: Account, licences: int) -> Quote:
    """What that number of licences costs a month once the free one is over: the list price."""
    return baskets.quote(Basket("", {OFFER: licences}), catalogue.offers(), account)


def first_renewal() -> date:
    """The first day that is not free any more, for a group delivered today."""
    day = clock.today()
    return periods.renewal_after(day, day.day)


# --- Confirming ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wish:
    """Who shall have a licence, under the name of the form it was filled in on."""

    service: ExchangeService
    holders: list[Holder]
    form: str

    @property
    def key(self) -> str:
        """What makes two presses of one button the same."""
        return f"{self.form}:attach={self.service.id}"


class AttachOrder(OrderKind):
    """The free order of a group for the people of a wish. Raises `InvalidHolders`."""

    def __init__(self, wish: Wish) -> None:
        super().__init__(wish.service.account, wish.form, wish.key)
        self.wish = wish
        self.people = read(wish.holders)

    @cached_property
    def quote(self) -> Quote:
        """The first month: nothing."""
        name = catalogue.offers()[OFFER].name
        lines = [money.Line(OFFER, name, len(self.people), 0)]
        treatment = vat.treatment_of(vat.place_of(self.account))
        return Quote(lines, money.totals(lines, treatment), treatment, is_estimate=False)

    @cached_property
    def later(self) -> Quote:
        """The months after the free one."""
        return after_the_free_month(self.account, len(self.people))

    @property
    def total_shown(self) -> int:
        """The price a month afterwards."""
        return self.later.totals.total_cents

    def check(self) -> None:
        """Refuse where the offer was used, or there is no card for the renewals."""
        if attached_licences.attach_of(self.wish.service):
            raise AlreadyAttached
        if cards.stored_card(self.account) is None:
            raise NeedsCard(N_("A card is needed for the renewals: register one first."))

    def reserve(self, lines: list[OrderLine]) -> None:
        """Use the offer up. Raises `AlreadyAttached` if another request was quicker."""
        try:
            with database.atomic():
                attach = Attach.create(
                    service=self.wish.service,
                    order=lines[0].order,
                    licences=len(self.people),
                    unit_price_cents=self.later.lines[0].unit_price_cents,
                    renewal_accepted_at=clock.now(),
                )
        except IntegrityError:
            if attached_licences.attach_of(self.wish.service) is None:
                raise
            raise AlreadyAttached from None
        holders = zip(self.wish.holders, self.people, strict=True)
        AttachedAccount.insert_many(
            {
                "attach": attach,
                "account": holder.account,
                "number": number,
                **vars(person),
                "login_key": person.login_key,
                "tells_owner": holder.tells_owner,
            }
            for number, (holder, person) in enumerate(holders, start=1)
        ).execute()

    def follow_up(self, order: Order) -> None:
        """Nothing is due: say so, and what will be, and begin the installation."""
        payables.begin_delivery(order, by="shop")
        mail.attach_ordered(
            order,
            service=self.wish.service.name,
            line=self.later.lines[0],
            totals=self.later.totals,
            renewal_on=first_renewal(),
        )


def confirm(wish: Wish, confirmed: Confirmation) -> Order:
    """The free order of a group for ``wish``: placed now, or already when the button was pressed
    before. ``confirmed.total_cents`` is the price a month that was shown for afterwards.

    Raises `InvalidHolders`, `NeedsCard`, `AlreadyAttached`, and `Conflict` where the price or a
    contract is not what the customer saw.
    """
    return placing.place(AttachOrder(wish), confirmed)
