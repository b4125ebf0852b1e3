"""Another e-mail address for a customer who is locked out, given by customer service.

The new address is proved by the link sent to it, which needs no sign-in; the old one is told.
"""

from __future__ import annotations

from datetime import timedelta

from records.accounts import Account, LinkPurpose, OneTimeLink
from records.base import database
from shop import mail, settings
from shop.customers import email_proofs, holds, one_time_links, profile, sessions
from shop.customers.activity_log import Origin
from shop.errors import N_, Refusal
from shop.mail.links import Links
from shop.text.email_addresses import normalized

VALIDITY = timedelta(days=1)


def request(account: Account, email: str) -> None:
    """Send the link to the new address, in the caller's transaction; earlier ones become invalid.

    Raise `Refusal` if it is the present one, or cannot have another account.
    """
    email = normalized(email)
    if email == account.email:
        raise Refusal(N_("This is the customer’s address already."), "email")
    email_proofs.check_vacancy(email)
    email_proofs.count_confirmation(email)
    one_time_links.void_links(account, LinkPurpose.RESCUED_EMAIL)
    token = one_time_links.new_link(account, LinkPurpose.RESCUED_EMAIL, VALIDITY, payload=email)
    link = Links(settings.current().public_url, account.language).email_proof(token)
    mail.email_confirmation(account, email, link, token)


def waits_for(account: Account) -> str:
    """Return the address whose link was not followed yet; "" if there is none."""
    row = one_time_links.open_links(account, LinkPurpose.RESCUED_EMAIL).first()
    return row.payload if row else ""


def take_back(account: Account) -> None:
    """Void the link that was not followed yet. Raise `Refusal` if there is none."""
    if not waits_for(account):
        raise Refusal(N_("No link waits to be followed."))
    one_time_links.void_links(account, LinkPurpose.RESCUED_EMAIL)


def find_link(token: str) -> OneTimeLink | None:
    """Return the valid link of a token, or None."""
    return one_time_links.find_link(token, LinkPurpose.RESCUED_EMAIL)


def confirm(link: OneTimeLink, origin: Origin) -> bool:
    """Set the address of a followed link, and hold what costs money; return False if it was used.

    Sessions and links of whoever has the old mailbox end.
    """
    with database.atomic():
        if not one_time_links.use_link(link):
            return False
        account = Account.get_by_id(link.account_id)
        profile.change_email(account, link.payload, origin)
        sessions.end_others(account)
        holds.hold_money(account)
    return True
