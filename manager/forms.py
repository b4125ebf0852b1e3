"""The manager's forms."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, PasswordField, RadioField, SelectField, StringField

from models import Seat
from shop.delivery import handovers
from shop.errors import Refusal
from shop.licences import seats
from shop.licences.seats import actions, rules
from shop.parsing.numbers_and_json import read_integer
from shop.pricing.catalogue import PricedOffer
from shop.text.names import read_name
from web.forms import ShopForm, choices

PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


class VersionedForm(ShopForm):
    """A form for a seat; it carries the version of the seat it was opened with."""

    version = HiddenField()

    @property
    def seen(self) -> int:
        """The seat's version when the form was opened; 0, which no seat has, if it is invalid."""
        return read_integer(self.version.data or "", high=10**8) or 0

    def check(self, name: str, seat: Seat) -> None:
        """Validate the field ``name`` for ``seat``."""


SENT_TO = {
    "me": _l("Me, by email"),
    "person": _l("The person, by a link that shows it once"),
    "nobody": _l("Nobody"),
}
"""Who gets the password of a licence, by what the form sends."""


class PasswordForm(VersionedForm):
    """A form that gives a seat another password: it asks who gets it."""

    send_to = RadioField(
        _l("Send the password to"),
        choices=choices(SENT_TO.items()),
        default="me",
        validate_choice=False,
    )
    recipient = StringField(
        _l("The person’s email address"), render_kw=PLAIN | {"inputmode": "email"}
    )

    def recipient_for(self, seat: Seat) -> str | None:
        """Return who gets the password: an address, "" for nobody, None for the customer.

        Raise `Refusal` at ``recipient``.
        """
        if self.send_to.data == "person":
            return handovers.read_recipient(self.recipient.data or "", seat.group)
        return "" if self.send_to.data == "nobody" else None

    def check(self, name: str, seat: Seat) -> None:
        """Validate the person's address."""
        if name == "recipient" and self.recipient.data:
            try:
                handovers.read_recipient(self.recipient.data, seat.group)
            except Refusal as refusal:
                self.refuse(refusal)


class SeatForm(PasswordForm):
    """First name, last name and login of a seat's holder (guide)."""

    first_name = StringField(_l("First name"), render_kw={"autocomplete": "off"})
    last_name = StringField(_l("Last name"), render_kw={"autocomplete": "off"})
    login = StringField(_l("Login"), render_kw=PLAIN)

    def person(self, seat: Seat) -> seats.Person | None:
        """Return the person typed, for ``seat``; None if invalid, with a message at each field."""
        try:
            person = seats.read_person(
                self.first_name.data or "", self.last_name.data or "", self.login.data or ""
            )
        except seats.InvalidPerson as invalid:
            for refusal in invalid.refusals:
                self.refuse(refusal)
            return None
        if not actions.login_is_free(seat.group, person.login, but_for=seat):
            self.refuse(Refusal(actions.LOGIN_TAKEN, "login"))
            return None
        return person

    def check(self, name: str, seat: Seat) -> None:
        """Validate a name, the login or the person's address."""
        if name not in {"first_name", "last_name", "login"}:
            super().check(name, seat)
            return
        typed = self._fields[name].data or ""
        try:
            if name != "login":
                read_name(typed, name)
            elif not actions.login_is_free(seat.group, rules.read_login(typed), but_for=seat):
                raise Refusal(actions.LOGIN_TAKEN, "login")
        except Refusal as refusal:
            self.refuse(refusal)


class SeatPasswordForm(PasswordForm):
    """A new password for a seat's holder; left blank, one is generated."""

    password = PasswordField(_l("New password"), render_kw={"autocomplete": "new-password"})

    def check(self, name: str, seat: Seat) -> None:
        """Validate the password, or the person's address."""
        super().check(name, seat)
        if name == "password" and self.password.data:
            try:
                rules.check_password(self.password.data, seat.login or "")
            except Refusal as refusal:
                self.refuse(refusal)


class LinkForm(ShopForm):
    """The address that another link to a password is sent to."""

    recipient = StringField(
        _l("The person’s email address"), render_kw=PLAIN | {"inputmode": "email"}
    )


class ReleaseForm(VersionedForm):
    """A form without fields, to confirm a release."""


class OrderForm(ShopForm):
    """Type, number and group (guide).

    ``moved`` if the chosen group is not offered: it is of another type, or ``closed``, when no
    licences can be added to it. ``ended`` if a new group is asked for of an offer that is no longer
    on sale. ``types`` are the offers that can be chosen, by code. ``held`` are the places that the
    unpaid order of the same basket holds, by the group's id.
    """

    offer = RadioField(_l("Type"), choices=[])
    quantity = StringField(_l("Number of licences"))
    group = SelectField(_l("Licence group"), validate_choice=False)
    basket = HiddenField()
    moved = False
    closed = False
    ended = False
    types: dict[str, PricedOffer]
    held: dict[int, int]
