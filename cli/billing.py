"""Commands for billing: runs, previews, prices, payments, refunds and credit notes."""

from __future__ import annotations

from datetime import datetime

import click
from flask.cli import AppGroup

from cli.operator import OPERATOR, find_customer, refusals_shown
from models import Dispute, Invoice, Order, Refund, database
from shop import clock
from shop.accounting import revenue_proof
from shop.invoicing import account_credits, credit_notes, ledger_proof
from shop.operations import unpaid
from shop.payments import (
    disputes,
    manual_refunds,
    payables,
    payments,
    refund_lists,
    refundables,
    refunds,
    refunds_by_bank,
)
from shop.pricing import catalogue
from shop.pricing.lines import Position
from shop.publishing import prices
from shop.subscriptions import corrections, price_changes, renewals

billing = AppGroup("billing", help="Run renewals, record payments and refunds, issue credit notes.")
price_list = AppGroup("prices", help="List and change the prices of offers.")


@billing.command("check")
def check_billing() -> None:
    """Check that charges, payments, credit notes and refunds balance; list what does not.

    The sums by month are compared with all invoices and services.
    """
    wrong = [*ledger_proof.find_faults(), *revenue_proof.find_faults()]
    for sentence in wrong:
        click.echo(sentence, err=True)
    if wrong:
        raise click.ClickException(f"{len(wrong)} thing(s) do not balance.")
    click.echo("Everything charged, paid, credited and refunded balances.")


@billing.command("mark-paid")
@click.argument("number")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="Day; today by default.")
@click.option("--reference", default="", help="Its reference at your bank.")
@click.option("--cents", type=click.IntRange(1), help="Only this part, in cents.")
def mark_invoice_paid(number: str, day: datetime | None, reference: str, cents: int | None) -> None:
    """Record a payment of an invoice by other means, such as a bank transfer, or a part of it."""
    invoice = _invoice(number)
    with refusals_shown():
        payments.record_manual_payment(
            invoice, OPERATOR, day=day.date() if day else None, reference=reference, cents=cents
        )
    left = Invoice.get_by_id(invoice.id).balance_cents
    rest = f", {left / 100:.2f} {invoice.currency} are still owed" if left else ""
    click.echo(f"Invoice {number} is paid{' in part' if left else ''}{rest}.")


@billing.command("goodwill")
@click.argument("nic_handle")
@click.argument("cents", type=click.IntRange(1))
@click.argument("reason")
def grant_goodwill(nic_handle: str, cents: int, reason: str) -> None:
    """Put CENTS on a customer's balance, which their next invoice uses; they are told REASON."""
    account = find_customer(nic_handle)
    with refusals_shown(), database.atomic():
        account_credits.grant_goodwill(account, cents, reason, by=OPERATOR)
    balance = f"{account_credits.available_of(account) / 100:.2f} EUR"
    click.echo(f"{balance} are on the balance of {nic_handle} for the next invoices.")


@billing.command("refunds")
def list_refunds() -> None:
    """List the refunds that are not done: failed ones, transfers to be made, those at the bank."""
    rows = list(refund_lists.unfinished())
    for row in rows:
        asked = clock.day_of(row.created_at)
        state = "to transfer" if row.is_transfer else f"{row.status} {row.reason}".strip()
        if row.is_of_bank:
            state = f"made by the bank as {row.reference}"
        amount = f"{row.cents / 100:.2f} {row.payment.currency}"
        click.echo(
            f"{refund_lists.number_of(row):<16} {asked}  {row.payment.account.nic_handle:<16} "
            f"{amount:>14}  {state}"
        )
    if not rows:
        click.echo("No refund is waiting.")


@billing.command("unpaid")
def list_unpaid() -> None:
    """List the invoices that are due and not paid: since when, how much, how far reminders are."""
    owed = number = 0
    for row in unpaid.listed():
        invoice = row.invoice
        number, owed = number + 1, owed + invoice.balance_cents
        paid_by = f"card {row.card.last4}" if row.card else "no card"
        click.echo(
            f"{invoice.number:<16} {invoice.due_on}  {invoice.account.nic_handle:<16} "
            f"{invoice.balance_cents / 100:>12.2f} {invoice.currency}  {row.stage:<21}  "
            f"{paid_by:<9}  {row.service.name if row.service else '-'}"
        )
    click.echo(f"{number} unpaid, {owed / 100:.2f} EUR")


@billing.command("explain-refund")
@click.argument("reference")
@click.argument("text")
def explain_refund(reference: str, text: str) -> None:
    """Say why the bank made a refund that nobody had asked for here.

    REFERENCE is the bank's. Where it corrects an invoice, use `credit --refunded` instead.
    """
    with refusals_shown(), database.atomic():
        refunds_by_bank.explain(_refund(reference), by=OPERATOR, text=text)
    click.echo(f"The refund {reference} is explained.")


def _refund(reference: str) -> Refund:
    row = Refund.get_or_none(Refund.reference == reference)
    if row is None:
        raise click.ClickException(f"There is no refund {reference}.")
    return row


@billing.command("disputes")
@click.option("--all", "everything", is_flag=True, help="Also those that the bank has decided.")
def list_disputes(everything: bool) -> None:
    """List the payments that cardholders contest at their bank."""
    query = Dispute.select().order_by(Dispute.id) if everything else disputes.open_disputes()
    rows = list(query)
    for row in rows:
        number = payables.paid_by(row.payment).row.number
        amount = f"{row.cents / 100:.2f} {row.payment.currency}"
        click.echo(
            f"{row.reference}  {number:<16} {row.payment.account.nic_handle:<16} "
            f"{amount:>14}  {row.status} {row.reason}, {row.withdrawn_cents / 100:.2f} withdrawn"
        )
    if not rows:
        click.echo("No dispute.")


@billing.command("mark-refunded")
@click.argument("number")
@click.option(
    "--date", "day", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Day of the transfer."
)
@click.option("--reference", required=True, help="Its reference at your bank.")
def mark_refunded(number: str, day: datetime, reference: str) -> None:
    """Record that money was given back by transfer: what was paid so, or what the bank refused.

    NUMBER is that of a credit note, or of the order or invoice whose payment is refunded.
    """
    with refusals_shown():
        refundable = refundables.refund_due_of(_debt(number))
        manual_refunds.record_transfer(refundable, by=OPERATOR, day=day.date(), reference=reference)
    click.echo(f"The money of {number} is given back.")


@billing.command("retry-refund")
@click.argument("number")
def retry_refund(number: str) -> None:
    """Ask the bank again for a refund that failed.

    NUMBER is that of a credit note, or of the order or invoice whose payment is refunded.
    """
    with refusals_shown():
        refunds.ask_again(refundables.refund_due_of(_debt(number)), by=OPERATOR)
    click.echo(f"The bank is asked again to give the money of {number} back.")


def _debt(number: str) -> Invoice | Order:
    """Return the credit note, invoice or order with a number."""
    debt: Invoice | Order | None = Invoice.get_or_none(Invoice.number == number)
    debt = debt or Order.get_or_none(Order.number == number)
    if debt is None:
        raise click.ClickException(f"There is no credit note, invoice or order {number}.")
    return debt


@billing.command("credit")
@click.argument("number")
@click.argument("reason")
@click.option("--line", type=click.IntRange(1), help="Only this remaining line, from 1.")
@click.option("--quantity", type=click.IntRange(1), help="Number of licences of that line.")
@click.option("--net-cents", type=click.IntRange(1), help="Only this amount, excluding VAT.")
@click.option("--percent", type=click.IntRange(1, 100), help="Only this share.")
@click.option("--refunded", default="", help="The bank's reference of the refund it has made.")
def credit_invoice(
    number: str, reason: str, line: int | None, quantity: int | None, refunded: str,
    net_cents: int | None, percent: int | None,
) -> None:  # fmt: skip
    """Issue a credit note with REASON for the rest of an invoice, or for a part of it.

    A paid amount is refunded, unless the bank has done so (--refunded); an unpaid amount is no
    longer due.
    """
    invoice = _invoice(number)
    with refusals_shown(), database.atomic():
        positions = _wanted(credit_notes.remaining_of(invoice), line, quantity)
        if percent is not None:
            positions = credit_notes.share_of(positions, percent)
        if net_cents is not None:
            positions = credit_notes.amounts_of(positions, net_cents)
        note = credit_notes.credit(
            invoice, positions, reason, by=OPERATOR,
            by_amount=percent is not None or net_cents is not None,
        )  # fmt: skip
        if refunded:
            refunds_by_bank.explain(_refund(refunded), by=OPERATOR, note=note)
    amount = f"{note.total_cents / 100:.2f} {note.currency}"
    click.echo(f"Credit note {note.number} takes {amount} of invoice {number} back.")


@billing.command("correct")
@click.argument("number")
@click.argument("reason")
@click.option("--profile", is_flag=True, help="All details as they are in the account today.")
@click.option("--company", help="Name of the company; empty for a person.")
@click.option("--siren")
@click.option("--vat-number", help="Counts for VAT if it is the account's, and confirmed.")
@click.option("--first-name")
@click.option("--last-name")
@click.option("--street")
@click.option("--postcode")
@click.option("--city")
@click.option("--country", help="ISO 3166 code.")
def correct_invoice(number: str, reason: str, profile: bool, **details: str | None) -> None:
    """Credit a wrong invoice, and issue it again for the same days, with REASON on both.

    Name, address, VAT number and the VAT that follows from them are corrected; what was paid pays
    the new invoice. Details that no option names stay as they are on the invoice.
    """
    invoice = _invoice(number)
    changes = corrections.profile_of(invoice) if profile else {}
    changes |= {name: value for name, value in details.items() if value is not None}
    with refusals_shown():
        done = corrections.correct(invoice, changes, reason, by=OPERATOR)
    click.echo(f"Credit note {done.credit_note.number} takes invoice {number} back.")
    total = f"{done.invoice.total_cents / 100:.2f} {done.invoice.currency}"
    click.echo(f"Invoice {done.invoice.number} of {total} is in its place.")
    if done.refunded_cents:
        click.echo(f"{done.refunded_cents / 100:.2f} {done.invoice.currency} are given back.")
    if done.due_cents:
        click.echo(_said_of_due(done))


def _said_of_due(done: corrections.Correction) -> str:
    """Return what is still owed after a correction, and how it is collected."""
    due, number = f"{done.due_cents / 100:.2f} {done.invoice.currency}", done.invoice.number
    if not done.is_rest_due:
        return f"{due} are to be paid."
    owed = f"A rest of {due} is owed"
    if done.is_collected_later:
        return f"{owed}: it is collected when the month that it charges begins, as a renewal is."
    return (
        f"{owed}. No card is charged for it and no reminder is sent: the customer, told by e-mail, "
        f"pays it on the page of the invoice, or by transfer (`flask billing mark-paid {number}`). "
        "`flask billing unpaid` lists it until then."
    )


def _wanted(
    positions: tuple[Position, ...], line: int | None, quantity: int | None
) -> tuple[Position, ...]:
    if line is None:
        if quantity is not None:
            raise click.ClickException("Say which --line the --quantity is of.")
        return positions
    if line > len(positions):
        raise click.ClickException(f"There are {len(positions)} line(s) left.")
    chosen = positions[line - 1]
    return (credit_notes.part_of(chosen, quantity or chosen.line.quantity),)


def _invoice(number: str) -> Invoice:
    invoice = Invoice.get_or_none(Invoice.number == number)
    if invoice is None:
        raise click.ClickException(f"There is no invoice {number}.")
    return invoice


@billing.command("run")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day; today by default.")
def run_billing(until: datetime | None) -> None:
    """Renew or end the services due up to a day; idempotent, also when run concurrently."""
    report = renewals.run_renewals(until.date() if until else None)
    click.echo(f"{report.renewed} renewed, {report.ended} ended, {report.failed} failed.")
    if report.failed:
        raise click.ClickException("What failed stays due: see the log, and run it again.")


@billing.command("preview")
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]))
def preview_billing(day: datetime) -> None:
    """Show what a run on a day would invoice for each group, by the current data."""
    number = net = total = 0
    for due in renewals.due_by(day.date()):
        number, net = number + 1, net + due.totals.net_cents
        total += due.totals.total_cents
        click.echo(
            f"{due.period.start}  {due.subscription.group.name:<24} {due.quantity:>6} x "
            f"{due.line.unit_price_cents / 100:>8.2f} {due.totals.total_cents / 100:>12.2f} EUR"
        )
    click.echo(f"{number} renewals, {net / 100:.2f} EUR excl. VAT, {total / 100:.2f} EUR incl. VAT")


@price_list.command("list")
def list_prices() -> None:
    """List every price of every offer."""
    for price in price_changes.all_prices():
        day = clock.day_of(price.valid_from)
        click.echo(f"{price.offer_id:<16} {price.amount_cents / 100:>8.2f} EUR from {day}")


@price_list.command("set")
@click.argument("offer")
@click.argument("cents", type=int)
@click.option("--from", "day", type=click.DateTime(["%Y-%m-%d"]), required=True)
@click.option("--reason", default="by command", help="Why: it is kept.")
def set_price(offer: str, cents: int, day: datetime, reason: str) -> None:
    """Set the price of an offer, in cents a month excluding VAT, from a future day on.

    Running services change at a renewal that was announced 30 days before.
    """
    known = catalogue.known_offers()
    if offer not in known:
        raise click.UsageError(f"There is no offer {offer}: there is {', '.join(known)}.")
    with refusals_shown():
        prices.set_price(offer, cents, day.date(), by=OPERATOR, reason=reason)
    click.echo(f"{offer} costs {cents / 100:.2f} EUR a month from {day.date()} on.")


@price_list.command("take-back")
@click.argument("offer")
@click.option("--from", "day", type=click.DateTime(["%Y-%m-%d"]), required=True)
@click.option("--reason", required=True, help="Why: it is kept.")
def take_back_price(offer: str, day: datetime, reason: str) -> None:
    """Take a price back that does not apply yet and was announced to nobody."""
    found = prices.find_price_from(offer, clock.midnight(day.date()))
    if found is None:
        raise click.ClickException(f"{offer} has no price from {day.date()} on.")
    with refusals_shown():
        prices.take_back(found, by=OPERATOR, reason=reason)
    click.echo(f"The price of {offer} from {day.date()} on is taken back.")
