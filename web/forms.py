"""Forms: the base class of all, and the sign-in forms of both entrances."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Self

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.form import _Auto
from markupsafe import Markup, escape
from wtforms import BooleanField, PasswordField, SelectChoice, StringField  # type: ignore[attr-defined]
from wtforms.validators import DataRequired, InputRequired, Length
from wtforms.widgets import Input, Select

from shop.errors import Refusal
from web import kept_input
from web.languages import sentence


def stripped(value: Any) -> Any:
    """Return a line of text without the white space and line ends that come with pasting."""
    return re.sub(r"\s*[\r\n\t]+\s*", " ", value).strip() if isinstance(value, str) else value


def choices(offered: Iterable[tuple[str, Any]]) -> list[Any]:
    """Return the choices of a select field from values and their labels."""
    return [SelectChoice(value, label) for value, label in offered]


MOST_OPTIONS = 2048
"""The options of selects that a process keeps as written: the countries in both languages."""


class PlainSelect(Select):
    """The widget of a field with hundreds of choices, which have a value and a label alone.

    WTForms sorts and formats the attributes of each choice: half the time of a page with a list
    of countries.
    """

    @classmethod
    def render_option(cls, choice: Any, **_attributes: Any) -> Markup:  # type: ignore[override]
        """Return the option of a choice."""
        return _option(str(choice.value), str(choice.label), bool(choice.selected))


@lru_cache(MOST_OPTIONS)
def _option(value: str, label: str, is_selected: bool) -> Markup:
    selected = "selected " if is_selected else ""
    option = f'<option {selected}value="{escape(value)}">{escape(label)}</option>'
    return Markup(option)  # noqa: S704 - its parts are escaped


def attributes(**given: Any) -> Markup:
    """Return attributes as HTML, as `wtforms.widgets.html_params` does.

    That formats each one by Markup: a third of the time of a page with a form.
    """
    written: list[str] = []
    for key, value in sorted(given.items()):
        name = key.rstrip("_")
        if name.startswith(("data_", "aria_")):
            name = name.replace("_", "-")
        if value is True:
            written.append(escape(name))
        elif value is not False:
            quoted = str(escape(value)).replace('"', "&quot;")
            written.append(f'{escape(name)}="{quoted}"')
    return Markup(" ".join(written))  # noqa: S704 - its parts are escaped


# The attribute by which a widget says how its HTML is written; text fields share this one.
Input.html_params = staticmethod(attributes)  # type: ignore[method-assign]


class ShopForm(FlaskForm):
    """A form that shows a refusal at the field it concerns, or above all fields.

    It is filled with what was typed before a change of language (`web.kept_input`).
    """

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
