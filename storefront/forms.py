"""The storefront's forms."""

from __future__ import annotations

import re
import secrets

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, RadioField, StringField
from wtforms.validators import InputRequired, Length

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
    form = HiddenField(default=lambda: secrets.token_urlsafe(16))
    """The number of this form: sent twice, it makes one account."""

    @classmethod
    def empty(cls, language: str) -> RegistrationForm:
        """Return the form with the countries' names in ``language``, France preselected."""
        form = cls()
        form.offer_countries(language)
        if not form.is_submitted():
            form.country.data = "FR"
        return form

    def words(self) -> list[str]:
        """Return what the customer typed in the other fields."""
        return [str(self._fields[name].data or "") for name in PERSONAL]

    def count_attempt(self, address: str) -> None:
        """Count a registration from this network; raise `Refusal` (429) beyond the rate limit."""
        rate_limits.count_attempt(
            rate_limits.REGISTRATION_PER_ADDRESS, "register", rate_limits.network_of(address)
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
