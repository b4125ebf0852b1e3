"""What is the customer's own: everything else does not exist for them."""

from __future__ import annotations

from flask import abort

from models import ExchangeService, LicenceGroup, Seat
from shop.exchange import services
from shop.licences import groups
from web import auth


def group(name: str) -> LicenceGroup:
    """The customer's group of that technical name, with its offer; 404 for anybody else's."""
    found = groups.find(auth.customer(), name)
    if found is None:
        abort(404)
    return found


def seat(group_name: str, number: int) -> Seat:
    """A seat of the customer's own group, by its number."""
    owned = group(group_name)
    found = Seat.get_or_none(Seat.group == owned, Seat.number == number)
    if found is None:
        abort(404)
    found.group = owned
    return found


def exchange_service(name: str) -> ExchangeService:
    """The customer's Exchange service of that name; 404 for anybody else's."""
    found = services.find(auth.customer(), name)
    if found is None:
        abort(404)
    return found
