"""E-mails to customers, with their attachments, and to members of staff."""

from __future__ import annotations

from enum import StrEnum

from peewee import (
    SQL,
    AutoField,
    BlobField,
    BooleanField,
    CharField,
    ForeignKeyField,
    IntegerField,
    TextField,
)

from records.accounts import Account
from records.base import MomentField, StateMachine, Table, one_of
from records.languages import Language
from records.staff import StaffAccount


class LetterKind(StrEnum):
    """The kind of an e-mail: ``templates/mail`` holds the texts of each."""

    ACCOUNT_CREATED = "account_created"
    ACCOUNT_CLOSED = "account_closed"
    ACCOUNT_ENDING = "account_ending"
    CONTRACT_CHANGE = "contract_change"
    ANNOUNCEMENT = "announcement"
    EMAIL_PROOF = "email_proof"
    PASSWORD_RESET = "password_reset"
    PASSWORD_CHANGED = "password_changed"
    EMAIL_CONFIRMATION = "email_confirmation"
    EMAIL_CHANGED = "email_changed"
    SECOND_FACTOR_CHANGED = "second_factor_changed"
    EXPORT_READY = "export_ready"
    ORDER_PLACED = "order_placed"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_EXPIRED = "order_expired"
    PAYMENT_RECEIVED = "payment_received"
    PAYMENT_REFUNDED = "payment_refunded"
    REST_REFUNDED = "rest_refunded"
    DELIVERY_FAILED = "delivery_failed"
    ATTACH_ORDERED = "attach_ordered"
    INVOICE_ISSUED = "invoice_issued"
    INVOICE_PAID = "invoice_paid"
    PART_PAYMENT_RECEIVED = "part_payment_received"
    GOODWILL_GRANTED = "goodwill_granted"
    CREDIT_NOTE_ISSUED = "credit_note_issued"
    INVOICE_PAYMENT_REFUNDED = "invoice_payment_refunded"
    CREDIT_NOTE_REFUNDED = "credit_note_refunded"
    REFUNDED_BY_BANK = "refunded_by_bank"
    PAYMENT_DISPUTED = "payment_disputed"
    DISPUTE_LOST = "dispute_lost"
    CARD_REMOVED = "card_removed"
    CARD_WITHDRAWN = "card_withdrawn"
    CARD_EXPIRING = "card_expiring"
    REFUND_FAILED = "refund_failed"
    SERVICE_INSTALLED = "service_installed"
    ATTACH_INSTALLED = "attach_installed"
    LICENCES_ADDED = "licences_added"
    LICENCE_ACTIVE = "licence_active"
    LICENCE_FOR_OWNER = "licence_for_owner"
    LICENCE_LINK = "licence_link"
    PASSWORDS_READY = "passwords_ready"
    SEAT_PASSWORD_CHANGED = "seat_password_changed"
    LICENCE_RELEASED = "licence_released"
    RENEWAL_COMING = "renewal_coming"
    PAYMENT_FAILED = "payment_failed"
    SERVICE_SUSPENDED = "service_suspended"
    SERVICE_RESUMED = "service_resumed"
    SERVICE_SUSPENDED_BY_US = "service_suspended_by_us"
    SERVICE_RESUMED_BY_US = "service_resumed_by_us"
    TERMINATION_NOTICE = "termination_notice"
    TERMINATION_LINK = "termination_link"
    TERMINATION_SCHEDULED = "termination_scheduled"
    TERMINATION_UNDONE = "termination_undone"
    SERVICE_TERMINATED = "service_terminated"
    WITHDRAWAL_RECEIVED = "withdrawal_received"
    LICENCES_GIVEN_BACK = "licences_given_back"
    GIVE_BACK_UNDONE = "give_back_undone"
    PRICE_CHANGE = "price_change"
    FREE_PERIOD_ENDING = "free_period_ending"


TO_UNPROVED = {LetterKind.EMAIL_CONFIRMATION, LetterKind.EMAIL_PROOF}
"""Kinds of e-mails to an address that its customer has not proved to be theirs."""

TO_STRANGERS = {LetterKind.LICENCE_LINK}
"""Kinds of e-mails to an address that the customer typed, and its owner has not proved."""

INDEPENDENT = TO_UNPROVED | {LetterKind.LICENCE_FOR_OWNER}
"""Kinds that do not wait for the account's address: the mailbox of a licence's owner is one of the
customer's Exchange service."""


class LetterStatus(StrEnum):
    """The status of an e-mail: ``stored`` is final where no SMTP server is configured."""

    QUEUED = "queued"
    STORED = "stored"
    SENT = "sent"
    FAILED = "failed"


LETTER_MOVES: dict[str, set[str]] = {
    LetterStatus.QUEUED: {LetterStatus.STORED, LetterStatus.SENT, LetterStatus.FAILED},
    LetterStatus.STORED: {LetterStatus.QUEUED},
    # One that is emptied is not sent any more.
    LetterStatus.FAILED: {LetterStatus.QUEUED, LetterStatus.STORED},
    LetterStatus.SENT: {LetterStatus.QUEUED},
}


class StoredLetter(StateMachine):
    """An e-mail as sent, to a customer or to a member of staff.

    The unique ``key`` allows one e-mail for each cause. ``text`` and ``html`` are encrypted where
    ``is_secret``; read them through `shop.mail`. ``unconfirmed`` counts the attempts after whose
    data the mail server's answer was lost: the e-mail may have arrived. ``emptied_at`` is when its
    content was deleted because it is no longer needed (`shop.personal_data`).
    """

    moves = LETTER_MOVES

    id = AutoField()
    kind = CharField(max_length=32)
    key = CharField(max_length=128, unique=True)
    language = CharField(max_length=2)
    recipient = CharField(max_length=254)
    subject = CharField(max_length=255)
    text = TextField()
    html = TextField()
    is_secret = BooleanField(default=False)
    status = CharField(max_length=16, default=LetterStatus.QUEUED)
    error = CharField(max_length=255, default="")
    unconfirmed = IntegerField(default=0)
    created_at = MomentField()
    sent_at = MomentField(null=True)
    emptied_at = MomentField(null=True)

    class Meta:
        constraints = [one_of("status", LetterStatus), one_of("language", Language)]

    @property
    def name_of_recipient(self) -> str:
        """The recipient's name, "" if it is not known whose mailbox it is."""
        return ""

    @property
    def is_doubtful(self) -> bool:
        """Whether it was sent, without the mail server's answer to every attempt."""
        return self.status == LetterStatus.SENT and self.unconfirmed > 0


class Letter(StoredLetter):
    """An e-mail to a customer.

    ``addressee`` is the name of the person whose mailbox ``recipient`` is, where that is known not
    to be the customer; ``folded`` is the search key of ``subject``
    (`shop.licences.seats.search_keys`).
    """

    event_subject = "letter"

    account = ForeignKeyField(Account, backref="letters")
    addressee = CharField(max_length=512, default="")
    folded = TextField(default="")

    class Meta:
        indexes = (
            (("account", "id"), False),
            (("status",), False),
            (("recipient", "sent_at"), False),
        )

    @property
    def name_of_recipient(self) -> str:
        """The recipient's name, "" if it is not known whose mailbox it is."""
        is_customers = self.recipient == self.account.email and self.kind != LetterKind.EMAIL_PROOF
        return self.addressee or (self.account.full_name if is_customers else "")

    def awaits_proof(self, account: Account) -> bool:
        """Whether it is sent only once its ``account`` has proved the e-mail address."""
        is_waiting = self.status == LetterStatus.QUEUED and self.kind not in INDEPENDENT
        return is_waiting and account.email_proved_at is None

    @property
    def may_be_sent_again(self) -> bool:
        """Whether it is not being sent now, and its content is still there."""
        return self.status != LetterStatus.QUEUED and self.emptied_at is None


FAILED = "status = 'failed'"
"""The condition of an index, which queries repeat word for word."""

Letter.add_index(Letter.index(Letter.account, Letter.id, name="letter_failed").where(SQL(FAILED)))
Letter.add_index(Letter.index(Letter.created_at, name="letter_secret").where(SQL("is_secret")))


class DocumentKind(StrEnum):
    """The kind of a document that e-mails have as an attachment."""

    PURCHASE_ORDER = "purchase_order"
    INVOICE = "invoice"
    CONTRACT = "contract"


class Attachment(Table):
    """A document attached to an e-mail; the worker generates its content, once."""

    id = AutoField()
    letter = ForeignKeyField(Letter, backref="attachments", on_delete="CASCADE")
    document = CharField(max_length=32)
    subject_id = IntegerField()
    filename = CharField(max_length=128)
    content = BlobField(null=True)

    class Meta:
        indexes = ((("letter", "filename"), True),)


class StaffLetterKind(StrEnum):
    """The kind of an e-mail to a member of staff: ``templates/mail`` holds the texts of each."""

    STAFF_INVITATION = "staff_invitation"
    STAFF_ACCOUNT_CHANGED = "staff_account_changed"


class StaffLetter(StoredLetter):
    """An e-mail to a member of staff about their account at the desk."""

    event_subject = "staff_letter"

    staff = ForeignKeyField(StaffAccount, backref="letters", on_delete="CASCADE")

    class Meta:
        indexes = ((("staff", "id"), False), (("status",), False))

    @property
    def may_be_sent_again(self) -> bool:
        """Whether it is not being sent now, its content is still there, and its address in use.

        An invitation is never sent again: a new one takes its place.
        """
        is_invitation = self.kind == StaffLetterKind.STAFF_INVITATION
        is_present = self.recipient == self.staff.email and self.emptied_at is None
        return is_present and not is_invitation and self.status != LetterStatus.QUEUED


StaffLetter.add_index(
    StaffLetter.index(StaffLetter.created_at, name="staff_letter_secret").where(SQL("is_secret"))
)
