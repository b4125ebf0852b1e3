"""Office Attach: up to 25 licences for the mailboxes of an Exchange service, a month free (guide).

Once for each service, decided by the database: `Attach` has one row a service, written in the
transaction of its order. The order costs nothing; what follows is that of any paid order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

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
from shop.orders import orders, placing
from shop.orders.baskets import Basket
from shop.orders.placing import Confirmation, Draft, Quote
from shop.payments import cards, payables
from shop.pricing import catalogue, money, periods

OFFER = "business"
"""The kind of licence Office Attach is about (guide)."""

USED = N_("Office 365 has already been subscribed for this Exchange service.")
TWICE = N_("%(address)s has this login already: two people cannot share one.")

ANSWERED_WITHIN = timedelta(days=14)
"""What an order that waits for its money would have; this one waits for nothing."""


class UnknownAccount(Refusal):
    """Somebody chose what is no mailbox of the service."""

    status = 404


class Used(Conflict):
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
    """What so many licences cost a month once the free one is over: the list price."""
    return orders.quote(Basket("", {OFFER: licences}), catalogue.offers(), account)


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


def confirm(wish: Wish, confirmed: Confirmation) -> Order:
    """The free order of a group for ``wish``: placed now, or already when the button was pressed
    before. ``confirmed.total_cents`` is the price a month that was shown for afterwards.

    Raises `InvalidHolders`, `NeedsCard`, `Used`, and `Conflict` where the price or a contract is
    not what the customer saw.
    """
    account = wish.service.account
    people = read(wish.holders)

    def draft() -> Draft:
        if attached_licences.attach_of(wish.service):
            raise Used
        if cards.stored(account) is None:
            raise NeedsCard(N_("A card is needed for the renewals: register one first."))
        later = after_the_free_month(account, len(people))
        if later.totals.total_cents != confirmed.total_cents:
            raise Conflict(placing.PRICE_CHANGED)
        return Draft(
            wish.form,
            wish.key,
            _free(account, len(people)),
            expires_at=clock.now() + ANSWERED_WITHIN,
            hold=lambda lines: _hold(wish, people, later, lines[0]),
            follow=lambda order: _deliver(order, wish, later),
        )

    return placing.place(account, wish.key, draft, replace(confirmed, total_cents=0))


def _free(account: Account, licences: int) -> Quote:
    """The first month: nothing."""
    name = catalogue.offers()[OFFER].name
    lines = [money.Line(OFFER, name, licences, 0)]
    treatment = vat.treatment_of(vat.place_of(account))
    return Quote(lines, money.totals(lines, treatment), treatment, is_estimate=False)


def _hold(wish: Wish, people: list[Person], later: Quote, line: OrderLine) -> None:
    """Use the offer up, in the order's transaction. Raises `Used` if somebody was quicker."""
    try:
        with database.atomic():
            attach = Attach.create(
                service=wish.service,
                order=line.order,
                licences=len(people),
                unit_price_cents=later.lines[0].unit_price_cents,
                renewal_accepted_at=clock.now(),
            )
    except IntegrityError:
        if attached_licences.attach_of(wish.service) is None:
            raise
        raise Used from None
    AttachedAccount.insert_many(
        {
            "attach": attach,
            "account": holder.account,
            "number": number,
            **vars(person),
            "login_key": person.login_key,
            "tells_owner": holder.tells_owner,
        }
        for number, (holder, person) in enumerate(zip(wish.holders, people, strict=True), start=1)
    ).execute()


def _deliver(order: Order, wish: Wish, later: Quote) -> None:
    """Nothing is due: say so, and what will be, and begin the installation."""
    payables.begin_delivery(order, by="shop")
    mail.attach_ordered(
        order,
        service=wish.service.name,
        line=later.lines[0],
        totals=later.totals,
        renewal_on=first_renewal(),
    )
