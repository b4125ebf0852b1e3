"""Finds the customer's own rows by the name or number in a URL; aborts with 404 otherwise."""

from __future__ import annotations

from typing import TypeVar

from flask import abort, g

from models import Card, ExchangeService, Invoice, Letter, LicenceGroup, Order, Seat, SeatImport
from shop import mail
from shop.exchange import services as exchange
from shop.invoicing import invoices
from shop.licences import groups
from shop.licences.seats import import_preview, listing
from shop.orders import orders
from shop.overviews import services, states
from shop.overviews.services import ServiceOverview
from shop.overviews.states import Owed
from shop.payments import cards
from web import auth

Found = TypeVar("Found")


def own_order(number: int) -> Order:
    """Return the customer's order with that number."""
    return _or_404(orders.find_order(auth.customer(), str(number)))


def own_invoice(number: str) -> Invoice:
    """Return the customer's invoice or credit note with that number."""
    return _or_404(invoices.find_invoice(auth.customer(), number))


def own_card(card_id: int) -> Card:
    """Return a card that the customer has not removed."""
    return _or_404(cards.find_card(auth.customer(), card_id))


def own_letter(letter_id: int) -> Letter:
    """Return an e-mail that the customer received."""
    return _or_404(mail.find_letter(auth.customer(), letter_id))


def own_group(name: str) -> LicenceGroup:
    """Return the customer's licence group with that technical name, with its offer."""
    return _or_404(groups.find_group(auth.customer(), name))


def own_service(name: str) -> ServiceOverview:
    """Return the subscription of the customer's group with that name, and its next renewal."""
    return _or_404(services.find_service(auth.customer(), name, services_owed()))


def services_owed() -> list[Owed]:
    """Return the services of the customer that are not paid; read once for each request."""
    if "owed" not in g:
        g.owed = states.owed_by(auth.customer()) if auth.may_be("is_late") else []
    return list(g.owed)


def own_seat(group_name: str, number: int) -> Seat:
    """Return a seat of the customer's group, by its number."""
    return _or_404(listing.find_seat(own_group(group_name), number))


def own_import(group_name: str, import_id: int) -> SeatImport:
    """Return a CSV import into the customer's group."""
    return _own_lines(group_name, import_id, of_file=True)


def own_selection(group_name: str, import_id: int) -> SeatImport:
    """Return an act on a selection of the customer's seats."""
    return _own_lines(group_name, import_id, of_file=False)


def _own_lines(group_name: str, import_id: int, *, of_file: bool) -> SeatImport:
    group = own_group(group_name)
    found = _or_404(import_preview.find_import(group, import_id))
    if found.is_of_file != of_file:
        abort(404)
    found.group = group
    return found


def own_exchange_service(name: str) -> ExchangeService:
    """Return the customer's Exchange service with that name."""
    return _or_404(exchange.find_service(auth.customer(), name))


def _or_404(found: Found | None) -> Found:
    if found is None:
        abort(404)
    return found
