"""Letters sent, or to be sent, and what is attached to them."""

from __future__ import annotations

from enum import StrEnum

from peewee import (
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


class LetterStatus(StrEnum):
    """Where a letter stands: ``stored`` is the end where no SMTP server is configured."""

    QUEUED = "queued"
    STORED = "stored"
    SENT = "sent"
    FAILED = "failed"


LETTER_MOVES: dict[str, set[str]] = {
    LetterStatus.QUEUED: {LetterStatus.STORED, LetterStatus.SENT, LetterStatus.FAILED},
    LetterStatus.STORED: {LetterStatus.QUEUED},
    LetterStatus.FAILED: {LetterStatus.QUEUED},
    LetterStatus.SENT: {LetterStatus.QUEUED},
}


class Letter(StateMachine):
    """An e-mail the customer received, as sent. ``key`` lets each cause write one letter.

    ``addressee`` is whose mailbox the ``recipient`` is, where it is known not to be the customer's;
    ``folded`` is what the ``subject`` is found by (`shop.licences.seats.search_keys`).
    ``text`` and ``html`` are encrypted where ``is_secret``; read them through `shop.mail`.
    """

    event_subject = "letter"
    moves = LETTER_MOVES

    id = AutoField()
    account = ForeignKeyField(Account, backref="letters")
    kind = CharField(max_length=32)
    key = CharField(max_length=128, unique=True)
    language = CharField(max_length=2)
    recipient = CharField(max_length=254)
    addressee = CharField(max_length=512, default="")
    subject = CharField(max_length=255)
    folded = TextField(default="")
    text = TextField()
    html = TextField()
    is_secret = BooleanField(default=False)
    status = CharField(max_length=16, default=LetterStatus.QUEUED)
    error = CharField(max_length=255, default="")
    created_at = MomentField()
    sent_at = MomentField(null=True)

    class Meta:
        constraints = [one_of("status", LetterStatus), one_of("language", Language)]
        indexes = ((("account", "id"), False), (("status",), False))


class Attachment(Table):
    """A document that goes with a letter; its content is made by the worker, once."""

    id = AutoField()
    letter = ForeignKeyField(Letter, backref="attachments", on_delete="CASCADE")
    document = CharField(max_length=32)
    subject_id = IntegerField()
    filename = CharField(max_length=128)
    content = BlobField(null=True)

    class Meta:
        indexes = ((("letter", "filename"), True),)
