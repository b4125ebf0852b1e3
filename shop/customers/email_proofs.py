"""Proof that an e-mail address is the customer's: the link of the one e-mail sent before it.

Anyone can register with anyone's address. Until its link was followed, an address gets that
confirmation alone, with no text that the customer wrote; other e-mails wait (`shop.mail.sending`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from peewee import ModelSelect

from records.accounts import Account, LinkPurpose, OneTimeLink
from records.base import database
from shop import clock, mail
from shop.customers import activity_log, one_time_links
from shop.customers.activity_log import Origin
from shop.errors import N_, Refusal
from shop.jobs import kinds
from shop.security import rate_limits
from shop.sql.prepared import prepared

VALIDITY = timedelta(days=7)

MOST_PROVED = 5
"""The most accounts of one e-mail address."""

MOST_UNPROVED = 3
"""The most accounts registered in a day for an address that was not proved for them."""


def check_vacancy(email: str) -> None:
    """Raise `Refusal` if an e-mail address (`normalized`) has as many accounts as it may have."""
    a_day_ago = clock.now() - timedelta(days=1)
    proved, unproved = _proved.count(email), _unproved_since.count(email, a_day_ago)
    if proved >= MOST_PROVED or unproved >= MOST_UNPROVED:
        raise Refusal(N_("No more accounts can be opened with this email address."), "email")


@prepared
def _proved(email: str) -> ModelSelect[Account]:
    return Account.select().where(Account.email == email, Account.email_proved_at.is_null(False))


@prepared
def _unproved_since(email: str, moment: datetime) -> ModelSelect[Account]:
    return Account.select().where(
        Account.email == email, Account.email_proved_at.is_null(), Account.created_at > moment
    )


def count_confirmation(email: str) -> None:
    """Count an e-mail to an address that is not proved. Raise `rate_limits.RateLimited`."""
    rate_limits.count_unproved(email)


def request(account: Account) -> None:
    """Send the confirmation to the account's address. Raise `rate_limits.RateLimited`."""
    count_confirmation(account.email)
    with database.atomic():
        token = one_time_links.new_link(
            account, LinkPurpose.EMAIL_PROOF, VALIDITY, payload=account.email
        )
        mail.email_proof(account, token)


def find_link(token: str) -> OneTimeLink | None:
    """Return the valid link of a token, if it was sent to its account's present address."""
    link = one_time_links.find_link(token, LinkPurpose.EMAIL_PROOF)
    return link if link and link.payload == link.account.email else None


def confirm(link: OneTimeLink, origin: Origin) -> bool:
    """Take the address as proved and send what waits; return False if the link was used before."""
    with database.atomic():
        if not one_time_links.use_link(link):
            return False
        mark_proved(link.account)
        activity_log.record(link.account, "email_proved", origin)
    return True


def mark_proved(account: Account) -> None:
    """Store that the account's address is proved, in the caller's transaction."""
    if account.email_proved_at is None:
        account.email_proved_at = clock.now()
        Account.update(email_proved_at=account.email_proved_at).where(
            Account.id == account.id
        ).execute()
        kinds.release_letters.later(account=account.id)
