"""Offers: added under a code of their own, described differently, put on sale and taken from sale.

An offer is never deleted, so that what was sold keeps its meaning, and no code is used twice.
Each change is counted by the offer's ``version``: whoever changes it says which version they saw,
and of two at once the second is told.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from peewee import IntegrityError, PostgresqlDatabase, fn

from records.base import database
from records.catalogue import MOST_PLACES, ChangeKind, Offer, OfferChange, Price, Product
from shop import clock
from shop.errors import N_, Conflict, Refusal
from shop.parsing.numbers_and_json import read_integer
from shop.publishing import acts

CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST_CODE, LONGEST_NAME, LONGEST_LIST = 16, 64, 500
MOST_LIMIT = 100_000
MOST_HISTORY = 50

CHANGED = N_("Somebody else changed this offer a moment ago. Look at it again.")
NO_PRICE = N_("There is no price for the first day of the sale: set one first.")
SALE_BEGUN = N_("The sale has begun: its first day stays.")


@dataclass(frozen=True)
class Details:
    """What an offer says of itself, and the most licences of a group; as `Offer` holds it."""

    name: str
    name_fr: str
    applications: str
    places_limit: int | None
    position: int


@dataclass(frozen=True)
class Sale:
    """The days of a sale: the first one, and the one from which it is over, if any."""

    on_sale_from: date | None
    on_sale_until: date | None


@dataclass(frozen=True)
class ShownOffer:
    """An offer, its price now in cents if it has one, and the state of its sale."""

    offer: Offer
    price_cents: int | None
    state: str
    """``sold``, ``to_come``, ``over`` or ``none`` where no days were set."""


# --- Reading -----------------------------------------------------------------------------------


def all_offers() -> list[ShownOffer]:
    """Return every offer with its price, in the order of pages. One query."""
    newest = (
        Price.select(Price.amount_cents)
        .where(Price.offer == Offer.code, Price.valid_from <= clock.now())
        .order_by(Price.valid_from.desc())
        .limit(1)
    )
    rows: Any = Offer.select(Offer, newest.alias("cents")).order_by(Offer.position, Offer.code)
    today = clock.today()
    return [ShownOffer(row, row.cents, state_of(row, today)) for row in rows]


def state_of(offer: Offer, day: date) -> str:
    """Return the state of an offer's sale on a day (`ShownOffer.state`)."""
    if offer.on_sale_from is None:
        return "none"
    if offer.is_over_on(day):
        return "over"
    return "sold" if offer.was_on_sale_by(day) else "to_come"


def find_offer(code: str) -> Offer | None:
    """Return an offer, or None."""
    return Offer.get_or_none(Offer.code == code)


def history(offer: Offer) -> list[OfferChange]:
    """Return what was changed of an offer last, the newest first."""
    changes = OfferChange.select().where(OfferChange.offer == offer.code)
    return list(changes.order_by(OfferChange.version.desc()).limit(MOST_HISTORY))


def last_change(offer: Offer) -> OfferChange | None:
    """Return the change that can be undone: the last one, if it was one of details or days."""
    made_it = (OfferChange.offer == offer.code) & (OfferChange.version == offer.version)
    found: OfferChange | None = OfferChange.get_or_none(made_it)
    return found if found and found.kind in (ChangeKind.DETAILS, ChangeKind.SALE) else None


# --- What was typed ----------------------------------------------------------------------------


def read_code(typed: str) -> str:
    """Return a new offer's code. Raise `Refusal` if it cannot be one, or is or was used."""
    code = typed.strip()
    if not CODE.fullmatch(code) or len(code) > LONGEST_CODE:
        raise Refusal(
            N_("A code has at most %(most)d small letters and digits, with _ between words."),
            "code", most=LONGEST_CODE,
        )  # fmt: skip
    if find_offer(code):
        raise Refusal(N_("This code is taken: no code is used twice."), "code")
    return code


def read_applications(typed: str) -> str:
    """Return the applications typed, separated by commas. Raise `Refusal` if there is none."""
    names = list(dict.fromkeys(" ".join(name.split()) for name in typed.split(",")))
    listed = ", ".join(name for name in names if name)
    if not listed:
        raise Refusal(N_("Name the applications, separated by commas."), "applications")
    if len(listed) > LONGEST_LIST:
        raise Refusal(N_("This text is too long."), "applications")
    return listed


def read_limit(typed: str, product: str) -> int | None:
    """Return the most licences of a group; None for no limit, where the provider has none."""
    most = MOST_PLACES.get(product)
    if not typed.strip() and most is None:
        return None
    limit = read_integer(typed.strip(), low=1, high=most or MOST_LIMIT)
    if limit is None:
        raise Refusal(
            N_("The provider’s groups of this product hold at most %(most)d licences.")
            if most
            else N_("Give a number from 1 to %(most)d, or leave the field empty for no limit."),
            "places_limit", most=most or MOST_LIMIT,
        )  # fmt: skip
    return limit


def read_position(typed: str) -> int:
    """Return the place of an offer on pages, from 1 on."""
    position = read_integer(typed.strip(), low=1, high=999)
    if position is None:
        raise Refusal(N_("Give a number from 1 to 999."), "position")
    return position


def next_position() -> int:
    """Return the place after all other offers."""
    return int(Offer.select(fn.MAX(Offer.position)).scalar() or 0) + 1


def check_details(code: str, details: Details) -> None:
    """Raise `Refusal` if another offer has the same name."""
    for name, field in ((details.name, "name"), (details.name_fr, "name_fr")):
        taken = (Offer.name == name) | (Offer.name_fr == name)
        if name and Offer.select().where(taken, Offer.code != code).exists():
            raise Refusal(N_("Another offer has this name."), field)


def check_sale(offer: Offer, sale: Sale) -> None:
    """Raise `Refusal` for days that cannot be those of a sale, or where there is no price."""
    first, end, today = sale.on_sale_from, sale.on_sale_until, clock.today()
    has_begun = offer.was_on_sale_by(today)
    if has_begun and first != offer.on_sale_from:
        raise Refusal(SALE_BEGUN, "on_sale_from")
    if first is None:
        return
    if not has_begun and first < today:
        raise Refusal(N_("The sale begins today at the earliest."), "on_sale_from")
    if end != offer.on_sale_until and end is not None and end < max(first, today):
        raise Refusal(
            N_("The sale ends today at the earliest, and not before it begins."), "on_sale_until"
        )
    if not _has_price(offer, max(first, today)):
        raise Refusal(NO_PRICE, "on_sale_from")


def _has_price(offer: Offer, day: date) -> bool:
    by_then = (Price.offer == offer.code) & (Price.valid_from <= clock.midnight(day))
    return Price.select().where(by_then).exists()


# --- Changing ----------------------------------------------------------------------------------


def add(code: str, product: str, details: Details, *, by: str, reason: str) -> Offer:
    """Add an offer that is not on sale yet. Raise `Refusal` without a reason, and as its parts do.

    ``product`` is what the provider is asked for; it never changes.
    """
    reason = acts.checked(reason)
    read_code(code)
    check_details(code, details)
    try:
        with database.atomic():
            offer = Offer.create(code=code, product=Product(product), **asdict(details))
            _record(offer, ChangeKind.ADDED, {}, asdict(details), by, reason)
    except IntegrityError:
        # Somebody else added it at the same time.
        raise Refusal(N_("This code is taken: no code is used twice."), "code") from None
    return offer


def change_details(offer: Offer, details: Details, *, by: str, reason: str) -> None:
    """Change what an offer says of itself, or how many licences its groups hold.

    Groups that hold more than a lower limit keep what they have. Raise `Refusal` without a reason,
    and `Conflict` if somebody else changed the offer since it was read.
    """
    reason = acts.checked(reason)
    check_details(offer.code, details)
    _change(offer, ChangeKind.DETAILS, asdict(details), by, reason)


def set_sale(offer: Offer, sale: Sale, *, by: str, reason: str) -> None:
    """Set the days of a sale. Raise as `change_details` and `check_sale` do.

    Once it has begun, its first day stays; what has ended can be sold again.
    """
    reason = acts.checked(reason)
    if sale.on_sale_from is None:
        raise Refusal(N_("Enter the first day of the sale."), "on_sale_from")
    check_sale(offer, sale)
    _change(offer, ChangeKind.SALE, asdict(sale), by, reason)


def undo(offer: Offer, *, by: str, reason: str) -> None:
    """Undo the last change of an offer. Raise `Refusal` where that is no longer possible."""
    reason = acts.checked(reason)
    change = last_change(offer)
    if change is None:
        raise Conflict(N_("There is nothing to undo any more."))
    values = before(change)
    if "name" in values:
        check_details(offer.code, Details(**values))
    _change(offer, ChangeKind.UNDONE, values, by, reason)


def before(change: OfferChange) -> dict[str, Any]:
    """Return the columns of an offer as they were before a change."""
    return _columns(change.before)


def after(change: OfferChange) -> dict[str, Any]:
    """Return the columns of an offer as they were after a change."""
    return _columns(change.after)


def _columns(noted: dict[str, Any]) -> dict[str, Any]:
    return {
        name: date.fromisoformat(value) if name.startswith("on_sale") and value else value
        for name, value in noted.items()
    }


def _change(offer: Offer, kind: ChangeKind, values: dict[str, Any], by: str, reason: str) -> None:
    """Change columns of an offer by a compare-and-set on its version."""
    old = {name: getattr(offer, name) for name in values}
    if old == values:
        raise Refusal(N_("Nothing is changed."))
    with database.atomic():
        is_unchanged = (Offer.code == offer.code) & (Offer.version == offer.version)
        raised = Offer.version + 1
        if not Offer.update(version=raised, **values).where(is_unchanged).execute():
            raise Conflict(CHANGED)
        if "on_sale_from" in values:
            # Under the lock of the offer's row, for which whoever takes a price back waits.
            check_sale(offer, Sale(**values))
        _record(Offer.get_by_id(offer.code), kind, old, values, by, reason)


def _record(
    offer: Offer, kind: ChangeKind, old: dict[str, Any], new: dict[str, Any], by: str, reason: str
) -> None:
    change = OfferChange.create(
        offer=offer, version=offer.version, kind=kind, before=_plain(old), after=_plain(new),
        by=by, reason=reason, at=clock.now(),
    )  # fmt: skip
    acts.record_act("offer", change.id, f"offer_{kind}", by=by, reason=reason)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in values.items()
    }


# --- Prices --------------------------------------------------------------------------------------


def hold_price(offer_code: str, price_id: int) -> None:
    """Let no sale begin without a price: before ``price_id`` is deleted, in that transaction.

    The row of the offer is locked. Raise `Conflict` if its sale begins with that price.
    """
    query: Any = Offer.select().where(Offer.code == offer_code)
    if isinstance(database.obj, PostgresqlDatabase):
        query = query.for_update("FOR NO KEY UPDATE")
    offer = query.get()
    if offer.on_sale_from is None:
        return
    first = max(offer.on_sale_from, clock.today())
    others = Price.select().where(
        Price.offer == offer_code, Price.id != price_id, Price.valid_from <= clock.midnight(first)
    )
    if not others.exists():
        raise Conflict(
            N_("The sale of this offer begins with this price: change the days of its sale first.")
        )
