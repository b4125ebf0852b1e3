"""The storefront's forms."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import PasswordField, SelectField, StringField
from wtforms.validators import Email, EqualTo, InputRequired, Length, Optional

from shop import accounts, limits, places
from shop.accounts import Registration
from shop.errors import Refusal
from web.forms import ShopForm, stripped

REQUIRED = _l("Fill in this field.")


def _text(
    label: str, autocomplete: str, *, required: bool = True, longest: int = 255
) -> StringField:
    checks = [InputRequired(REQUIRED)] if required else [Optional()]
    too_long = _l("At most %(max)d characters, please.")
    return StringField(
        label,
        [*checks, Length(max=longest, message=too_long)],
        filters=[stripped],
        render_kw={"autocomplete": autocomplete},
    )


def _new_password(label: str) -> PasswordField:
    return PasswordField(
        label, [InputRequired(REQUIRED)], render_kw={"autocomplete": "new-password"}
    )


class NewPasswordForm(ShopForm):
    """A password, twice."""

    password = _new_password(_l("Password"))
    password_confirmation = PasswordField(
        _l("Confirm password"),
        [
            InputRequired(_l("Repeat the password.")),
            EqualTo("password", _l("The two passwords are not the same.")),
        ],
        render_kw={"autocomplete": "new-password"},
    )

    def validate(self, extra_validators: object = None) -> bool:
        """The fields' own checks, then the shop's rule for passwords."""
        fine = super().validate(extra_validators)
        if not self.password.errors:
            fine = self._agrees(lambda: accounts.check_password(self.password.data or "")) and fine
        return fine

    def _agrees(self, check: object) -> bool:
        try:
            check()  # type: ignore[operator]
        except Refusal as refusal:
            self.refuse(refusal)
            return False
        return True


class ForgottenForm(ShopForm):
    """Whose password is forgotten: one nic-handle, or every one of an e-mail address."""

    identifier = StringField(
        _l("Customer ID (nic-handle) or email address"),
        [
            InputRequired(REQUIRED),
            Length(max=254, message=_l("At most %(max)d characters, please.")),
        ],
        filters=[stripped],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )


class RegistrationForm(NewPasswordForm):
    """Everything a purchase order and an invoice need to know of a customer."""

    first_name = _text(_l("First name"), "given-name")
    last_name = _text(_l("Last name"), "family-name")
    email = StringField(
        _l("Email address"),
        [
            InputRequired(REQUIRED),
            Length(max=254, message=_l("At most %(max)d characters, please.")),
            Email(_l("This does not look like an email address: name@example.com.")),
        ],
        filters=[stripped],
        render_kw={"autocomplete": "email", "type": "email", "inputmode": "email"},
    )
    company = _text(_l("Company"), "organization", required=False)
    siren = _text(_l("SIREN"), "off", required=False, longest=20)
    vat_number = _text(_l("VAT number"), "off", required=False, longest=24)
    street = _text(_l("Address"), "street-address")
    postcode = _text(_l("Postcode"), "postal-code", required=False, longest=16)
    city = _text(_l("City"), "address-level2")
    country = SelectField(
        _l("Country"),
        [InputRequired(REQUIRED)],
        render_kw={"autocomplete": "country"},
        validate_choice=True,
    )

    @classmethod
    def empty(cls, language: str) -> RegistrationForm:
        """The form with the countries by their names in ``language``, France first chosen."""
        form = cls()
        form.country.choices = places.countries(language)
        if not form.is_submitted():
            form.country.data = "FR"
        return form

    def count_attempt(self, address: str) -> None:
        """Raise `limits.TooMany` when too many accounts are created from one address."""
        limits.count(limits.REGISTRATION_PER_ADDRESS, "register", limits.network_of(address))

    def validate(self, extra_validators: object = None) -> bool:
        """The fields' own checks, then what only several fields together can tell."""
        fine = super().validate(extra_validators)
        if not self.country.errors:
            for check in (self._check_postcode, self._check_company):
                fine = self._agrees(check) and fine
        return fine

    def _check_postcode(self) -> None:
        self.postcode.data = places.check_postcode(self.country.data, self.postcode.data or "")

    def _check_company(self) -> None:
        numbers = places.check_company(
            country=self.country.data,
            postcode=self.postcode.data or "",
            company=self.company.data or "",
            siren=self.siren.data or "",
            vat_number=self.vat_number.data or "",
        )
        self.siren.data, self.vat_number.data = numbers

    def registration(self, language: str) -> Registration:
        """What was typed, as the shop takes it."""
        names = (
            "first_name", "last_name", "email", "password", "street", "postcode", "city",
            "country", "company", "siren", "vat_number",
        )  # fmt: skip
        values = {name: self._fields[name].data or "" for name in names}
        return Registration(language=language, **values)
