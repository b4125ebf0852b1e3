"""Commands for customers' accounts, their e-mails and encrypted secrets."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from cli.operator import OPERATOR, find_customer, refusals_shown
from models import Letter, LetterStatus, database
from shop import mail, personal_data
from shop.customers import blocking, holds, sessions, two_factor
from shop.operations import intrusions, key_rotation
from shop.personal_data import erasure

customers = AppGroup("accounts", help="Manage customers' accounts.")
letters = AppGroup("letters", help="Manage e-mails to customers.")
secrets = AppGroup("secrets", help="Manage encrypted secrets.")


@customers.command("reset-second-factor")
@click.argument("nic_handle")
def reset_second_factor(nic_handle: str) -> None:
    """Remove the second factors of a customer who lost them, and notify them.

    Their sessions end, and orders and cards are held for 72 hours.
    """
    account = find_customer(nic_handle)
    with database.atomic():
        removed = two_factor.switch_off(account)
        if removed:
            holds.hold_money(account)
    if removed:
        click.echo(f"{nic_handle} logs in with the password alone from now on.")
    else:
        click.echo(f"{nic_handle} has no second step.")


@customers.command("end-sessions")
@click.argument("nic_handle", required=False)
@click.option("--all", "of_all", is_flag=True, help="Of every customer and member of staff.")
def end_sessions(nic_handle: str | None, of_all: bool) -> None:
    """End the sessions of one customer, or of all: they log in again.

    With those of all, members of staff included, links in e-mails and invitations are void.
    """
    if of_all == bool(nic_handle):
        raise click.UsageError("Name one customer, or --all.")
    if nic_handle:
        ended = sessions.end_all_of(find_customer(nic_handle))
    else:
        ended = intrusions.end_every_session()
    click.echo(f"{ended} session(s) ended.")


@customers.command("block")
@click.argument("nic_handle")
@click.option("--reason", default="", help="Why, in the customer's language: told at the login.")
def block(nic_handle: str, reason: str) -> None:
    """Keep everybody from logging in to an account, and end its sessions; services go on."""
    changed = blocking.block(find_customer(nic_handle), reason[:255])
    click.echo(f"{nic_handle} is blocked{'' if changed else ' already'}.")


@customers.command("unblock")
@click.argument("nic_handle")
def unblock(nic_handle: str) -> None:
    """Let the customer of a blocked account log in again."""
    changed = blocking.unblock(find_customer(nic_handle))
    click.echo(f"{nic_handle} {'can log in again' if changed else 'is not blocked'}.")


@customers.command("erase")
@click.argument("nic_handle")
@click.option("--reason", required=True, help="Why: it is kept, so name nobody in it.")
@click.option("--yes", is_flag=True, help="Erase without asking.")
def erase(nic_handle: str, reason: str, yes: bool) -> None:
    """Close an account for good, and delete what tells who its customer is.

    Invoices of the last ten years stay, and what proves the VAT on them: the law says so.
    """
    account = find_customer(nic_handle)
    for what, why in personal_data.KEPT:
        click.echo(f"Stays: {what}, {why}.")
    if not yes:
        click.confirm(f"Erase {nic_handle} for good?", abort=True)
    with refusals_shown():
        done = erasure.erase(account, reason, by=OPERATOR)
    click.echo(f"{nic_handle} {'is erased' if done else 'was erased before'}.")


@secrets.command("reseal")
def reseal_secrets() -> None:
    """Encrypt every secret with the newest of MAIL_ENCRYPTION_KEYS; older keys can be removed then.

    Secrets are passwords in e-mails and of licences in progress, and authenticator applications.
    """
    changed, lost = key_rotation.reseal_all()
    click.echo(f"{changed} secret(s) encrypted with the newest key.")
    if lost:
        raise click.ClickException(key_rotation.key_missing(lost))


@letters.command("retry")
def retry_letters() -> None:
    """Retry the e-mails that could not be sent."""
    failed = Letter.select(Letter.id).where(Letter.status == LetterStatus.FAILED)
    found = [letter.id for letter in failed.order_by(Letter.id)]
    again = sum(mail.send_again(Letter.get_by_id(letter), by=OPERATOR) for letter in found)
    click.echo(f"{again} letter(s) queued again.")
