"""What members of staff do for a customer's account: e-mail address, sign-in, VAT number."""

from __future__ import annotations

from flask import Response, abort
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from desk import acts, desk
from desk.acts import ActForm
from desk.customer_acts.care import CareAct, Maker, named, seen_by_customer
from models import Account
from shop import customer_care
from shop.overviews import staff_acts
from web.customer_forms import TOO_LONG
from web.forms import stripped
from web.htmx import page


@desk.get("/customers/<nic>/acts")
def customer_acts(nic: str) -> Response:
    """List what can be done for a customer now."""
    account = _customer(nic)
    return page(
        "desk/customer_acts.html", customer=account, tab="acts",
        possible=staff_acts.possible(account),
    )  # fmt: skip


def _customer(nic: str) -> Account:
    found = staff_acts.find_customer(nic)
    if found is None:
        abort(404)
    return found


class NewAddressForm(ActForm):
    """Another e-mail address."""

    email = StringField(
        _l("New email address"),
        [InputRequired(_l("Enter an email address.")), Length(max=254, message=TOO_LONG)],
        filters=[stripped],
        render_kw={"autocomplete": "off", "type": "email"},
    )


class VatNumberForm(ActForm):
    """A VAT number, or none."""

    vat_number = StringField(
        _l("VAT number"),
        [Length(max=24, message=TOO_LONG)],
        filters=[stripped],
        description=_l("Empty: the customer has none."),
        render_kw={"autocomplete": "off"},
    )


def _sign_in_acts(account: Account) -> dict[str, CareAct]:
    care_act = Maker(account, (), seen_by_customer())
    return {
        "email-address": care_act(
            gettext("Change the email address"),
            gettext(
                "We send a link to the new address; it applies when the link is followed, within a "
                "day. Then the old address is told, all sessions end, and orders, cards and "
                "refunds are held for 72 hours."
            ),
            gettext("Send the link"),
            gettext("The link is sent to the new address."),
            lambda form, asked: customer_care.give_email_address(
                account, form.email.data or "", asked
            ),
            NewAddressForm,
            is_dangerous=True,
        ),
        "no-email-address": care_act(
            gettext("Take the link to the new address back"),
            gettext("The link that was sent to the new address no longer works."),
            gettext("Take it back"),
            gettext("The link no longer works."),
            lambda _form, asked: customer_care.take_email_address_back(account, asked),
        ),
        "second-factor": care_act(
            gettext("Reset the second step"),
            gettext(
                "Application, passkeys and recovery codes are removed; the customer logs in with "
                "the password alone. All sessions end, the customer is told, and orders, cards and "
                "refunds are held for 72 hours."
            ),
            gettext("Reset"),
            gettext("The second step is switched off."),
            lambda _form, asked: customer_care.reset_second_factor(account, asked),
            is_dangerous=True,
        ),
    }


def _standing_acts(account: Account) -> dict[str, CareAct]:
    care_act = Maker(account, (), seen_by_customer())
    return {
        "block": care_act(
            gettext("Block the account"),
            gettext(
                "Nobody can log in or order any more, and all sessions end. Services and their "
                "renewals go on. Whoever logs in is told the reason."
            ),
            gettext("Block"),
            gettext("The account is blocked."),
            lambda _form, asked: customer_care.block(account, asked),
            is_dangerous=True,
        ),
        "unblock": care_act(
            gettext("Unblock the account"),
            gettext("The customer can log in and order again."),
            gettext("Unblock"),
            gettext("The account is unblocked."),
            lambda _form, asked: customer_care.unblock(account, asked),
        ),
        "vat-number": care_act(
            gettext("Set the VAT number"),
            gettext(
                "We ask VIES about it; until VIES confirms it, VAT is charged. The same number "
                "again asks VIES once more."
            ),
            gettext("Set and ask VIES"),
            gettext("The VAT number is set. VIES is being asked."),
            lambda form, asked: customer_care.set_vat_number(
                account, form.vat_number.data or "", asked
            ),
            VatNumberForm,
        ),
    }


def _account_care_acts(account: Account) -> dict[str, CareAct]:
    return {**_sign_in_acts(account), **_standing_acts(account)}


@desk.get("/customers/<nic>/acts/<name>")
def customer_act(nic: str, name: str) -> Response:
    """Show the form of an act on an account."""
    account = _customer(nic)
    care_act = named(_account_care_acts(account), name)
    form = care_act.form()
    if isinstance(form, VatNumberForm):
        form.vat_number.data = account.vat_number
    return acts.show(form, care_act.act)


@desk.post("/customers/<nic>/acts/<name>")
def take_customer_act(nic: str, name: str) -> Response:
    """Do an act on an account, once it is confirmed."""
    return named(_account_care_acts(_customer(nic)), name).take()
