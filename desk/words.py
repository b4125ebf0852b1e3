"""What roles and acts are called at the desk."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from shop.customers import activity_log
from shop.mail import staff_letters

ROLE_NAMES = {role: _l(name) for role, name in staff_letters.ROLE_NAMES.items()}

ACT_WORDS = {kind: _l(text) for kind, text in activity_log.DESCRIPTIONS.items()} | {
    "offer_added": _l("An offer was added"),
    "offer_details": _l("The description of an offer was changed"),
    "offer_sale": _l("The days of the sale of an offer were set"),
    "offer_undone": _l("The last change of an offer was undone"),
    "price_set": _l("A price was set"),
    "price_taken_back": _l("A price was taken back"),
    "notice_published": _l("An announcement was published"),
    "notice_taken_back": _l("An announcement was taken back"),
    "contract_published": _l("A version of a contract was published"),
    "account_erased": _l("A customer was erased"),
    "see_as": _l("The shop was seen as the customer sees it"),
    "payout_line_explained": _l("A line of a payout was explained"),
    "retry_job": _l("A failed job was tried again"),
    "staff_added": _l("A member of staff was added"),
    "staff_email": _l("A member of staff got another email address"),
    "staff_email_again": _l("An email to a member of staff was sent again"),
    "staff_invited": _l("A member of staff was invited again"),
    "staff_role": _l("A member of staff got another role"),
    "staff_reset": _l("Password and second factors of a member of staff were reset"),
    "staff_disabled": _l("The account of a member of staff was disabled"),
    "staff_enabled": _l("The account of a member of staff was enabled"),
}
"""The acts that `shop.staff.acts` records, by their kind."""
