"""The e-mails about an account: its sign-in, its end, and what all customers are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from records.accounts import Account
from records.catalogue import Contract
from records.exports import DataExport
from records.letters import LetterKind
from shop import clock, settings
from shop.mail.archive import store_letter
from shop.mail.links import Links
from shop.security import encryption
from shop.text import templates


def account_created(account: Account) -> None:
    """Tell a new customer their nic-handle (guide: sign in with nic-handle and password)."""
    store_letter(account, LetterKind.ACCOUNT_CREATED, f"account_created:{account.id}")


def account_closed(account: Account, kept: Sequence[tuple[str, str]]) -> None:
    """Confirm that an account was closed; ``kept`` says what stays of it and why (``msgid``)."""
    told = [[templates.translate(each, account.language) for each in pair] for pair in kept]
    store_letter(
        account,
        LetterKind.ACCOUNT_CLOSED,
        f"account_closed:{account.id}",
        closed_at=clock.now(),
        kept=told,
    )


def account_ending(account: Account, ends_on: date) -> None:
    """Tell that an account without a service for five years ends on a day, and how to keep it."""
    key = f"account_ending:{account.id}:{ends_on.isoformat()}"
    store_letter(account, LetterKind.ACCOUNT_ENDING, key, ends_on=ends_on)


def contract_change(account: Account, contract: Contract, applies_on: date) -> None:
    """Announce a new version of a contract, 30 days before it applies to the customer."""
    key = f"contract_change:{account.id}:{contract.kind}:{contract.version}"
    store_letter(account, LetterKind.CONTRACT_CHANGE, key, contract=contract, applies_on=applies_on)


def announcement(account: Account, notice: int, text: str) -> None:
    """Send an announcement that the customer's pages show."""
    store_letter(account, LetterKind.ANNOUNCEMENT, f"announcement:{notice}:{account.id}", text=text)


def email_proof(account: Account, token: str) -> None:
    """Send the link that proves a new account's address: the only e-mail before it is followed.

    It holds no text of the customer's: anyone may have registered with this address.
    """
    link = Links(settings.current().public_url, account.language).email_proof(token)
    key = f"email_proof:{encryption.digest(token)}"
    store_letter(account, LetterKind.EMAIL_PROOF, key, is_secret=True, link=link, nameless=True)


def password_reset(account: Account, link: str, token: str) -> None:
    """Send a one-time link for a new password; stored encrypted."""
    key = f"password_reset:{encryption.digest(token)}"
    store_letter(account, LetterKind.PASSWORD_RESET, key, is_secret=True, link=link)


def password_changed(account: Account) -> None:
    """Report a changed password, in case the customer did not change it."""
    changed_at = clock.now()
    key = f"password_changed:{account.id}:{changed_at.isoformat()}"
    store_letter(account, LetterKind.PASSWORD_CHANGED, key, changed_at=changed_at)


def email_confirmation(account: Account, address: str, link: str, token: str) -> None:
    """Send a confirmation link to a new e-mail ``address``, effective once it is followed."""
    key = f"email_confirmation:{encryption.digest(token)}"
    store_letter(
        account, LetterKind.EMAIL_CONFIRMATION, key, recipient=address, is_secret=True,
        address=address, link=link, nameless=True,
    )  # fmt: skip


def email_changed(account: Account, before: str) -> None:
    """Tell the old e-mail address, ``before``, that e-mails now go to another one."""
    changed_at = clock.now()
    key = f"email_changed:{account.id}:{changed_at.isoformat()}"
    store_letter(
        account, LetterKind.EMAIL_CHANGED, key, recipient=before,
        changed_at=changed_at, before=before, address=account.email,
    )  # fmt: skip


def second_factor_changed(account: Account, what: str) -> None:
    """Report a change of two-factor sign-in; ``what`` is a ``msgid`` that describes it."""
    changed_at = clock.now()
    key = f"second_factor:{account.id}:{changed_at.isoformat()}:{encryption.digest(what)[:16]}"
    store_letter(account, LetterKind.SECOND_FACTOR_CHANGED, key, changed_at=changed_at, what=what)


def export_ready(account: Account, export: DataExport) -> None:
    """Announce that the data export can be downloaded, and until when."""
    store_letter(
        account, LetterKind.EXPORT_READY, f"export_ready:{export.id}", expires_at=export.expires_at
    )
