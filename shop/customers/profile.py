"""Changes to the customer's name, address, e-mail address and language, and their VAT effects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from records.accounts import Account, LinkPurpose, OneTimeLink, VatStatus
from records.base import database
from records.languages import Language
from shop import clock, mail, settings
from shop.customers import activity_log, email_proofs, one_time_links, search_keys
from shop.customers.activity_log import Origin
from shop.errors import N_, Refusal
from shop.text.email_addresses import normalized
from shop.vat import confirmation

NEW_EMAIL_VALIDITY = timedelta(days=1)


@dataclass(frozen=True)
class Details:
    """Name, company and postal address as entered, with each field already checked."""

    first_name: str
    last_name: str
    street: str
    postcode: str
    city: str
    country: str
    company: str = ""
    siren: str = ""
    vat_number: str = ""


def change_details(account: Account, details: Details, origin: Origin) -> bool:
    """Store changed details; return False if nothing changed.

    A changed country or VAT number is confirmed with the VAT registry again; until it answers, VAT
    is charged (design). A changed company is compared with the registered one. Earlier orders keep
    the details with which they were placed.
    """
    given = vars(details)
    new = {name: value for name, value in given.items() if value != getattr(account, name)}
    if not new:
        return False
    needs_confirmation = bool({"country", "vat_number"} & set(new))
    with database.atomic():
        _write(account, new | (_unconfirmed_vat(details.vat_number) if needs_confirmation else {}))
        if needs_confirmation:
            confirmation.request_confirmation(account)
        elif "company" in new:
            confirmation.request_again(account, f"name:{clock.now().isoformat()}")
        activity_log.record(account, "profile_changed", origin)
    return True


def set_vat_number(account: Account, vat_number: str) -> None:
    """Set a checked VAT number, or none, and ask the registry, in the caller's transaction."""
    _write(account, _unconfirmed_vat(vat_number))
    confirmation.request_confirmation(account)


def _unconfirmed_vat(vat_number: str) -> dict[str, str]:
    """Return a VAT number with its status reset."""
    status = VatStatus.UNCONFIRMED if vat_number else VatStatus.NONE
    return {"vat_number": vat_number, "vat_status": status}


def _write(account: Account, values: dict[str, Any]) -> None:
    """Write changed columns, and what the customer is found by, in the caller's transaction."""
    before = search_keys.keys_of(account)
    Account.update(values).where(Account.id == account.id).execute()
    for name, value in values.items():
        setattr(account, name, value)
    if search_keys.keys_of(account) != before:
        search_keys.write_keys(Account.get_by_id(account.id))


def request_email_change(account: Account, email: str, base_url: str, origin: Origin) -> bool:
    """Send a one-time link to a new e-mail address, which takes effect when the link is followed.

    Return False if it is the current one. Links requested earlier become invalid. Raise `Refusal`
    if the address has too many accounts, or was sent too many links.
    """
    email = normalized(email)
    if email == account.email:
        return False
    email_proofs.check_vacancy(email)
    email_proofs.count_confirmation(email)
    with database.atomic():
        one_time_links.void_links(account, LinkPurpose.NEW_EMAIL)
        token = one_time_links.new_link(
            account, LinkPurpose.NEW_EMAIL, NEW_EMAIL_VALIDITY, payload=email
        )
        activity_log.record(account, "email_asked", origin, note=f"{account.email} → {email}")
        mail.email_confirmation(
            account, email, f"{base_url}/manager/account/email-address/{token}", token
        )
    return True


def find_new_email(account: Account, token: str) -> tuple[OneTimeLink, str] | None:
    """Return the customer's link of a token and the e-mail address it was sent to, or None."""
    link = one_time_links.find_link(token, LinkPurpose.NEW_EMAIL)
    # Links made by earlier versions of the shop have no payload.
    if link is None or link.account_id != account.id or not link.payload:
        return None
    return link, link.payload


def confirm_email(link: OneTimeLink, email: str, origin: Origin) -> bool:
    """Set the e-mail address of a followed link; return False if the link was used already."""
    with database.atomic():
        return one_time_links.use_link(link) and change_email(link.account, email, origin)


def change_email(account: Account, email: str, origin: Origin) -> bool:
    """Change the e-mail address, which is proved; return False if it is the same.

    The old one is notified if it was proved. Links sent to the old address become invalid.
    """
    email, before = normalized(email), account.email
    was_proved = account.email_proved_at is not None
    if email == before:
        return False
    with database.atomic():
        _write(account, {"email": email})
        one_time_links.void_links(account)
        activity_log.record(account, "email_changed", origin, note=f"{before} → {email}")
        if was_proved or not settings.current().smtp_url:
            mail.email_changed(account, before)
        email_proofs.mark_proved(account)
    return True


def change_language(account: Account, language: str, origin: Origin) -> bool:
    """Change the language of pages and e-mails; return False if it is the same. Raise `Refusal`."""
    if language not in set(Language):
        raise Refusal(N_("Choose one of the languages."), "language")
    if language == account.language:
        return False
    with database.atomic():
        _write(account, {"language": language})
        activity_log.record(account, "language_changed", origin, note=language)
    return True
