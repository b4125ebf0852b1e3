"""One act for a customer: how it is presented, its form, and the operation that does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, abort, url_for
from flask_babel import gettext

from desk import access, acts
from desk.acts import Act, ActForm
from models import Account
from shop.customer_care import Asked

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class CareAct:
    """One act: how it is presented, its form, and the operation that does it."""

    act: Act
    do: Callable[[Any, Asked], object]
    form: type[ActForm] = ActForm

    def show(self) -> Response:
        """Show the form."""
        return acts.show(self.form(), self.act)

    def take(self) -> Response:
        """Do the act, once it is confirmed."""
        form = self.form()
        given = form.given()
        asked = Asked(given.key, given.reason, access.actor())
        return acts.take(form, self.act, lambda: self.do(form, asked))


@dataclass(frozen=True)
class Maker:
    """Makes the acts on one thing: ``about`` names it, ``hint`` says who reads the reason."""

    account: Account
    about: Facts
    hint: str

    def __call__(
        self, title: str, explanation: str, button: str, done: str,
        do: Callable[[Any, Asked], object], form: type[ActForm] = ActForm, *,
        is_dangerous: bool = False,
    ) -> CareAct:  # fmt: skip
        """Return an act; ``button`` names it, "" for its title."""
        back = url_for("desk.customer_acts", nic=self.account.nic_handle)
        facts = (*self.about, *_of(self.account))
        act = Act(
            title, explanation, button or title, back, done, facts, self.hint, is_dangerous,
            "customers",
        )  # fmt: skip
        return CareAct(act, do, form)


def _of(account: Account) -> Facts:
    return (
        (gettext("Customer ID (nic-handle)"), account.nic_handle),
        (gettext("Name"), account.full_name),
        (gettext("Email address"), account.email),
    )


def seen_by_customer() -> str:
    """Return who reads the reason of an act that the customer sees in their activity."""
    return gettext("It stays on record, under your name. The customer sees it.")


def named(care_acts: Mapping[str, CareAct], name: str) -> CareAct:
    """Return the act of a name; 404 if there is none."""
    return care_acts.get(name) or abort(404)
