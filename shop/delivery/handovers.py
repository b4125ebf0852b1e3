"""Passwords of licences that reach their holders: a one-time link shows one once, within 72 hours.

Opening the link shows nothing yet, because programs that search e-mails for viruses follow links:
a press on the page's button does. Tokens are stored as digests, passwords encrypted.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from email_validator import EmailNotValidError, validate_email

from records.accounts import Account
from records.base import database, lock
from records.groups import LicenceGroup
from records.handovers import Handover
from records.seat_states import SeatStatus
from records.seats import Seat
from shop import clock, mail, settings, transitions
from shop.customers import email_proofs
from shop.errors import N_, Conflict, Refusal
from shop.licences.seats import handovers
from shop.security import encryption, rate_limits
from shop.text.email_addresses import normalized

VALIDITY = timedelta(hours=72)

KEPT = timedelta(days=30)
"""How long the customer can download the passwords of a file or a selection."""

NOT_AN_ADDRESS = N_("This does not look like an email address: name@example.com.")


@dataclass(frozen=True)
class Credentials:
    """What a link shows, once."""

    address: str
    password: str
    portal: str


# --- Who gets it -----------------------------------------------------------------------------


def read_recipient(typed: str, group: LicenceGroup) -> str:
    """Return the e-mail address of a person. Raise `Refusal` at ``recipient``."""
    address = normalized(typed)
    try:
        validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        raise Refusal(NOT_AN_ADDRESS, "recipient") from None
    if len(address) > 254:
        raise Refusal(NOT_AN_ADDRESS, "recipient")
    if address.rpartition("@")[2] == group.domain.lower():
        raise Refusal(
            N_("This mailbox opens with this very password: give another address."), "recipient"
        )
    return address


def count_recipient(recipient: str) -> None:
    """Count an e-mail to an address that nobody has proved to be theirs, among all such e-mails.

    Raise `Refusal` at ``recipient`` if it gets too many.
    """
    try:
        email_proofs.count_confirmation(recipient)
    except rate_limits.RateLimited as limited:
        raise Refusal(
            N_("This address has had several emails today. Try again tomorrow, or choose another."),
            "recipient",
        ) from limited


# --- Sending ---------------------------------------------------------------------------------


def hand_over(seat: Seat, secret: str) -> bool:
    """Send the link to the encrypted ``secret``, in the transaction that completes ``seat``.

    Return False if no person was chosen: then the customer gets the password.
    """
    chosen = handovers.chosen_for(seat)
    if chosen is None:
        return False
    if chosen.recipient == handovers.NOBODY and chosen.seat_import_id is not None:
        now = clock.now()
        Handover.update(secret=secret, sent_at=now, expires_at=now + KEPT).where(
            Handover.id == chosen.id
        ).execute()
        transitions.record(seat, "seat_password_kept", by="shop")
    elif chosen.recipient == handovers.NOBODY:
        now = clock.now()
        Handover.update(sent_at=now, expires_at=now).where(Handover.id == chosen.id).execute()
        transitions.record(seat, "seat_told_nobody", by="shop")
    else:
        _send(seat, chosen, secret)
    return True


def _send(seat: Seat, chosen: Handover, secret: str, by: str = "shop") -> None:
    token, now, number = secrets.token_urlsafe(32), clock.now(), chosen.sends + 1
    Handover.update(
        token_digest=encryption.digest(token), secret=secret, sends=number,
        recipient=chosen.recipient, sent_at=now, expires_at=now + VALIDITY,
    ).where(Handover.id == chosen.id).execute()  # fmt: skip
    transitions.record(seat, "seat_link_sent", by=by)
    mail.licence_link(
        seat.group.account,
        recipient=chosen.recipient,
        address=address_of(seat),
        token=token,
        until=now + VALIDITY,
        key=f"{seat.id}:{chosen.id}:{number}",
    )


def address_of(seat: Seat) -> str:
    """Return the e-mail address of a seat's holder."""
    return f"{seat.shown_login}@{seat.group.domain}"


def of_seat(seat: Seat) -> Handover | None:
    """Return the link that was sent for the present password of ``seat``, if there is one."""
    return handovers.of_seats([seat]).get(seat.id)


def send_again(seat: Seat, typed: str, by: str) -> None:
    """Send another link to a password that was not read; the former link no longer works.

    Raise `Refusal`, at ``recipient`` for the address ``typed``, and `Conflict` if the password was
    read or replaced.
    """
    recipient = read_recipient(typed, seat.group)
    rate_limits.count_attempt(rate_limits.SEND_AGAIN_PER_ACCOUNT, "send-again", by)
    count_recipient(recipient)
    with database.atomic():
        found = of_seat(seat)
        chosen = lock(found) if found else None
        if chosen is None or not chosen.may_be_sent_again or not seat.group.is_open:
            raise Conflict(N_("This password was read or replaced: give the licence a new one."))
        chosen.recipient = recipient
        _send(seat, chosen, chosen.secret, by)


# --- Reading ---------------------------------------------------------------------------------


def find_handover(token: str) -> Handover | None:
    """Return what a link leads to, also if it shows nothing any more; None if there is none."""
    found: Handover | None = (
        Handover.select(Handover, Seat, LicenceGroup, Account)
        .join(Seat)
        .join(LicenceGroup)
        .join(Account)
        .where(Handover.token_digest == encryption.digest(token))
        .first()
    )
    return found


def is_open(found: Handover) -> bool:
    """Return whether a link still shows a password."""
    return found.is_open(clock.now()) and found.seat.status != SeatStatus.ENDED


def reveal(token: str) -> Credentials | None:
    """Return the password behind a link, once; None if it was read, has expired or was replaced."""
    with database.atomic():
        found = find_handover(token)
        if found is None or not is_open(found):
            return None
        password, now = encryption.unseal(found.secret), clock.now()
        won = (
            Handover.update(read_at=now, secret="")
            .where(
                Handover.id == found.id,
                Handover.token_digest == found.token_digest,
                Handover.secret == found.secret,
                Handover.read_at.is_null(),
                Handover.ended_at.is_null(),
                Handover.expires_at > now,
            )
            .execute()
        )
        if not won:
            return None
        transitions.record(found.seat, "seat_link_read", by="holder")
    return Credentials(address_of(found.seat), password, settings.current().portal_sign_in_url)
