"""Forms: what is common to all, and the sign-in form both entrances show."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from shop.errors import Refusal
from web.languages import sentence


def stripped(value: Any) -> Any:
    """Text without the white space people paste along."""
    return value.strip() if isinstance(value, str) else value


class ShopForm(FlaskForm):
    """A form that can show a refusal at the field it concerns, or above them all."""

    def refuse(self, refusal: Refusal) -> None:
        """Show ``refusal`` at its field, or above the form."""
        said = sentence(refusal)
        field = self._fields.get(refusal.field)
        if field is None:
            self.form_errors.append(said)
        else:
            field.errors = [*field.errors, said]


class SignInForm(ShopForm):
    """Nic-handle and password (guide)."""

    nic_handle = StringField(
        _l("Customer ID (nic-handle)"),
        [InputRequired(_l("Enter your customer ID, for example ab12345-ovh."))],
        filters=[stripped],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )
    password = PasswordField(
        _l("Password"),
        [InputRequired(_l("Enter your password."))],
        render_kw={"autocomplete": "current-password"},
    )

    def given(self) -> tuple[str, str]:
        """Nic-handle and password as typed."""
        return self.nic_handle.data or "", self.password.data or ""
