"""Exports of all data of an account."""

from __future__ import annotations

from enum import StrEnum

from peewee import (
    SQL,
    AutoField,
    BigAutoField,
    BigIntegerField,
    BlobField,
    CharField,
    Check,
    ForeignKeyField,
    IntegerField,
)

from records.accounts import Account
from records.base import MomentField, StateMachine, Table, one_of


class ExportStatus(StrEnum):
    """The status of an export of all data."""

    REQUESTED = "requested"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"


EXPORT_MOVES: dict[str, set[str]] = {
    ExportStatus.REQUESTED: {ExportStatus.READY, ExportStatus.FAILED},
    ExportStatus.READY: {ExportStatus.EXPIRED},
    ExportStatus.FAILED: set(),
    ExportStatus.EXPIRED: set(),
}


class DataExport(StateMachine):
    """All data of an account as one ZIP file, made by the worker; one at a time."""

    event_subject = "export"
    moves = EXPORT_MOVES

    id = AutoField()
    account = ForeignKeyField(Account, backref="exports", on_delete="CASCADE")
    status = CharField(max_length=16, default=ExportStatus.REQUESTED)
    size = BigIntegerField(default=0)
    requested_at = MomentField()
    ready_at = MomentField(null=True)
    expires_at = MomentField(null=True)

    class Meta:
        constraints = [
            one_of("status", ExportStatus),
            Check("size >= 0"),
            Check("(status IN ('ready', 'expired')) = (ready_at IS NOT NULL)"),
            Check("(ready_at IS NULL) = (expires_at IS NULL)"),
        ]
        indexes = ((("status", "expires_at"), False),)

    @property
    def is_ready(self) -> bool:
        """Whether it can be downloaded."""
        return self.status == ExportStatus.READY


DataExport.add_index(
    DataExport.index(DataExport.account, unique=True, name="data_export_one_requested").where(
        SQL("status = 'requested'")
    )
)


class DataExportPart(Table):
    """A chunk of an export, ordered by ``number``: no process holds the whole file in memory."""

    id = BigAutoField()
    export = ForeignKeyField(DataExport, backref="parts", on_delete="CASCADE")
    number = IntegerField()
    content = BlobField()

    class Meta:
        constraints = [Check("number >= 0")]
        indexes = ((("export", "number"), True),)
