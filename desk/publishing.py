"""What administrators publish: prices, announcements and versions of contracts."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import Response, abort, flash, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    DateField,
    DateTimeLocalField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length

from desk import access, acts, desk
from desk.acts import Act, ActForm
from models import Contract, Language, NoticeKind, database
from shop import clock
from shop.errors import Refusal
from shop.orders import contracts
from shop.parsing.numbers_and_json import read_integer
from shop.publishing import contract_versions, notices, offers, prices
from shop.publishing.contract_versions import Draft
from shop.publishing.notices import Wording
from shop.staff import acts as records
from shop.text import formats
from web.customer_forms import TOO_LONG
from web.forms import choices, stripped
from web.htmx import go_to, page
from web.languages import current_language, sentence

NO_FRENCH = InputRequired(_l("Write the text in French."))
NO_ENGLISH = InputRequired(_l("Write the text in English."))
MOST_LISTED = 50


def in_one(form: ActForm, kind: str, subject: str, do: Callable[[], object]) -> Any:
    """Return what does an act and records it, once for each form sent."""

    def done() -> bool:
        given = form.given()
        with database.atomic():
            is_first = records.record_act(
                given.key, by=access.actor(), kind=kind, reason=given.reason, subject=subject
            )
            if is_first:
                do()
        return is_first

    return done


# --- Prices ----------------------------------------------------------------------------------


class PriceForm(ActForm):
    """The price of an offer from a day on."""

    offer = SelectField(_l("Offer"))
    amount = StringField(
        _l("Price of a licence a month, excl. VAT (€)"),
        [InputRequired(_l("Enter the price."))],
        filters=[stripped],
        render_kw={"inputmode": "decimal", "autocomplete": "off"},
    )
    day = DateField(_l("From the day"), [InputRequired(_l("Enter the day it applies from."))])


@desk.get("/prices")
def price_list() -> Response:
    """List every price of every offer, the newest first."""
    return page("desk/prices.html", prices=prices.all_prices())


def _pricing() -> Act:
    return Act(
        title=gettext("Set a price"),
        explanation=gettext(
            "New orders have it from that day on. Running services follow at a renewal that we "
            "announce to their customers 30 days before."
        ),
        button=gettext("Set the price"),
        back=url_for("desk.price_list"),
        done=gettext("The price is set."),
        part="prices",
    )


def _price_form() -> PriceForm:
    form = PriceForm()
    form.offer.choices = choices(
        (each.offer.code, each.offer.name_in(current_language())) for each in offers.all_offers()
    )
    return form


@desk.get("/prices/new")
def new_price() -> Response:
    """Show the form for a price."""
    return acts.show(_price_form(), _pricing())


@desk.post("/prices/new")
def set_price() -> Response:
    """Set a price."""
    form = _price_form()

    def do() -> None:
        assert form.day.data is not None
        cents = prices.read_euros(form.amount.data or "")
        prices.set_price(
            form.offer.data, cents, form.day.data, by=access.actor(), reason=form.given().reason
        )

    subject = f"{form.offer.data} {form.amount.data}"
    return acts.take(form, _pricing(), in_one(form, "price_set", subject, do))


def _price_to_take_back(price_id: int) -> tuple[Any, Act]:
    price = prices.find_price(price_id)
    if price is None:
        abort(404)
    lang = current_language()
    act = Act(
        title=gettext("Take a price back"),
        explanation=gettext("It will not apply. The price before it goes on."),
        button=gettext("Take it back"),
        back=url_for("desk.price_list"),
        done=gettext("The price is taken back."),
        effects=(
            (gettext("Offer"), price.offer.name),
            (gettext("Price excl. VAT"), formats.money(price.amount_cents, lang)),
            (gettext("From the day"), formats.day(clock.day_of(price.valid_from), lang)),
        ),
        is_dangerous=True,
        part="prices",
    )
    return price, act


@desk.get("/prices/<int:price_id>/taking-back")
def price_taking_back(price_id: int) -> Response:
    """Show the form that takes a price back."""
    return acts.show(ActForm(), _price_to_take_back(price_id)[1])


@desk.post("/prices/<int:price_id>/taking-back")
def take_price_back(price_id: int) -> Response:
    """Take a price back that does not apply yet and was announced to nobody."""
    price, act = _price_to_take_back(price_id)
    form = ActForm()

    def do() -> None:
        prices.take_back(price, by=access.actor(), reason=form.given().reason)

    return acts.take(form, act, in_one(form, "price_taken_back", price.offer_id, do))


# --- Announcements ---------------------------------------------------------------------------

LOOKS = {NoticeKind.INFO: _l("Information"), NoticeKind.WARNING: _l("Warning")}


class NoticeForm(ActForm):
    """An announcement in both languages, between two moments (Paris)."""

    text_fr = TextAreaField(
        _l("Text in French"), [NO_FRENCH, Length(max=notices.LONGEST, message=TOO_LONG)],
        filters=[stripped], render_kw={"rows": 3, "lang": "fr"},
    )  # fmt: skip
    text_en = TextAreaField(
        _l("Text in English"), [NO_ENGLISH, Length(max=notices.LONGEST, message=TOO_LONG)],
        filters=[stripped], render_kw={"rows": 3, "lang": "en"},
    )  # fmt: skip
    kind = SelectField(_l("Look"), choices=lambda: choices(LOOKS.items()))
    starts_at = DateTimeLocalField(
        _l("From (Paris time)"),
        [InputRequired(_l("Enter when it begins."))],
        format="%Y-%m-%dT%H:%M",
    )
    ends_at = DateTimeLocalField(
        _l("Until (Paris time)"),
        [InputRequired(_l("Enter when it ends."))],
        format="%Y-%m-%dT%H:%M",
    )
    by_email = BooleanField(_l("Also write to every customer with a running service"))

    def wording(self) -> Wording:
        """Return the announcement that was filled in."""
        assert self.starts_at.data is not None
        assert self.ends_at.data is not None
        return Wording(
            self.text_fr.data or "", self.text_en.data or "", in_paris(self.starts_at.data),
            in_paris(self.ends_at.data), self.kind.data, bool(self.by_email.data),
        )  # fmt: skip


def in_paris(typed: datetime) -> datetime:
    """Return the moment of a date and time typed as those of Paris."""
    return typed.replace(tzinfo=clock.PARIS)


@desk.get("/announcements")
def announcements() -> Response:
    """List the announcements, the newest first."""
    before = read_integer(request.args.get("before", ""), high=2**31 - 1)
    rows = notices.newest_notices(MOST_LISTED + 1, before)
    shown = rows[:MOST_LISTED]
    older = shown[-1].id if len(rows) > MOST_LISTED else None
    return page("desk/announcements.html", notices=shown, older=older, now=clock.now(), looks=LOOKS)


def _announcing() -> Act:
    return Act(
        title=gettext("Publish an announcement"),
        explanation=gettext("It stands above every page of the shop and of the customer area."),
        button=gettext("Publish"),
        back=url_for("desk.announcements"),
        done=gettext("The announcement is published."),
        part="announcements",
    )


@desk.get("/announcements/new")
def new_announcement() -> Response:
    """Show the form for an announcement; it begins now unless that is changed."""
    form = NoticeForm()
    form.starts_at.data = clock.now().astimezone(clock.PARIS).replace(second=0, microsecond=0)
    return acts.show(form, _announcing())


@desk.post("/announcements/new")
def publish_announcement() -> Response:
    """Publish an announcement."""
    form = NoticeForm()

    def do() -> None:
        notices.publish(form.wording(), by=access.actor(), reason=form.given().reason)

    subject = (form.text_fr.data or "")[:64]
    return acts.take(form, _announcing(), in_one(form, "notice_published", subject, do))


def _notice_to_take_back(notice_id: int) -> tuple[Any, Act]:
    notice = notices.find_notice(notice_id)
    if notice is None:
        abort(404)
    act = replace(
        _announcing(),
        title=gettext("Take an announcement back"),
        explanation=gettext("Pages show it no more, and no more emails are written about it."),
        button=gettext("Take it back"),
        done=gettext("The announcement is taken back."),
        effects=((gettext("Announcement"), notice.text_in(current_language())),),
        is_dangerous=True,
    )
    return notice, act


@desk.get("/announcements/<int:notice_id>/taking-back")
def announcement_taking_back(notice_id: int) -> Response:
    """Show the form that takes an announcement back."""
    return acts.show(ActForm(), _notice_to_take_back(notice_id)[1])


@desk.post("/announcements/<int:notice_id>/taking-back")
def take_announcement_back(notice_id: int) -> Response:
    """Take an announcement back."""
    notice, act = _notice_to_take_back(notice_id)
    form = ActForm()

    def do() -> None:
        notices.take_back(notice, by=access.actor(), reason=form.given().reason)

    return acts.take(form, act, in_one(form, "notice_taken_back", notice.text_fr[:64], do))


# --- Contracts -------------------------------------------------------------------------------


class ContractForm(ActForm):
    """A version of a text in both languages, and the day from which it applies."""

    title_fr = StringField(
        _l("Title in French"),
        [InputRequired(_l("Enter the title in French.")), Length(max=255, message=TOO_LONG)],
    )
    body_fr = TextAreaField(
        _l("Text in French (Markdown)"), [NO_FRENCH], render_kw={"rows": 20, "lang": "fr"}
    )
    title_en = StringField(
        _l("Title in English"),
        [InputRequired(_l("Enter the title in English.")), Length(max=255, message=TOO_LONG)],
    )
    body_en = TextAreaField(
        _l("Text in English (Markdown)"), [NO_ENGLISH], render_kw={"rows": 20, "lang": "en"}
    )
    applies_on = DateField(
        _l("Applies from the day"), [InputRequired(_l("Enter the day it applies from."))]
    )

    def draft(self, kind: str) -> Draft:
        """Return the version that was filled in."""
        assert self.applies_on.data is not None
        return Draft(
            kind,
            {"fr": self.title_fr.data or "", "en": self.title_en.data or ""},
            {"fr": self.body_fr.data or "", "en": self.body_en.data or ""},
            self.applies_on.data,
        )


@desk.get("/contracts")
def contract_versions_list() -> Response:
    """List every version of every text, and how far its announcement is."""
    return page(
        "desk/contracts.html", versions=contract_versions.all_versions(),
        kinds=contract_versions.KINDS, titles=_titles(),
        names_offers=contract_versions.NAMES_OFFERS, not_named=contract_versions.not_named(),
    )  # fmt: skip


def _titles() -> dict[str, str]:
    newest = {
        kind: contract_versions.newest_version(kind, current_language())
        for kind in contract_versions.KINDS
    }
    return {kind: text.title if text else kind for kind, text in newest.items()}


@desk.get("/contracts/<kind>/<int:version>")
def contract_difference(kind: str, version: int) -> Response:
    """Show what a version changed, in the language of the page."""
    after = contracts.find_contract(kind, version, current_language())
    if after is None:
        abort(404)
    before = contracts.find_contract(kind, version - 1, current_language())
    return page(
        "desk/contract_difference.html", contract=after,
        changes=list(contract_versions.difference(before.body if before else "", after.body)),
    )  # fmt: skip


def _known(kind: str) -> dict[str, Contract]:
    """Return the last version of a text in each language."""
    found = {language: contract_versions.newest_version(kind, language) for language in Language}
    if kind not in contract_versions.KINDS or None in found.values():
        abort(404)
    return {language: text for language, text in found.items() if text is not None}


@desk.get("/contracts/<kind>/new")
def new_contract_version(kind: str) -> Response:
    """Show the form of another version, with the text of the last one."""
    last, form = _known(kind), ContractForm()
    for language, text in last.items():
        form[f"title_{language}"].data = text.title
        form[f"body_{language}"].data = text.body
    form.applies_on.data = contracts.first_day_after_notice()
    return _contract_page(kind, form)


def _contract_page(kind: str, form: ContractForm, status: int = 200) -> Response:
    if not form.key.data:
        form.key.data = secrets.token_urlsafe(24)
    last = _known(kind)
    return page(
        "desk/contract_form.html", status=status, form=form, kind=kind,
        title=last[Language(current_language())].title, version=last[Language.FRENCH].version + 1,
        first_day=contracts.first_day_after_notice(),
    )  # fmt: skip


@desk.post("/contracts/<kind>/new")
def publish_contract_version(kind: str) -> Response:
    """Show the difference to the last version; publish once it is confirmed."""
    last, form = _known(kind), ContractForm()
    if not form.validate_on_submit() or not form.key.data:
        return _contract_page(kind, form, 422)
    draft = form.draft(kind)
    try:
        contract_versions.check_draft(draft)
        if not form.confirmed.data:
            return _difference_page(form, draft, last)
        do = in_one(
            form, "contract_published", kind,
            lambda: contract_versions.publish(
                draft, by=access.actor(), reason=form.given().reason
            ),
        )  # fmt: skip
        do()
    except Refusal as refusal:
        form.confirmed.data = ""
        form.refuse(refusal)
        flash(sentence(refusal), "warning")
        return _contract_page(kind, form, refusal.status)
    flash(gettext("The version is published. Customers are told from tonight on."), "success")
    return go_to(url_for("desk.contract_versions_list"))


def _difference_page(form: ContractForm, draft: Draft, last: dict[str, Contract]) -> Response:
    changes = {
        language: list(contract_versions.difference(text.body, draft.bodies[language]))
        for language, text in last.items()
    }
    return page(
        "desk/contract_confirmation.html", form=form, kind=draft.kind, changes=changes,
        version=last[Language.FRENCH].version + 1, applies_on=draft.applies_on,
    )  # fmt: skip
