"""E-mails to members of staff about their accounts: shown, and sent again."""

from __future__ import annotations

from flask import Response, abort, url_for
from flask_babel import gettext

from desk import access, acts, desk
from desk.acts import Act, ActForm
from models import StaffLetter
from shop import mail
from web.htmx import page


def _letter(letter_id: int) -> StaffLetter:
    return mail.find_letter_to_staff(letter_id) or abort(404)


@desk.get("/staff/emails/<int:letter_id>")
def staff_email(letter_id: int) -> Response:
    """Show an e-mail to a member of staff; never the secret in it."""
    letter = _letter(letter_id)
    text = "" if letter.is_secret else mail.text_of(letter)
    return page("desk/staff_email.html", letter=letter, member=letter.staff, text=text)


def _sending(letter: StaffLetter) -> Act:
    return Act(
        title=gettext("Send the email again"),
        explanation=gettext("It goes to the same address."),
        button=gettext("Send again"),
        back=url_for("desk.staff_email", letter_id=letter.id),
        done=gettext("The email is being sent again."),
        effects=(
            (gettext("Member of staff"), letter.staff.login),
            (gettext("Email"), letter.subject),
            (gettext("Sent to"), letter.recipient),
        ),
        part="staff",
    )


@desk.get("/staff/emails/<int:letter_id>/again")
def staff_email_act(letter_id: int) -> Response:
    """Show the form to send an e-mail again."""
    return acts.show(ActForm(), _sending(_letter(letter_id)))


@desk.post("/staff/emails/<int:letter_id>/again")
def take_staff_email_act(letter_id: int) -> Response:
    """Send an e-mail again, once it is confirmed."""
    letter, form = _letter(letter_id), ActForm()

    def do() -> None:
        mail.send_again_to_staff(letter, by=access.actor())

    done_once = acts.recorded_once(form, "staff_email_again", letter.staff.login, do)
    return acts.take(form, _sending(letter), done_once)
