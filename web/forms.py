"""Forms: the base class of all, and the sign-in forms of both entrances."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, ClassVar, Self

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.form import _Auto
from flask_wtf.i18n import Translations
from markupsafe import Markup, escape
from wtforms import (  # type: ignore[attr-defined]
    BooleanField,
    Field,
    PasswordField,
    SelectChoice,
    SelectField,
    StringField,
)
from wtforms.validators import DataRequired, InputRequired, Length
from wtforms.widgets import Input

from shop.errors import Refusal
from shop.text.compiling import written
from web import kept_input
from web.languages import sentence


def stripped(value: Any) -> Any:
    """Return a line of text without the white space and line ends that come with pasting."""
    return re.sub(r"\s*[\r\n\t]+\s*", " ", value).strip() if isinstance(value, str) else value


def choices(offered: Iterable[tuple[str, Any]]) -> list[Any]:
    """Return the choices of a select field from values and their labels."""
    return [SelectChoice(value, label) for value, label in offered]


class Options:
    """The options of a select field with hundreds of them, written once.

    They have a value and a label alone. WTForms makes objects of each option, and formats its
    attributes: half the time of a page with a list of countries.
    """

    def __init__(self, offered: Iterable[tuple[str, str]]) -> None:
        labels = dict(offered)
        self.values = labels.keys()
        self._html = "".join(
            f'<option value="{escape(value)}">{escape(label)}</option>'
            for value, label in labels.items()
        )

    def html(self, chosen: str | None) -> str:
        """Return them as HTML; the one with the value ``chosen`` is selected."""
        value = f'value="{escape(chosen)}">'
        return self._html.replace(f"<option {value}", f"<option selected {value}", 1)


class LongSelect:
    """The widget of a `LongSelectField`."""

    def __call__(self, field: LongSelectField, **given: Any) -> Markup:
        """Return the field as HTML."""
        own = {"id": field.id, "name": field.name, "required": bool(field.flags.required)}
        select = f"<select {attributes(**own | given)}>{field.options.html(field.data)}</select>"
        return Markup(select)  # noqa: S704 - its parts are escaped


class LongSelectField(SelectField):
    """A select field with hundreds of `Options`, and no ``choices`` besides."""

    widget = LongSelect()
    options = Options(())

    def pre_validate(self, form: Any) -> None:
        """Refuse a value that was not offered, as WTForms does where there are no choices."""
        if self.data not in self.options.values:
            super().pre_validate(form)


def attributes(**given: Any) -> Markup:
    """Return attributes as HTML, as `wtforms.widgets.html_params` does.

    That formats each one by Markup: a third of the time of a page with a form.
    """
    parts: list[str] = []
    for key, value in sorted(given.items()):
        if value is True:
            parts.append(_name(key))
        elif value is not False:
            quoted = str(written(value)).replace('"', "&quot;")
            parts.append(f'{_name(key)}="{quoted}"')
    return Markup(" ".join(parts))  # noqa: S704 - its parts are escaped


@cache
def _name(keyword: str) -> str:
    """Return the name of the attribute that a keyword gives."""
    name = keyword.rstrip("_")
    return escape(name.replace("_", "-") if name.startswith(("data_", "aria_")) else name)


# The attribute by which a widget says how its HTML is written; text fields share this one.
Input.html_params = staticmethod(attributes)  # type: ignore[method-assign]


class FieldTranslations(Translations):
    """The shop's own sentences for values that a field of WTForms cannot read."""

    _OWN: ClassVar = {
        "Invalid Choice: could not coerce.": _l("Choose one of the options."),
        "Not a valid choice.": _l("Choose one of the options."),
        "Not a valid date value.": _l("Enter a date, for example 2026-11-23."),
        "Not a valid datetime value.": _l("Enter a day and a time, for example 2026-11-23T08:00."),
        "Not a valid integer value.": _l("Enter a whole number in digits, for example 5."),
    }

    def gettext(self, string: str) -> str:
        """Return the shop's sentence for one of WTForms', or WTForms' translation."""
        own = self._OWN.get(string)
        return super().gettext(string) if own is None else str(own)


_field_translations = FieldTranslations()


class ShopForm(FlaskForm):
    """A form that shows a refusal at the field it concerns, or above all fields.

    It is filled with what was typed before a change of language (`web.kept_input`).
    """

    class Meta(FlaskForm.Meta):
        """How its fields are written, and what they say."""

        def get_translations(self, form: Any) -> FieldTranslations:
            """Return the translations of what the fields of ``form`` say."""
            return _field_translations

        def render_field(self, field: Field, render_kw: dict[str, Any]) -> Markup:
            """Return a field as HTML; it is left to `attributes` to clean their names."""
            return field.widget(field, **(field.render_kw or {}) | render_kw)

    def __init__(self, formdata: Any = _Auto, **given: Any) -> None:
        if formdata is _Auto:
            names = [name for name, _ in self._unbound_fields]
            formdata = kept_input.take(names) or _Auto
        super().__init__(formdata=formdata, **given)

    @classmethod
    def refusing(cls, refusal: Refusal) -> Self:
        """Return the empty form, showing ``refusal``."""
        form = cls(formdata=None)
        form.refuse(refusal)
        return form

    def refuse(self, refusal: Refusal) -> None:
        """Show ``refusal`` at its field, or above the form."""
        message = sentence(refusal)
        field = self._fields.get(refusal.field)
        if field is None:
            self.form_errors.append(message)
        else:
            field.errors = [*field.errors, message]

    def ask_for_passwords_again(self) -> None:
        """Say at new passwords that are fine that they are to be typed again.

        The page that shows other mistakes holds no password: one that is optional would be
        replaced by another, and required ones would be the next mistake.
        """
        passwords = [field for field in self if isinstance(field, PasswordField)]
        if any(field.errors for field in passwords):
            return
        for field in passwords:
            if field.data and field.render_kw.get("autocomplete") == "new-password":
                field.errors = [_l("Type it again: no page shows a password that was typed.")]

    def agrees(self, check: Callable[[], object]) -> bool:
        """Return whether ``check`` raises no `Refusal`; show one at its field."""
        try:
            check()
        except Refusal as refusal:
            self.refuse(refusal)
            return False
        return True


class CodeForm(ShopForm):
    """The second factor: six digits, or a recovery code."""

    code = StringField(
        _l("Code"),
        [
            InputRequired(_l("Type the code.")),
            Length(max=64, message=_l("At most %(max)d characters, please.")),
        ],
        filters=[stripped],
        render_kw={
            "autocomplete": "one-time-code",
            "autocapitalize": "none",
            "spellcheck": "false",
        },
    )


class PasskeyForm(ShopForm):
    """The name of a passkey."""

    name = StringField(
        _l("Name of the passkey"),
        [
            DataRequired(_l("Give the passkey a name, for example that of the device.")),
            Length(max=64, message=_l("At most %(max)d characters, please.")),
        ],
        filters=[stripped],
        render_kw={"autocomplete": "off"},
    )


class SignInForm(ShopForm):
    """Nic-handle (guide) or e-mail address, and password."""

    nic_handle = StringField(
        _l("Customer ID (nic-handle)"),
        [
            InputRequired(
                _l("Enter your customer ID, for example ab12345-ovh, or your email address.")
            ),
            Length(max=254, message=_l("At most %(max)d characters, please.")),
        ],
        filters=[stripped],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )
    password = PasswordField(
        _l("Password"),
        [InputRequired(_l("Enter your password."))],
        render_kw={"autocomplete": "current-password"},
    )

    stays = BooleanField(_l("Stay logged in for 30 days"))

    def given(self) -> tuple[str, str]:
        """Return nic-handle and password as typed."""
        return self.nic_handle.data or "", self.password.data or ""
