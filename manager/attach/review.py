"""Office Attach: review who gets a licence, and confirm (guide)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Response, abort, request, url_for
from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from manager import manager
from manager.attach.choose import ATTACH, MOST_TYPED, PARTS, Given, chosen_of, ids_of, on_offer
from manager.exchange import service_page
from models import CardSetup, CardSetupStatus, ExchangeAccount, ExchangeService
from shop.errors import Conflict, Refusal
from shop.orders import attach, baskets
from shop.orders.attach import AttachRequest, CardMissing, Holder, InvalidHolders
from shop.payments import card_setups, cards
from web import auth, contract_step, lookups
from web.arguments import number_of
from web.htmx import go_to, page, wants_partial
from web.languages import sentence
from web.urls import base_url

Errors = dict[str, str]
"""Messages, by the name of their field."""

KEPT = ("chosen", "login-", "first_name-", "last_name-", "owner", "form", "accepted", "renewal")
"""Prefixes of the fields that are restored when the customer returns from the bank."""


# --- Reviewing ---------------------------------------------------------------------------------


@manager.get(ATTACH + "/review")
def review_attach(name: str) -> Response:
    """Show holders, logins, the price after the free month, and the contracts."""
    service = on_offer(name)
    if isinstance(service, Response):
        return service
    setup = _setup_of(service)
    given = _typed_before(setup) if setup else request.args
    accounts, refused = chosen_of(service, given)
    if refused is not None:
        return refused
    return _review(service, _holders(accounts, given), given, setup=setup)


def _here(service: ExchangeService) -> str:
    return url_for("manager.review_attach", name=service.name)


def _setup_of(service: ExchangeService) -> CardSetup | None:
    """Return the card registration that the customer returns from, if any."""
    number = number_of(request.args, "card")
    return card_setups.find_setup(auth.customer(), number, _here(service)) if number else None


def _typed_before(setup: CardSetup) -> Given:
    return MultiDict((name, value) for name, values in setup.typed.items() for value in values)


def _holders(accounts: list[ExchangeAccount], given: Given) -> list[Holder]:
    """Return the holder typed or proposed for each mailbox; a name in the mailbox is kept."""
    return [_holder(proposal, given) for proposal in attach.propose_holders(accounts)]


def _holder(proposal: Holder, given: Given) -> Holder:
    number = proposal.account.id

    def typed(name: str, otherwise: str) -> str:
        return given.get(f"{name}-{number}", otherwise)[:MOST_TYPED]

    named = not proposal.account.full_name
    return Holder(
        proposal.account,
        typed("first_name", proposal.first_name) if named else proposal.first_name,
        typed("last_name", proposal.last_name) if named else proposal.last_name,
        typed("login", proposal.login),
        tells_owner="owners" in given or f"owner-{number}" in given,
        proposal=proposal.proposal,
    )


@manager.post(ATTACH + "/review/fields/<field>")
def check_attach_field(name: str, field: str) -> Response:
    """Validate one field and return it with its errors (htmx, when the field is left)."""
    service, given = lookups.own_exchange_service(name), request.form
    part, _, number = field.rpartition("-")
    holders = _holders(attach.remaining_mailboxes(service, ids_of(given, service)), given)
    # The checked one comes last: of two with the same login, the last gets the error.
    holders.sort(key=lambda holder: str(holder.account.id) == number)
    if part not in PARTS or not holders or str(holders[-1].account.id) != number:
        abort(404)
    if not wants_partial():
        return go_to(_here(service))
    wrong = _wrong_with(holders).get(field, "")
    template = "manager/_attach_field.html"
    return page(template, template, service=service, holder=holders[-1], part=part, wrong=wrong)


def _wrong_with(holders: list[Holder]) -> Errors:
    try:
        attach.read_holders(holders)
    except InvalidHolders as invalid:
        return {
            f"{field}-{number}": sentence(refusal)
            for (number, field), refusal in invalid.refusals.items()
        }
    return {}


def _review(
    service: ExchangeService,
    holders: list[Holder],
    given: Given,
    errors: Errors | None = None,
    error: str = "",
    status: int = 200,
    setup: CardSetup | None = None,
) -> Response:
    customer = auth.customer()
    form = given.get("form", "")
    return page(
        "manager/attach_review.html",
        status=status,
        service=service,
        holders=holders,
        given=given,
        errors=_wrong_with(holders) if errors is None else errors,
        is_first=status == 200,
        error=error,
        form=form if baskets.is_name(form) else baskets.new_name(),
        quote=attach.quote_after_free_month(customer, len(holders)),
        renewal=attach.first_renewal(),
        card=cards.stored_card(customer),
        setup=setup,
        not_registered=card_setups.failure_message(setup) if setup else "",
        is_registering=bool(setup and setup.is_unsettled),
        is_registered=bool(setup and setup.status == CardSetupStatus.SUCCEEDED),
        **contract_step.shown(customer.language),
    )


# --- Confirming --------------------------------------------------------------------------------


@manager.post(ATTACH + "/review")
def confirm_attach(name: str) -> Response:
    """Place one free order for all (« Valider »), after registering a card if there is none."""
    service, given = lookups.own_exchange_service(name), request.form
    accounts, refused = chosen_of(service, given)
    if refused is not None:
        return refused
    holders = _holders(accounts, given)
    errors = _wrong_with(holders) | _not_accepted(given)
    if errors:
        return _review(service, holders, given, errors, status=422)
    try:
        attach.place_order(
            AttachRequest(service, holders, _form_name(given), number_of(given, "card") or None),
            contract_step.confirmation(auth.customer().language),
        )
    except CardMissing:
        return _to_the_bank(service, holders, given)
    except attach.AlreadyAttached as used:
        return service_page(lookups.own_exchange_service(name), sentence(used), used.status)
    except Conflict as conflict:
        seen = MultiDict(
            (key, value) for key, value in given.items(multi=True) if key != "accepted"
        )
        return _review(service, holders, seen, {}, sentence(conflict), conflict.status)
    card_setups.forget_typed(auth.customer(), _here(service))
    return go_to(url_for("manager.exchange_service", name=name))


def _form_name(given: Given) -> str:
    form = given.get("form", "")
    return form if baskets.is_name(form) else baskets.new_name()


def _not_accepted(given: Given) -> Errors:
    errors = {}
    try:
        contract_step.check_ticked()
    except Refusal as refusal:
        errors[refusal.field] = sentence(refusal)
    if given.get("renewal") != "yes":
        errors["renewal"] = gettext("Tick the box: after the free month the licences renew.")
    return errors


def _to_the_bank(service: ExchangeService, holders: list[Holder], given: Given) -> Response:
    customer = auth.customer()
    try:
        setup = card_setups.register_card(
            customer,
            back_to=_here(service),
            typed=_kept(given.items(multi=True)),
            base_url=base_url(),
            by=customer.nic_handle,
        )
    except Refusal as refusal:
        return _review(service, holders, given, {}, sentence(refusal), refusal.status)
    return go_to(setup.checkout_url if setup.is_unsettled else _here(service))


def _kept(given: Iterable[tuple[str, str]]) -> dict[str, Any]:
    kept: dict[str, list[str]] = {}
    for name, value in given:
        if name.startswith(KEPT):
            kept.setdefault(name[:64], []).append(value[:MOST_TYPED])
    return kept
