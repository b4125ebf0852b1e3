"""What members of staff do for a customer: e-mails, sign-in, VAT number, services, orders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, abort, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from desk import access, acts, desk
from desk.acts import Act, ActForm
from models import Account, Letter, LicenceGroup, Order
from shop import customer_care
from shop.customer_care import Asked
from shop.overviews import customer_pages, staff_acts
from web.customer_forms import TOO_LONG
from web.forms import stripped
from web.htmx import page


@dataclass(frozen=True)
class CareAct:
    """One act: how it is presented, its form, and the operation that does it."""

    act: Act
    do: Callable[[Any, Asked], object]
    form: type[ActForm] = ActForm


def _asked(form: ActForm) -> Asked:
    given = form.given()
    return Asked(given.key, given.reason, access.actor())


def _found(care_acts: dict[str, CareAct], name: str) -> CareAct:
    if name not in care_acts:
        abort(404)
    return care_acts[name]


def _take(care_act: CareAct) -> Response:
    form = care_act.form()
    return acts.take(form, care_act.act, lambda: care_act.do(form, _asked(form)))


def _told() -> str:
    return gettext("It stays on record, under your name. The customer sees it.")


def _customer_page(account: Account) -> str:
    return url_for("desk.customer_acts", nic=account.nic_handle)


def _of(account: Account) -> tuple[tuple[str, str], ...]:
    return (
        (gettext("Customer ID (nic-handle)"), account.nic_handle),
        (gettext("Name"), account.full_name),
        (gettext("Email address"), account.email),
    )


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


# --- The account -------------------------------------------------------------------------------


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


def _maker_for(account: Account) -> Callable[..., CareAct]:
    back, about, hint = _customer_page(account), _of(account), _told()

    def care_act(
        title: str, explanation: str, button: str, done: str, do: Callable[[Any, Asked], object],
        form: type[ActForm] = ActForm, *, is_dangerous: bool = False,
    ) -> CareAct:  # fmt: skip
        act = Act(title, explanation, button, back, done, about, hint, is_dangerous, "customers")
        return CareAct(act, do, form)

    return care_act


def _sign_in_acts(account: Account) -> dict[str, CareAct]:
    care_act = _maker_for(account)
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
    care_act = _maker_for(account)
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
    care_act = _found(_account_care_acts(account), name)
    form = care_act.form()
    if isinstance(form, VatNumberForm):
        form.vat_number.data = account.vat_number
    return acts.show(form, care_act.act)


@desk.post("/customers/<nic>/acts/<name>")
def take_customer_act(nic: str, name: str) -> Response:
    """Do an act on an account, once it is confirmed."""
    return _take(_found(_account_care_acts(_customer(nic)), name))


# --- Services ----------------------------------------------------------------------------------


def _service_care_acts(group: LicenceGroup) -> dict[str, CareAct]:
    back = _customer_page(group.account)
    about = ((gettext("Service"), f"{group.display_name} ({group.name})"), *_of(group.account))

    def care_act(
        title: str, explanation: str, done: str,
        do: Callable[[LicenceGroup, Asked], object], *, is_dangerous: bool = False,
    ) -> CareAct:  # fmt: skip
        hint = gettext("It stays on record, under your name. We write it to the customer.")
        act = Act(title, explanation, title, back, done, about, hint, is_dangerous, "customers")
        return CareAct(act, lambda _form, asked: do(group, asked))

    return {
        "suspend": care_act(
            gettext("Suspend the service"),
            gettext(
                "Its licences stop until a member of staff resumes it; meanwhile nothing is "
                "charged. The customer is told the reason by email."
            ),
            gettext("The service is suspended."),
            customer_care.suspend,
            is_dangerous=True,
        ),
        "resume": care_act(
            gettext("Resume the service"),
            gettext(
                "Its licences work again. What is owed for it stays owed. The customer is told by "
                "email."
            ),
            gettext("The service runs again."),
            customer_care.resume,
        ),
        "end": care_act(
            gettext("End the service"),
            gettext(
                "Its licences stop today and for good: this cannot be undone. What was paid for "
                "later days is credited apart. The customer is told the reason by email."
            ),
            gettext("The service has ended."),
            customer_care.end_service,
            is_dangerous=True,
        ),
    }


def _service(name: str) -> LicenceGroup:
    found = staff_acts.find_service(name)
    if found is None:
        abort(404)
    return found


@desk.get("/services/<name>/acts/<act>")
def service_act(name: str, act: str) -> Response:
    """Show the form of an act on a service."""
    return acts.show(ActForm(), _found(_service_care_acts(_service(name)), act).act)


@desk.post("/services/<name>/acts/<act>")
def take_service_act(name: str, act: str) -> Response:
    """Do an act on a service, once it is confirmed."""
    return _take(_found(_service_care_acts(_service(name)), act))


# --- Orders ------------------------------------------------------------------------------------


def _order_care_acts(order: Order) -> dict[str, CareAct]:
    back, hint = _customer_page(order.account), _told()
    about = ((gettext("Order number"), order.number), *_of(order.account))

    def care_act(
        title: str, explanation: str, done: str,
        do: Callable[[Order, Asked], object], *, is_dangerous: bool = False,
    ) -> CareAct:  # fmt: skip
        act = Act(title, explanation, title, back, done, about, hint, is_dangerous, "customers")
        return CareAct(act, lambda _form, asked: do(order, asked))

    return {
        "retry": care_act(
            gettext("Try the delivery again"),
            gettext("What could not be delivered of this order is asked for again."),
            gettext("The order is being delivered again."),
            customer_care.retry_delivery,
        ),
        "extend": care_act(
            gettext("Give more time to pay"),
            gettext("The order can be paid for 14 days from today."),
            gettext("The order can be paid for 14 more days."),
            customer_care.extend,
        ),
        "cancel": care_act(
            gettext("Cancel the order"),
            gettext("It cannot be paid any more, and what it reserved is free again."),
            gettext("The order is cancelled."),
            customer_care.cancel,
            is_dangerous=True,
        ),
    }


def _order(number: str) -> Order:
    found = customer_pages.find_order(number)
    if found is None:
        abort(404)
    return found


@desk.get("/orders/<number>/acts/<act>")
def order_act(number: str, act: str) -> Response:
    """Show the form of an act on an order."""
    return acts.show(ActForm(), _found(_order_care_acts(_order(number)), act).act)


@desk.post("/orders/<number>/acts/<act>")
def take_order_act(number: str, act: str) -> Response:
    """Do an act on an order, once it is confirmed."""
    return _take(_found(_order_care_acts(_order(number)), act))


# --- E-mails -----------------------------------------------------------------------------------


def _sending(letter: Letter) -> CareAct:
    about = ((gettext("Email"), letter.subject), *_of(letter.account))
    act = Act(
        gettext("Send the email again"),
        gettext("It goes to the customer’s present address."),
        gettext("Send again"),
        _customer_page(letter.account),
        gettext("The email is being sent again."),
        about,
        _told(),
        part="customers",
    )
    return CareAct(act, lambda _form, asked: customer_care.send_email_again(letter, asked))


def _letter(letter_id: int) -> Letter:
    found = customer_pages.find_letter(letter_id)
    if found is None:
        abort(404)
    return found


@desk.get("/emails/<int:letter_id>/again")
def email_act(letter_id: int) -> Response:
    """Show the form to send an e-mail again."""
    return acts.show(ActForm(), _sending(_letter(letter_id)).act)


@desk.post("/emails/<int:letter_id>/again")
def take_email_act(letter_id: int) -> Response:
    """Send an e-mail again, once it is confirmed."""
    return _take(_sending(_letter(letter_id)))
