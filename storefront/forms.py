"""The storefront's forms."""

from __future__ import annotations

import re
import secrets
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, RadioField, StringField
from wtforms.validators import InputRequired, Length, Optional

from models import Account
from shop.customers.passwords import PERSONAL
from shop.customers.registration import Registration
from shop.customers.two_factor import doubtful
from shop.security import rate_limits
from web.customer_forms import (
    TOO_LONG,
    CustomerForm,
    KnownCustomersPasswordForm,
    NewPasswordForm,
    email_field,
)
from web.forms import ShopForm, choices, stripped


class ForgottenForm(ShopForm):
    """A forgotten password: of one nic-handle, or of every account of an e-mail address."""

    identifier = StringField(
        _l("Customer ID (nic-handle) or email address"),
        [
            InputRequired(_l("Enter your customer ID or your email address.")),
            Length(max=254, message=TOO_LONG),
        ],
        filters=[stripped],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )


class ResetForm(KnownCustomersPasswordForm):
    """A new password, and whether second factors added of late are the customer's own."""

    factors = RadioField(
        _l("Did you add them yourself?"),
        [InputRequired(_l("Say whether you added them yourself."))],
        choices=choices(
            [
                ("keep", _l("Yes, keep them")),
                ("remove", _l("No, or I am not sure: remove them")),
            ]
        ),
    )

    def __init__(self, customer: Account) -> None:
        super().__init__(customer)
        self.doubtful = doubtful.factors(customer)
        if not self.doubtful:
            del self.factors

    @property
    def keeps_factors(self) -> bool:
        """Whether the customer added the factors themselves; True if nothing was asked."""
        return not self.doubtful or self.factors.data == "keep"


class RegistrationForm(NewPasswordForm, CustomerForm):
    """A new customer: their details, e-mail address and password."""

    email = email_field(_l("Email address"))
    kind = RadioField(
        _l("You order"),
        [Optional()],
        choices=choices(
            [("business", _l("For a business")), ("private", _l("As a private person"))]
        ),
        default="business",
    )
    """Whose licences they are; a form without it, of an earlier release, says it by its fields."""
    form = HiddenField("", default=lambda: secrets.token_urlsafe(16))
    """The number of this form: sent twice, it makes one account."""

    @classmethod
    def empty(cls, language: str) -> RegistrationForm:
        """Return the form with the countries' names in ``language``, France preselected."""
        form = cls()
        form.offer_countries(language)
        if not form.is_submitted():
            form.country.data = "FR"
        return form

    COMPANY = ("company", "siren", "vat_number")
    """What a private person does not have."""

    @property
    def is_private(self) -> bool:
        """Whether the customer orders as a private person."""
        return bool(self.kind.data == "private")

    def validate(self, extra_validators: object = None) -> bool:
        """Check what applies; a private person's company is not read, and stays as it was typed."""
        if not self.is_private:
            return super().validate(extra_validators)
        typed = {name: self._fields[name].data for name in self.COMPANY}
        self._put(dict.fromkeys(typed, ""))
        try:
            return super().validate(extra_validators)
        finally:
            self._put(typed)

    def _put(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            self._fields[name].data = value

    def details(self) -> dict[str, str]:
        """Return the values typed that apply, in the form in which they are stored."""
        hidden = self.COMPANY if self.is_private else ()
        return super().details() | dict.fromkeys(hidden, "")

    def words(self) -> list[str]:
        """Return what the customer typed in the other fields."""
        return [str(self._fields[name].data or "") for name in PERSONAL]

    def count_attempt(self, ip_address: str) -> None:
        """Count a registration from this network; raise `Refusal` (429) beyond the rate limit."""
        rate_limits.count_attempt(
            rate_limits.REGISTRATION_PER_ADDRESS, "register", rate_limits.network_of(ip_address)
        )

    def registration(self, language: str) -> Registration:
        """Return what was typed as the shop's `Registration`."""
        return Registration(
            language=language,
            email=self.email.data or "",
            password=self.password.data or "",
            form=_number(self.form.data),
            **self.details(),
        )


def _number(typed: str | None) -> str:
    """Return the number of a form as the shop made it; "" for any other text."""
    return typed if typed and re.fullmatch(r"[\w-]{22}", typed, re.ASCII) else ""
