"""Invoices and credit notes: their content, their numbering, their files."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from peewee import (
    SQL,
    AutoField,
    BigIntegerField,
    BlobField,
    CharField,
    Check,
    DateField,
    ForeignKeyField,
    IntegerField,
    fn,
)

from records.accounts import Account
from records.base import JSONField, MomentField, StateMachine, Table, one_of
from records.groups import LicenceGroup
from records.languages import Language
from records.orders import Order
from records.payment_methods import PaymentMethod


class InvoiceKind(StrEnum):
    """Whether a document charges an amount or credits one."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class InvoiceStatus(StrEnum):
    """The status of an invoice: ``unpaid`` means due, and not charged in time, or owed again.

    For a credit note, ``due`` means that the refund is not complete yet.
    """

    DUE = "due"
    UNPAID = "unpaid"
    PAID = "paid"
    REFUNDED = "refunded"


INVOICE_MOVES: dict[str, set[str]] = {
    InvoiceStatus.DUE: {InvoiceStatus.PAID, InvoiceStatus.UNPAID, InvoiceStatus.REFUNDED},
    InvoiceStatus.UNPAID: {InvoiceStatus.PAID, InvoiceStatus.REFUNDED},
    # A paid invoice is owed again once its payment is lost in a dispute.
    InvoiceStatus.PAID: {InvoiceStatus.REFUNDED, InvoiceStatus.UNPAID},
    # A credit note whose refund failed after it succeeded.
    InvoiceStatus.REFUNDED: {InvoiceStatus.DUE},
}

PAYABLE = (InvoiceStatus.DUE, InvoiceStatus.UNPAID)


class InvoiceSeries(Table):
    """The last number used in a series (``FA2026``); numbers have no gaps."""

    name = CharField(max_length=16, primary_key=True)
    last = IntegerField(default=0)

    class Meta:
        constraints = [Check("last >= 0")]


class Invoice(StateMachine):
    """An invoice, or a credit note for one: its content is immutable (a trigger enforces it).

    ``order`` is the order it is for; ``group`` and ``period_start`` name the period that a
    renewal's invoice is for. ``corrects`` is the invoice that a credit note reduces. ``customer``
    and ``seller`` are the parties as printed. Amounts are integer cents, positive on credit notes
    too; ``vat_rate`` is in basis points. Only these columns change: ``status``, ``paid_at``, the
    ``method`` of payment (that of `Payment`), and ``credited_cents``, the amount credited so far.

    ``replaces`` is the wrong invoice that this one was issued in place of. ``offset_cents`` is what
    is paid of it beside the payment that settles it: by the payment of that one, by the customer's
    balance, or by payments that were left when another one was lost. On a credit note it is what is
    not given back, because it pays the invoice in its place, or was not paid; of that,
    ``absorbed_cents`` is what a bank had taken back of the payment for its cardholder.

    ``blanked_at`` is when its time of ten years was over and ``customer`` was blanked, which the
    trigger allows then.
    """

    event_subject = "invoice"
    moves = INVOICE_MOVES

    account_id: int  # added by Peewee; declared for mypy
    order_id: int | None
    group_id: int | None
    corrects_id: int | None
    replaces_id: int | None

    id = AutoField()
    number = CharField(max_length=20, unique=True)
    kind = CharField(max_length=16, default=InvoiceKind.INVOICE)
    account = ForeignKeyField(Account, backref="invoices", index=False)
    order = ForeignKeyField(Order, backref="invoices", null=True)
    group = ForeignKeyField(LicenceGroup, backref="invoices", null=True, index=False)
    period_start = DateField(null=True)
    corrects = ForeignKeyField("self", backref="credit_notes", null=True)
    replaces = ForeignKeyField("self", backref="replacements", null=True, unique=True)
    reason = CharField(max_length=255, default="")
    status = CharField(max_length=16, default=InvoiceStatus.DUE)
    language = CharField(max_length=2)
    customer = JSONField()
    seller = JSONField()
    currency = CharField(max_length=3, default="EUR")
    net_cents = BigIntegerField()
    vat_cents = BigIntegerField()
    total_cents = BigIntegerField()
    vat_rate = IntegerField()
    vat_code = CharField(max_length=32)
    issued_at = MomentField()
    issued_on = DateField()
    due_on = DateField()
    credited_cents = BigIntegerField(default=0)
    offset_cents = BigIntegerField(default=0)
    absorbed_cents = BigIntegerField(default=0)
    paid_at = MomentField(null=True)
    method = CharField(max_length=16, default="")
    blanked_at = MomentField(null=True)

    class Meta:
        constraints = [
            one_of("kind", InvoiceKind),
            one_of("status", InvoiceStatus),
            Check("net_cents >= 0 AND vat_cents >= 0"),
            Check("net_cents + vat_cents = total_cents"),
            one_of("language", Language),
            Check("currency = 'EUR'"),
            Check("due_on >= issued_on"),
            Check("credited_cents BETWEEN 0 AND total_cents"),
            Check("(corrects_id IS NOT NULL) = (kind = 'credit_note')"),
            Check("period_start IS NULL OR group_id IS NOT NULL"),
            Check("status <> 'paid' OR paid_at IS NOT NULL"),
        ]
        indexes = (
            (("account", "issued_on", "id"), False),
            (("account", "number"), False),
            (("account", "status", "id"), False),
            (("group", "id"), False),
            (("status", "due_on"), False),
            (("issued_on", "id"), False),
        )

    @property
    def is_paid_manually(self) -> bool:
        """Whether the operator recorded its payment."""
        return self.method == PaymentMethod.MANUAL

    @property
    def is_credit_note(self) -> bool:
        """Whether the document is a credit note."""
        return self.kind == InvoiceKind.CREDIT_NOTE

    @property
    def is_payable(self) -> bool:
        """Whether money is still owed for it."""
        return self.status in PAYABLE and not self.is_credit_note

    @property
    def is_unpaid(self) -> bool:
        """Whether it could not be charged in time, or its payment was lost: it is still owed."""
        return self.status == InvoiceStatus.UNPAID and not self.is_credit_note

    @property
    def is_refund_due(self) -> bool:
        """Whether this is a credit note whose refund is not complete yet."""
        return self.status == InvoiceStatus.DUE and self.is_credit_note

    @property
    def has_replacement(self) -> bool:
        """Whether another invoice was issued in its place."""
        return bool(Invoice.select().where(Invoice.replaces == self).exists())

    @property
    def balance_cents(self) -> int:
        """The amount still owed: while it is payable, all not credited or offset; else 0."""
        owed = self.total_cents - self.credited_cents - self.offset_cents
        return owed if self.is_payable else 0

    @property
    def kept_cents(self) -> int:
        """The amount of a credit note that pays another invoice, or is on the balance again."""
        return self.offset_cents - self.absorbed_cents

    @property
    def refund_cents(self) -> int:
        """The amount of a credit note that is given back, or was."""
        is_paid = self.is_refund_due or self.paid_at is not None
        return self.total_cents - self.offset_cents if is_paid else 0


Invoice.add_index(
    Invoice.index(Invoice.order, unique=True, name="invoice_one_of_order").where(
        SQL("kind = 'invoice' AND replaces_id IS NULL")
    )
)
Invoice.add_index(
    Invoice.index(
        Invoice.group, Invoice.period_start, unique=True, name="invoice_one_of_period"
    ).where(SQL("kind = 'invoice' AND period_start IS NOT NULL"))
)
Invoice.add_index(
    Invoice.index(Invoice.issued_on, Invoice.id, name="invoice_not_blanked").where(
        SQL("blanked_at IS NULL")
    )
)

LETTERS_OF_KIND = 4
"""The first letters of a VAT code by which its kind is told from the others."""

_kind_of_vat = fn.SUBSTR(Invoice.vat_code, SQL("1"), SQL(str(LETTERS_OF_KIND)))

Invoice.add_index(
    Invoice.index(_kind_of_vat, Invoice.issued_on, Invoice.id, name="invoice_vat_kind")
)


def taxed_as(kind: str) -> Any:
    """Return the condition for documents with a VAT code of ``kind`` (`shop.vat.Kind`).

    An index has these, by the day of issue.
    """
    return _kind_of_vat == f"{kind}:"[:LETTERS_OF_KIND]


OWED = "kind = 'invoice' AND status IN ('due', 'unpaid')"
"""The condition of an index, which queries repeat word for word."""

Invoice.add_index(Invoice.index(Invoice.account, Invoice.id, name="invoice_of_account"))
Invoice.add_index(
    Invoice.index(
        Invoice.account, Invoice.kind, Invoice.status,
        Invoice.total_cents, Invoice.credited_cents, Invoice.offset_cents, name="invoice_owed",
    ).where(SQL(OWED))
)  # fmt: skip


class InvoiceLine(Table):
    """One position of an invoice and the days it is charged for; ``net_cents`` excludes VAT.

    ``period_end`` is the day after the last one. For ``days`` and ``period_days`` see `OrderLine`.
    """

    id = AutoField()
    invoice = ForeignKeyField(Invoice, backref="lines", index=False)
    position = IntegerField()
    offer_code = CharField(max_length=16)
    offer_name = CharField(max_length=64)
    service = CharField(max_length=255, default="")
    quantity = IntegerField()
    unit_price_cents = IntegerField()
    net_cents = BigIntegerField()
    days = IntegerField(null=True)
    period_days = IntegerField(null=True)
    period_start = DateField()
    period_end = DateField()

    class Meta:
        constraints = [
            Check("quantity > 0"),
            Check("unit_price_cents >= 0"),
            Check("period_start < period_end"),
            Check("(days IS NULL) = (period_days IS NULL)"),
            Check("days IS NULL OR (days BETWEEN 1 AND period_days)"),
            Check(
                "net_cents = CASE WHEN days IS NULL "
                "THEN quantity * CAST(unit_price_cents AS BIGINT) "
                "ELSE (2 * quantity * CAST(unit_price_cents AS BIGINT) * days + period_days) "
                "/ (2 * period_days) END"
            ),
        ]
        indexes = ((("invoice", "position"), True),)


class InvoiceFile(Table):
    """The PDF of an invoice (Factur-X), made once and kept for ever; ``digest`` is its SHA-256."""

    invoice = ForeignKeyField(Invoice, backref="file", primary_key=True)
    content = BlobField()
    digest = CharField(max_length=64)
    made_at = MomentField()


class MovedPayment(Table):
    """The money received for a wrong invoice that pays the one in its place, taxed otherwise.

    ``credit_note`` is the wrong invoice's. What goodwill paid is not in ``cents``.
    """

    id = AutoField()
    credit_note = ForeignKeyField(Invoice, unique=True)
    cents = BigIntegerField()

    class Meta:
        constraints = [Check("cents >= 0")]


class MovedLoss(Table):
    """What a credit note of a wrong invoice absorbed, or gave free again, after it was issued.

    Positive ``cents`` of what a bank took back count for the wrong invoice from then on, and no
    longer for the one in its place, which may be taxed otherwise.
    """

    id = AutoField()
    credit_note = ForeignKeyField(Invoice)
    cents = BigIntegerField()
    at = MomentField()

    class Meta:
        indexes = ((("at", "id"), False),)
