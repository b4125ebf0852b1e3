"""Office Attach: choose mailboxes, review who gets a licence, confirm (guide)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Response, abort, flash, request, url_for
from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from manager import manager, own
from manager.exchange import service_page
from models import MOST_ATTACHED, CardSetup, CardSetupStatus, ExchangeAccount, ExchangeService
from shop import baskets, contracts
from shop.errors import Conflict, Refusal
from shop.exchange import attach, services
from shop.exchange.attach import Holder, InvalidHolders, NeedsCard, Wish
from shop.payment import cards
from shop.placing import Confirmation
from web import signin
from web.addresses import base_url
from web.htmx import go_to, page, wants_partial
from web.languages import sentence

ATTACH = "/manager/exchange/<name>/attach"
MOST_TYPED = 300
"""Characters of a field beyond which nobody typed it."""

PARTS = ("first_name", "last_name", "login")
"""What may be typed of a mailbox's holder."""

Given = MultiDict[str, str]
Errors = dict[str, str]
"""What is wrong, by the name of the field."""


def _on_offer(name: str) -> ExchangeService | Response:
    """The service, or a way back to it where the offer was used."""
    service = own.exchange_service(name)
    if not service.is_used:
        return service
    flash(gettext(attach.USED), "info")
    return go_to(url_for("manager.exchange_service", name=name))


# --- Choosing ----------------------------------------------------------------------------------


@manager.get(ATTACH)
def attach_accounts(name: str) -> Response:
    """Choose the mailboxes: a list that is searched and paged, and keeps the choice meanwhile."""
    service = _on_offer(name)
    if isinstance(service, Response):
        return service
    return _choosing(service, request.args)


@manager.post(ATTACH)
def choose_again(name: str) -> Response:
    """Back from the review to the list, with what was typed there."""
    service = _on_offer(name)
    if isinstance(service, Response):
        return service
    return _choosing(service, request.form)


def _is_new(given: Given) -> bool:
    """Whether nothing was chosen yet, nor taken out of what is preselected."""
    return "chosen" not in given and "kept" not in given


def _ids(given: Given, service: ExchangeService) -> list[int]:
    """The mailboxes chosen: those the form names, or the first ones where there was none yet."""
    if _is_new(given):
        return [account.id for account in attach.preselected(service)]
    typed = given.getlist("chosen")[: 10 * MOST_ATTACHED]
    if not all(one.isascii() and one.isdigit() and len(one) < 10 for one in typed):
        abort(404)
    return list(dict.fromkeys(int(one) for one in typed))


def _choosing(
    service: ExchangeService, given: Given, error: str = "", status: int = 200
) -> Response:
    """The list, with what is chosen of the mailboxes still there and what was typed for them."""
    chosen = attach.still_there(service, _ids(given, service))
    asked = request.args
    is_new = asked.get("q", "") != asked.get("was", "")
    number = 1 if is_new else (asked.getlist("page", type=int) or [1])[-1]
    looked = services.view(asked.get("q", ""), services.BY_ADDRESS, number)
    shown = services.page_of_accounts(services.active_accounts(service), looked)
    visible = {account.id for account in shown.rows}
    return page(
        "manager/attach_accounts.html",
        "manager/_attach_accounts.html",
        status=status,
        service=service,
        view=looked,
        accounts=shown,
        chosen={account.id for account in chosen},
        elsewhere=[account.id for account in chosen if account.id not in visible],
        typed=_typed_for(chosen, given),
        most=MOST_ATTACHED,
        error=error,
    )


def _typed_for(chosen: list[ExchangeAccount], given: Given) -> list[tuple[str, str]]:
    """What was typed on the review and is not what would be proposed, by the fields' names."""
    typed = [("owners", "yes")] if "owners" in given else []
    for account in chosen[: 2 * MOST_ATTACHED]:
        proposal = attach.proposed(account)
        for field in PARTS:
            name = f"{field}-{account.id}"
            value = given.get(name, "")[:MOST_TYPED]
            if value not in ("", getattr(proposal, field)):
                typed.append((name, value))
        if f"owner-{account.id}" in given:
            typed.append((f"owner-{account.id}", "yes"))
    return typed


def _chosen(
    service: ExchangeService, given: Given
) -> tuple[list[ExchangeAccount], Response | None]:
    """The mailboxes chosen; or the list again, with what is wrong with the choice."""
    first = attach.preselected(service) if _is_new(given) else []
    if first:
        return first, None
    ids = _ids(given, service)
    try:
        return attach.chosen(service, ids), None
    except Refusal as refusal:
        return [], _choosing(service, given, sentence(refusal), refusal.status)


# --- Reviewing ---------------------------------------------------------------------------------


@manager.get(ATTACH + "/review")
def review_attach(name: str) -> Response:
    """Who gets which login, what it costs after the free month, and the contracts."""
    service = _on_offer(name)
    if isinstance(service, Response):
        return service
    setup = _setup_of(service)
    given = _typed_before(setup) if setup else request.args
    accounts, refused = _chosen(service, given)
    if refused is not None:
        return refused
    return _review(service, _holders(accounts, given), given, setup=setup)


def _here(service: ExchangeService) -> str:
    return url_for("manager.review_attach", name=service.name)


def _setup_of(service: ExchangeService) -> CardSetup | None:
    """The registration of a card the customer comes back from."""
    number = request.args.get("card", 0, type=int)
    return cards.find(signin.customer(), number, _here(service)) if number else None


def _typed_before(setup: CardSetup) -> Given:
    return MultiDict((name, value) for name, values in setup.typed.items() for value in values)


def _holders(accounts: list[ExchangeAccount], given: Given) -> list[Holder]:
    """Who is proposed or typed for each mailbox; those that have a name keep it."""
    return [_holder(attach.proposed(account), given) for account in accounts]


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
    )


@manager.post(ATTACH + "/review/fields/<field>")
def check_attach_field(name: str, field: str) -> Response:
    """One field with what is wrong with it: asked by htmx when the customer leaves it."""
    service, given = own.exchange_service(name), request.form
    part, _, number = field.rpartition("-")
    holders = _holders(attach.still_there(service, _ids(given, service)), given)
    # The one that is looked at comes last: of two with one login it is the one to be told.
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
        attach.read(holders)
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
    customer = signin.customer()
    shown = contracts.current(customer.language)
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
        quote=attach.after_the_free_month(customer, len(holders)),
        renewal=attach.first_renewal(),
        card=cards.stored(customer),
        setup=setup,
        not_registered=cards.why_not(setup) if setup else "",
        is_registering=bool(setup and setup.is_unsettled),
        is_registered=bool(setup and setup.status == CardSetupStatus.SUCCEEDED),
        contracts=shown,
        digests=",".join(contract.digest for contract in shown),
    )


# --- Confirming --------------------------------------------------------------------------------


@manager.post(ATTACH + "/review")
def confirm_attach(name: str) -> Response:
    """« Valider »: one free order for all, after a card was registered where there is none."""
    service, given = own.exchange_service(name), request.form
    accounts, refused = _chosen(service, given)
    if refused is not None:
        return refused
    holders = _holders(accounts, given)
    errors = _wrong_with(holders) | _not_accepted(given)
    if errors:
        return _review(service, holders, given, errors, status=422)
    try:
        attach.confirm(Wish(service, holders, _form_name(given)), _confirmation(given))
    except NeedsCard:
        return _to_the_bank(service, holders, given)
    except attach.Used as used:
        return service_page(own.exchange_service(name), sentence(used), used.status)
    except Conflict as conflict:
        seen = MultiDict(
            (key, value) for key, value in given.items(multi=True) if key != "accepted"
        )
        return _review(service, holders, seen, {}, sentence(conflict), conflict.status)
    cards.forget_typed(signin.customer(), _here(service))
    return go_to(url_for("manager.exchange_service", name=name))


def _form_name(given: Given) -> str:
    form = given.get("form", "")
    return form if baskets.is_name(form) else baskets.new_name()


def _not_accepted(given: Given) -> Errors:
    errors = {}
    if given.get("accepted") != "yes":
        errors["accepted"] = gettext(
            "Read the contracts and tick the box: without your agreement, no order."
        )
    if given.get("renewal") != "yes":
        errors["renewal"] = gettext("Tick the box: after the free month the licences renew.")
    return errors


def _confirmation(given: Given) -> Confirmation:
    seen = given.get("total_cents", "")
    return Confirmation(
        total_cents=int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 16 else -1,
        contract_digests=tuple(given.get("digests", "").split(",")),
        address=signin.address(),
        language=signin.customer().language,
    )


TICKS = ("accepted", "renewal")

KEPT = ("chosen", "login-", "first_name-", "last_name-", "owner", "form", "accepted", "renewal")
"""What was filled in and is found again after the bank, by how the names of fields begin."""


def _to_the_bank(service: ExchangeService, holders: list[Holder], given: Given) -> Response:
    customer = signin.customer()
    try:
        setup = cards.register(
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


# --- The banner --------------------------------------------------------------------------------


@manager.post("/manager/exchange/<name>/offer/dismissal")
def dismiss_offer(name: str) -> Response:
    """Show the banner on this service no more."""
    services.hide_offer(own.exchange_service(name))
    return go_to(url_for("manager.exchange_service", name=name))
