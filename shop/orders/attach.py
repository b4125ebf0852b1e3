"""Office Attach: up to 25 licences for mailboxes of an Exchange service, a month free (guide).

Once per service: `Attach` has a unique row per service, written in the transaction of its order.
The order costs nothing; it is delivered like any paid order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from peewee import IntegrityError

from records.accounts import Account
from records.base import database
from records.cards import Card
from records.exchange import (
    MOST_ATTACHED,
    Attach,
    AttachedAccount,
    ExchangeAccount,
    ExchangeService,
    MailboxKind,
)
from records.orders import Order, OrderLine
from shop import clock, mail, vat
from shop.errors import N_, Conflict, Refusal
from shop.exchange import attached_licences, proposals, services
from shop.exchange.proposals import Proposal
from shop.licences.seats import rules
from shop.licences.seats.rules import InvalidPerson, Person
from shop.orders import baskets, on_sale, placing
from shop.orders.baskets import Basket
from shop.orders.placing import Confirmation, OrderKind, Quote
from shop.payments import cards, mandates, payables
from shop.pricing import catalogue, money, periods
from shop.pricing.catalogue import PricedOffer

OFFER = "business"
"""The offer of Office Attach (guide)."""

ALREADY_SUBSCRIBED = N_("Office 365 has already been subscribed for this Exchange service.")
DUPLICATE_LOGIN = N_("%(address)s has this login already: two people cannot share one.")


class UnknownAccount(Refusal):
    """A chosen id is not a mailbox of the service."""

    status = 404


class AlreadyAttached(Conflict):
    """The offer has been used for this service before."""

    def __init__(self) -> None:
        super().__init__(ALREADY_SUBSCRIBED)


class CardMissing(Refusal):
    """The customer has no stored card for the renewals."""


# --- Choosing --------------------------------------------------------------------------------


def preselected_mailboxes(service: ExchangeService) -> list[ExchangeAccount]:
    """Return the mailboxes chosen by default: the first 25 that belong to a person (guide).

    A licence is for one person: whoever wants one for a shared mailbox chooses it.
    """
    personal = services.active_accounts(service).where(ExchangeAccount.kind == MailboxKind.PERSON)
    return list(personal.limit(MOST_ATTACHED))


def chosen_mailboxes(service: ExchangeService, ids: Iterable[int]) -> list[ExchangeAccount]:
    """Return the mailboxes with these ids, sorted by e-mail address.

    Raises `UnknownAccount` if an id is not of the service, and `Refusal` unless there are 1 to 25
    and all of them still exist.
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


def remaining_mailboxes(service: ExchangeService, ids: Iterable[int]) -> list[ExchangeAccount]:
    """Return those of the mailboxes with these ids that still exist, sorted by e-mail address."""
    return list(services.active_accounts(service).where(ExchangeAccount.id.in_(list(ids) or [0])))


# --- Reviewing -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Holder:
    """A chosen mailbox and the holder of its licence, as typed or as proposed."""

    account: ExchangeAccount
    first_name: str
    last_name: str
    login: str
    tells_owner: bool = False
    proposal: Proposal | None = None
    """What was proposed for it, if that is known."""

    @property
    def has_changed_login(self) -> bool:
        """Whether the login is a proposed one that is not the local part of the address."""
        proposed = self.proposal
        return proposed is not None and proposed.is_changed and self.login == proposed.login

    @property
    def is_mailbox_as_it_stands(self) -> bool:
        """Whether the names are those of a person and the login is that of the mailbox."""
        return bool(self.account.full_name) and self.login == self.account.local_part

    def person(self) -> Person:
        """Return the holder validated by the rules of seats. Raises `InvalidPerson`."""
        return rules.read_person(self.first_name, self.last_name, self.login)


def propose_holders(accounts: Iterable[ExchangeAccount]) -> list[Holder]:
    """Return the proposed holder of each mailbox's licence (see `shop.exchange.proposals`)."""
    return [
        Holder(each.account, each.first_name, each.last_name, each.login, proposal=each)
        for each in proposals.propose(accounts)
    ]


class InvalidHolders(Exception):
    """Some holders are not valid; ``refusals`` says why, by the mailbox's id and the field."""

    def __init__(self, refusals: dict[tuple[int, str], Refusal]) -> None:
        super().__init__("; ".join(map(str, refusals.values())))
        self.refusals = refusals


def read_holders(holders: list[Holder]) -> list[Person]:
    """Return the validated holders in the same order. Raises `InvalidHolders` with every error."""
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
        first = logins.setdefault(person.login_key, holder.account.address)
        if first != holder.account.address:
            refusals[number, "login"] = Refusal(DUPLICATE_LOGIN, "login", address=first)
        people.append(person)
    if refusals:
        raise InvalidHolders(refusals)
    return people


def quote_after_free_month(account: Account, licences: int) -> Quote:
    """Return the monthly price of that number of licences after the free month: the list price."""
    offers = catalogue.offers(language=account.language)
    return baskets.quote(Basket("", {OFFER: licences}), offers, account)


def first_renewal() -> date:
    """Return the first day that is charged, for a group delivered today."""
    day = clock.today()
    return periods.renewal_after(day, day.day)


# --- Confirming ------------------------------------------------------------------------------


@dataclass(frozen=True)
class AttachRequest:
    """The holders of the licences of a service; ``form`` is the one-time name of the form.

    ``card`` is the id of the card that the customer saw, to which the renewals are charged.
    """

    service: ExchangeService
    holders: list[Holder]
    form: str
    card: int | None

    @property
    def key(self) -> str:
        """The idempotency key: form name and service."""
        return f"{self.form}:attach={self.service.id}"


class AttachOrder(OrderKind):
    """The free order of a group for the holders of a request. Raises `InvalidHolders`."""

    def __init__(self, request: AttachRequest) -> None:
        super().__init__(request.service.account, request.form, request.key)
        self.request = request
        self.people = read_holders(request.holders)

    @cached_property
    def offer(self) -> PricedOffer:
        """The offer as it is when it is ordered."""
        return catalogue.offers(language=self.language)[OFFER]

    @cached_property
    def quote(self) -> Quote:
        """The price of the first month: zero."""
        name = self.offer.name
        lines = [money.Line(OFFER, name, len(self.people), 0)]
        treatment = vat.treatment_of(vat.place_of(self.account))
        return Quote(lines, money.totals(lines, treatment), treatment, is_estimate=False)

    @cached_property
    def later(self) -> Quote:
        """The price of each month after the free one."""
        return quote_after_free_month(self.account, len(self.people))

    @property
    def total_shown(self) -> int:
        """The monthly price after the free month, in cents."""
        return self.later.totals.total_cents

    def check(self) -> None:
        """Raise `AlreadyAttached` if it was used, `CardMissing` without a stored card.

        Raise `Refusal` where the offer is no longer on sale.
        """
        if attached_licences.attach_of(self.request.service):
            raise AlreadyAttached
        if not self.offer.is_on_sale:
            raise Refusal(on_sale.NOT_ON_SALE, offer=self.offer.name)
        card = cards.stored_card(self.account)
        if card is None:
            raise CardMissing(N_("A card is needed for the renewals: register one first."))
        if card.id != self.request.card:
            raise Conflict(N_("Your registered card has changed. Please check it, then confirm."))

    def check_amount(self) -> None:
        """Do nothing: nothing is paid."""

    def reserve(self, lines: list[OrderLine]) -> None:
        """Record the use of the offer. Raises `AlreadyAttached` if another request was first."""
        on_sale.hold(lines)
        try:
            with database.atomic():
                attach = Attach.create(
                    service=self.request.service,
                    order=lines[0].order,
                    licences=len(self.people),
                    unit_price_cents=self.later.lines[0].unit_price_cents,
                    renewal_accepted_at=clock.now(),
                )
        except IntegrityError:
            if attached_licences.attach_of(self.request.service) is None:
                raise
            raise AlreadyAttached from None
        holders = zip(self.request.holders, self.people, strict=True)
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
        """Begin the delivery, as no payment is due, and e-mail the terms of the renewals.

        They are charged to the card that the customer saw.
        """
        mandates.allow_for_order(order, Card.get_by_id(self.request.card))
        payables.begin_delivery(order, by="shop")
        mail.attach_ordered(
            order,
            service=self.request.service.name,
            line=self.later.lines[0],
            totals=self.later.totals,
            renewal_on=first_renewal(),
        )


def place_order(request: AttachRequest, confirmed: Confirmation) -> Order:
    """Place the free order of ``request``; idempotent. ``confirmed.total_cents`` is the monthly
    price after the free month, as it was shown.

    Raises `InvalidHolders`, `CardMissing`, `AlreadyAttached`, and `Conflict` if the price or a
    contract differs from what the customer saw.
    """
    return placing.place(AttachOrder(request), confirmed)
