"""What members of staff do for a service: suspend it, resume it, end it."""

from __future__ import annotations

from flask import Response, abort
from flask_babel import gettext

from desk import desk
from desk.customer_acts.care import CareAct, Maker, named
from models import LicenceGroup
from shop import customer_care
from shop.overviews import staff_acts


def _service_care_acts(group: LicenceGroup) -> dict[str, CareAct]:
    care_act = Maker(
        group.account,
        ((gettext("Service"), f"{group.display_name} ({group.name})"),),
        gettext("It stays on record, under your name. We write it to the customer."),
    )
    return {
        "suspend": care_act(
            gettext("Suspend the service"),
            gettext(
                "Its licences stop until a member of staff resumes it; meanwhile nothing is "
                "charged. The customer is told the reason by email."
            ),
            "",
            gettext("The service is suspended."),
            lambda _form, asked: customer_care.suspend(group, asked),
            is_dangerous=True,
        ),
        "resume": care_act(
            gettext("Resume the service"),
            gettext(
                "Its licences work again. What is owed for it stays owed. The customer is told by "
                "email."
            ),
            "",
            gettext("The service runs again."),
            lambda _form, asked: customer_care.resume(group, asked),
        ),
        "end": care_act(
            gettext("End the service"),
            gettext(
                "Its licences stop today and for good: this cannot be undone. What was paid for "
                "later days is credited apart. The customer is told the reason by email."
            ),
            "",
            gettext("The service has ended."),
            lambda _form, asked: customer_care.end_service(group, asked),
            is_dangerous=True,
        ),
    }


def _service(name: str) -> LicenceGroup:
    return staff_acts.find_service(name) or abort(404)


@desk.get("/services/<name>/acts/<act>")
def service_act(name: str, act: str) -> Response:
    """Show the form of an act on a service."""
    return named(_service_care_acts(_service(name)), act).show()


@desk.post("/services/<name>/acts/<act>")
def take_service_act(name: str, act: str) -> Response:
    """Do an act on a service, once it is confirmed."""
    return named(_service_care_acts(_service(name)), act).take()
