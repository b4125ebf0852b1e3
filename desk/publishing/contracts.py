"""Versions of contracts: compared with the one before, published, listed."""

from __future__ import annotations

import secrets

from flask import Response, abort, flash, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import (
    DateField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length

from desk import access, acts, desk, languages
from desk.acts import ActForm
from desk.publishing.forms import NO_ENGLISH, NO_FRENCH
from models import Contract, Language
from shop.errors import Refusal
from shop.orders import contracts
from shop.publishing import contract_versions
from shop.publishing.contract_versions import Draft
from web.customer_forms import TOO_LONG
from web.htmx import go_to, page
from web.languages import current_language, sentence


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
    if languages.is_chosen():
        if not form.confirmed.data:
            return _contract_page(kind, form)
        form.confirmed.data = ""
    if not form.validate_on_submit() or not form.key.data:
        return _contract_page(kind, form, 422)
    draft = form.draft(kind)
    try:
        if not form.confirmed.data:
            contract_versions.check_draft(draft)
            return _difference_page(form, draft, last)
        do = acts.recorded_once(
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
