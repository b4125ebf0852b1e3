"""What members of staff do for an order and an e-mail of a customer."""

from __future__ import annotations

from flask import Response, abort
from flask_babel import gettext

from desk import desk
from desk.customer_acts.care import CareAct, Maker, named, seen_by_customer
from models import Letter, Order
from shop import customer_care
from shop.overviews import customer_pages


def _order_care_acts(order: Order) -> dict[str, CareAct]:
    care_act = Maker(order.account, ((gettext("Order number"), order.number),), seen_by_customer())
    return {
        "retry": care_act(
            gettext("Try the delivery again"),
            gettext("What could not be delivered of this order is asked for again."),
            "",
            gettext("The order is being delivered again."),
            lambda _form, asked: customer_care.retry_delivery(order, asked),
        ),
        "extend": care_act(
            gettext("Give more time to pay"),
            gettext("The order can be paid for 14 days from today."),
            "",
            gettext("The order can be paid for 14 more days."),
            lambda _form, asked: customer_care.extend(order, asked),
        ),
        "cancel": care_act(
            gettext("Cancel the order"),
            gettext("It cannot be paid any more, and what it reserved is free again."),
            "",
            gettext("The order is cancelled."),
            lambda _form, asked: customer_care.cancel(order, asked),
            is_dangerous=True,
        ),
    }


def _order(number: str) -> Order:
    return customer_pages.find_order(number) or abort(404)


@desk.get("/orders/<number>/acts/<act>")
def order_act(number: str, act: str) -> Response:
    """Show the form of an act on an order."""
    return named(_order_care_acts(_order(number)), act).show()


@desk.post("/orders/<number>/acts/<act>")
def take_order_act(number: str, act: str) -> Response:
    """Do an act on an order, once it is confirmed."""
    return named(_order_care_acts(_order(number)), act).take()


# --- E-mails -----------------------------------------------------------------------------------


def _sending(letter_id: int) -> CareAct:
    letter: Letter = customer_pages.find_letter(letter_id) or abort(404)
    care_act = Maker(letter.account, ((gettext("Email"), letter.subject),), seen_by_customer())
    return care_act(
        gettext("Send the email again"),
        gettext("It goes to the customer’s present address."),
        gettext("Send again"),
        gettext("The email is being sent again."),
        lambda _form, asked: customer_care.send_email_again(letter, asked),
    )


@desk.get("/emails/<int:letter_id>/again")
def email_act(letter_id: int) -> Response:
    """Show the form to send an e-mail again."""
    return _sending(letter_id).show()


@desk.post("/emails/<int:letter_id>/again")
def take_email_act(letter_id: int) -> Response:
    """Send an e-mail again, once it is confirmed."""
    return _sending(letter_id).take()
