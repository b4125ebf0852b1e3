"""Who the customer is and where they live: changing it, and what follows from that for the VAT."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from records.accounts import Account, OneTimeLink, VatStatus
from records.base import database
from records.languages import Language
from shop import mail
from shop.customers import activity_log, one_time_links
from shop.customers.activity_log import Origin
from shop.errors import N_, Refusal
from shop.text.email_addresses import normalized
from shop.vat import confirmation

NEW_ADDRESS = "new_email"
NEW_ADDRESS_WAITS = timedelta(days=1)


@dataclass(frozen=True)
class Details:
    """Name, company and address as the customer gives them, already checked field by field."""

    first_name: str
    last_name: str
    street: str
    postcode: str
    city: str
    country: str
    company: str = ""
    siren: str = ""
    vat_number: str = ""


def change(account: Account, details: Details, origin: Origin) -> bool:
    """Keep new details; False if nothing is new.

    Another country or VAT number is another question to the registry: until it has answered,
    VAT is due (design). Orders placed before keep what they were placed with.
    """
    given = vars(details)
    new = {name: value for name, value in given.items() if value != getattr(account, name)}
    if not new:
        return False
    asks_anew = bool({"country", "vat_number"} & set(new))
    with database.atomic():
        _write(account, new | (_asked(details.vat_number) if asks_anew else {}))
        if asks_anew:
            confirmation.ask_about(account)
        activity_log.record(account, "profile_changed", origin)
    return True


def _asked(vat_number: str) -> dict[str, str]:
    """A number and what is known of it change together."""
    status = VatStatus.UNCONFIRMED if vat_number else VatStatus.NONE
    return {"vat_number": vat_number, "vat_status": status}


def _write(account: Account, values: dict[str, Any]) -> None:
    Account.update(values).where(Account.id == account.id).execute()
    for name, value in values.items():
        setattr(account, name, value)


def request_email_change(account: Account, email: str, base_url: str, origin: Origin) -> bool:
    """Send a one-time link to a new address, which counts once the link was followed; False if it
    is the same. Links asked for before open nothing any more.
    """
    email = normalized(email)
    if email == account.email:
        return False
    with database.atomic():
        one_time_links.void_links(account, NEW_ADDRESS)
        token = one_time_links.new_link(account, NEW_ADDRESS, NEW_ADDRESS_WAITS, payload=email)
        activity_log.record(account, "email_asked", origin, note=f"{account.email} → {email}")
        mail.email_confirmation(
            account, email, f"{base_url}/manager/account/email-address/{token}", token
        )
    return True


def find_new_email(account: Account, token: str) -> tuple[OneTimeLink, str] | None:
    """The link of a token of this customer's, and the address it was sent to."""
    link = one_time_links.find_link(token, NEW_ADDRESS)
    # Links made by earlier versions of the shop have no payload.
    if link is None or link.account_id != account.id or not link.payload:
        return None
    return link, link.payload


def confirm_email(link: OneTimeLink, email: str, origin: Origin) -> bool:
    """Take the address of a link that was followed; False if it was used meanwhile."""
    with database.atomic():
        return one_time_links.use_link(link) and change_email(link.account, email, origin)


def change_email(account: Account, email: str, origin: Origin) -> bool:
    """Send letters elsewhere from now on; the old address is told. False if it is the same.

    Links sent to the old address open nothing any more.
    """
    email, before = normalized(email), account.email
    if email == before:
        return False
    with database.atomic():
        _write(account, {"email": email})
        one_time_links.void_links(account)
        activity_log.record(account, "email_changed", origin, note=f"{before} → {email}")
        mail.email_changed(account, before)
    return True


def change_language(account: Account, language: str, origin: Origin) -> bool:
    """Speak and write another language from now on; False if it is the same. Raises `Refusal`."""
    if language not in set(Language):
        raise Refusal(N_("Choose one of the languages."), "language")
    if language == account.language:
        return False
    with database.atomic():
        _write(account, {"language": language})
        activity_log.record(account, "language_changed", origin, note=language)
    return True
