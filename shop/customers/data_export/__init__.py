"""Data exports: a ZIP file of all a customer's data, made by the worker, available for a week."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import structlog
from peewee import IntegrityError, fn

from records.accounts import Account
from records.base import database
from records.exports import DataExport, DataExportPart, ExportStatus
from shop import clock, jobs, mail, transitions
from shop.customers import activity_log
from shop.customers.activity_log import Origin
from shop.errors import N_, Conflict
from shop.security import rate_limits
from shop.text.zip_stream import zipped

log = structlog.get_logger()

RETENTION = timedelta(days=7)
PIECE_BYTES = 512 * 1024
"""The size of a piece: the memory used to make or download a file of any size."""

MAX_LISTED = 10


# --- Request ---------------------------------------------------------------------------------


def request_export(account: Account, origin: Origin) -> DataExport:
    """Queue an export of all data. Raise `Conflict` while another one is being made."""
    rate_limits.count_attempt(rate_limits.EXPORT_PER_ACCOUNT, "export", account.nic_handle)
    try:
        with database.atomic():
            export: DataExport = DataExport.create(account=account, requested_at=clock.now())
            make_export.later(export=export.id)
            activity_log.record(account, "export_requested", origin)
            return export
    except IntegrityError as error:
        raise Conflict(N_("A copy is being made already.")) from error


def exports_of_account(account: Account) -> list[DataExport]:
    """Return the latest exports of an account, newest first."""
    query = DataExport.select().where(DataExport.account == account)
    return list(query.order_by(DataExport.id.desc()).limit(MAX_LISTED))


# --- Creation --------------------------------------------------------------------------------


def _mark_failed(export: int, reason: str) -> None:
    row = DataExport.get_by_id(export)
    if row.status == ExportStatus.REQUESTED:
        log.error("export_failed", export=export, reason=reason)
        transitions.move(row, ExportStatus.FAILED, by="shop", note=reason)
        _delete_pieces(row)


@jobs.handles("make_export", attempts=5, first_delay=timedelta(seconds=10), give_up=_mark_failed)
def make_export(export: int) -> None:
    """Write the file, replacing pieces of an earlier attempt, and notify the customer."""
    from shop.customers.data_export import files

    row = DataExport.select(DataExport, Account).join(Account).where(DataExport.id == export).get()
    if row.status != ExportStatus.REQUESTED:
        return
    _delete_pieces(row)
    size = 0
    for number, piece in enumerate(zipped(files.export_files(row.account), piece=PIECE_BYTES)):
        DataExportPart.create(export=row, number=number, content=piece)
        size += len(piece)
    _mark_ready(row, size)


def _mark_ready(row: DataExport, size: int) -> None:
    now = clock.now()
    with database.atomic():
        stored = fn.COALESCE(fn.SUM(fn.LENGTH(DataExportPart.content)), 0)
        pieces = DataExportPart.select(stored).where(DataExportPart.export == row)
        if pieces.scalar() != size:
            raise RuntimeError("another process wrote pieces of this export")
        done = transitions.move(
            row, ExportStatus.READY, by="shop", size=size, ready_at=now, expires_at=now + RETENTION
        )
        if done:
            expire_export.using(run_at=now + RETENTION).later(export=row.id)
            mail.export_ready(row.account, row)


@jobs.handles("expire_export")
def expire_export(export: int) -> None:
    """Delete the file of an export that has expired."""
    row = DataExport.get_by_id(export)
    with database.atomic():
        if row.status == ExportStatus.READY:
            transitions.move(row, ExportStatus.EXPIRED, by="shop")
        _delete_pieces(row)


def _delete_pieces(row: DataExport) -> None:
    DataExportPart.delete().where(DataExportPart.export == row).execute()


# --- Download --------------------------------------------------------------------------------


def find_export(account: Account, export_id: int) -> DataExport | None:
    """Return the customer's export if it can be downloaded now, or None."""
    return DataExport.get_or_none(
        DataExport.account == account,
        DataExport.id == export_id,
        DataExport.status == ExportStatus.READY,
        DataExport.expires_at > clock.now(),
    )


def export_filename(export: DataExport) -> str:
    """Return the name of the downloaded file, which contains no personal data."""
    return f"data-{export.requested_at.astimezone(clock.PARIS):%Y-%m-%d}.zip"


def pieces_of(export: DataExport) -> Iterator[bytes]:
    """Yield the file in pieces."""
    number = 0
    while True:
        piece = DataExportPart.get_or_none(
            DataExportPart.export == export, DataExportPart.number == number
        )
        if piece is None:
            return
        yield bytes(piece.content)
        number += 1
