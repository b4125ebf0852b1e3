"""The fields that describe a customer: for the registration, and for the account's page."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, Email, EqualTo, InputRequired, Length, Optional

from models import Account
from shop.customers import passwords, postal_addresses
from shop.text.names import read_name
from shop.text.spelling import one_spelling
from web.forms import LongSelectField, Options, ShopForm, stripped

TOO_LONG = _l("At most %(max)d characters, please.")


def text_field(
    label: str, autocomplete: str, missing: str = "", *, longest: int = 255
) -> StringField:
    """Return a field for a line of text; ``autocomplete`` is HTML's name of its content.

    ``missing`` is said where it is required and empty; without it, it is optional.
    """
    checks = [DataRequired(missing)] if missing else [Optional()]
    return StringField(
        label,
        [*checks, Length(max=longest, message=TOO_LONG)],
        filters=[stripped],
        render_kw={"autocomplete": autocomplete},
    )


def email_field(label: str) -> StringField:
    """Return a field for an e-mail address."""
    return StringField(
        label,
        [
            InputRequired(_l("Enter your email address.")),
            Length(max=254, message=TOO_LONG),
            Email(_l("This does not look like an email address: name@example.com.")),
        ],
        filters=[stripped],
        render_kw={"autocomplete": "email", "type": "email", "inputmode": "email"},
    )


def password_field(label: str, autocomplete: str = "new-password") -> PasswordField:
    """Return a field for a password; a new one is stored in one spelling."""
    is_known = autocomplete == "current-password"
    return PasswordField(
        label,
        [InputRequired(_l("Enter your password.") if is_known else _l("Choose a password."))],
        filters=[] if is_known else [_one_spelling],
        render_kw={"autocomplete": autocomplete},
    )


def _one_spelling(typed: Any) -> Any:
    return one_spelling(typed) if isinstance(typed, str) else typed


class NewPasswordForm(ShopForm):
    """A new password, typed twice."""

    password = password_field(_l("Password"))
    password_confirmation = PasswordField(
        _l("Confirm password"),
        [
            InputRequired(_l("Repeat the password.")),
            EqualTo("password", _l("The two passwords are not the same.")),
        ],
        filters=[_one_spelling],
        render_kw={"autocomplete": "new-password", "data-confirms": "password"},
    )

    def validate(self, extra_validators: object = None) -> bool:
        """Check each field, then the shop's rule for passwords."""
        fine = super().validate(extra_validators)
        if not self.password.errors:
            fine = self.agrees(self._check_password) and fine
        return fine

    def words(self) -> list[str]:
        """Return the customer's own words, which are no password."""
        return []

    def _check_password(self) -> None:
        passwords.check_password(self.password.data or "", words=self.words())


class KnownCustomersPasswordForm(NewPasswordForm):
    """A new password of ``customer``."""

    def __init__(self, customer: Account, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._customer = customer

    def words(self) -> list[str]:
        """Return the customer's own words."""
        return passwords.words_of(self._customer)


@cache
def _countries(language: str) -> Options:
    return Options(postal_addresses.countries(language))


class CustomerForm(ShopForm):
    """The details of a customer that purchase orders and invoices need."""

    first_name = text_field(_l("First name"), "given-name", _l("Enter your first name."))
    last_name = text_field(_l("Last name"), "family-name", _l("Enter your last name."))
    company = text_field(_l("Company"), "organization")
    siren = text_field(_l("SIREN"), "off", longest=20)
    vat_number = text_field(_l("VAT number"), "off", longest=24)
    street = text_field(_l("Address"), "street-address", _l("Enter your address."))
    postcode = text_field(_l("Postcode"), "postal-code", longest=16)
    city = text_field(_l("City"), "address-level2", _l("Enter your city."))
    country = LongSelectField(
        _l("Country"),
        [InputRequired(_l("Choose your country."))],
        choices=(),
        render_kw={"autocomplete": "country"},
    )

    DETAILS = (
        "first_name",
        "last_name",
        "street",
        "postcode",
        "city",
        "country",
        "company",
        "siren",
        "vat_number",
    )

    PRINTED = ("first_name", "last_name", "company", "street", "city")
    """Fields printed on documents; they may be in any script."""

    def offer_countries(self, language: str) -> None:
        """Offer the countries, by their names in ``language``."""
        self.country.options = _countries(language)

    def details(self) -> dict[str, str]:
        """Return the values typed, in the form in which they are stored."""
        return {name: self._fields[name].data or "" for name in self.DETAILS}

    def validate(self, extra_validators: object = None) -> bool:
        """Check each field, then the rules that concern several of them."""
        fine = super().validate(extra_validators)
        for name in self.PRINTED:
            fine = self.agrees(partial(self._normalise, name)) and fine
        if not self.country.errors:
            for check in (self._check_postcode, self._check_company):
                fine = self.agrees(check) and fine
        return fine

    def _normalise(self, name: str) -> None:
        """Store the field's value as names are stored; refuse one that is not legible."""
        field = self._fields[name]
        if field.data and not field.errors:
            field.data = read_name(field.data, name)

    def _check_postcode(self) -> None:
        self.postcode.data = postal_addresses.check_postcode(
            self.country.data, self.postcode.data or ""
        )

    def _check_company(self) -> None:
        numbers = postal_addresses.check_company(
            country=self.country.data,
            postcode=self.postcode.data or "",
            company=self.company.data or "",
            siren=self.siren.data or "",
            vat_number=self.vat_number.data or "",
        )
        self.siren.data, self.vat_number.data = numbers
