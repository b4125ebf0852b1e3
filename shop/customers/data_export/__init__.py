"""All data as a download: a ZIP file the worker makes, there for a week for its owner alone."""

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

KEPT = timedelta(days=7)
PART = 512 * 1024
"""Bytes of a piece: what making and downloading a file of any size hold in memory."""

SHOWN = 10


# --- Asking for one --------------------------------------------------------------------------


def request_export(account: Account, origin: Origin) -> DataExport:
    """Have a copy of all data made. Raises `Conflict` while one is being made."""
    rate_limits.count_attempt(rate_limits.EXPORT_PER_ACCOUNT, "export", account.nic_handle)
    try:
        with database.atomic():
            export: DataExport = DataExport.create(account=account, requested_at=clock.now())
            make_export.later(export=export.id)
            activity_log.record(account, "export_requested", origin)
            return export
    except IntegrityError as error:
        raise Conflict(N_("A copy is being made already.")) from error


def of_account(account: Account) -> list[DataExport]:
    """The last copies asked for, newest first."""
    query = DataExport.select().where(DataExport.account == account)
    return list(query.order_by(DataExport.id.desc()).limit(SHOWN))


# --- Making it -------------------------------------------------------------------------------


def _not_made(export: int, reason: str) -> None:
    row = DataExport.get_by_id(export)
    if row.status == ExportStatus.REQUESTED:
        log.error("export not made", export=export, reason=reason)
        transitions.move(row, ExportStatus.FAILED, by="shop", note=reason)
        _drop_pieces(row)


@jobs.handles("make_export", attempts=5, first_delay=timedelta(seconds=10), give_up=_not_made)
def make_export(export: int) -> None:
    """Write the file anew and say that it is ready."""
    from shop.customers.data_export import content

    row = DataExport.select(DataExport, Account).join(Account).where(DataExport.id == export).get()
    if row.status != ExportStatus.REQUESTED:
        return
    _drop_pieces(row)
    size = 0
    for number, piece in enumerate(zipped(content.files(row.account), piece=PART)):
        DataExportPart.create(export=row, number=number, content=piece)
        size += len(piece)
    _ready(row, size)


def _ready(row: DataExport, size: int) -> None:
    now = clock.now()
    with database.atomic():
        stored = fn.COALESCE(fn.SUM(fn.LENGTH(DataExportPart.content)), 0)
        pieces = DataExportPart.select(stored).where(DataExportPart.export == row)
        if pieces.scalar() != size:
            raise RuntimeError("somebody else wrote pieces of this export meanwhile")
        done = transitions.move(
            row, ExportStatus.READY, by="shop", size=size, ready_at=now, expires_at=now + KEPT
        )
        if done:
            expire.using(run_at=now + KEPT).later(export=row.id)
            mail.export_ready(row.account, row)


@jobs.handles("expire_export")
def expire(export: int) -> None:
    """Delete a file whose week is over."""
    row = DataExport.get_by_id(export)
    with database.atomic():
        if row.status == ExportStatus.READY:
            transitions.move(row, ExportStatus.EXPIRED, by="shop")
        _drop_pieces(row)


def _drop_pieces(row: DataExport) -> None:
    DataExportPart.delete().where(DataExportPart.export == row).execute()


# --- Taking it along -------------------------------------------------------------------------


def find_export(account: Account, export_id: int) -> DataExport | None:
    """A copy of this customer's that can be downloaded now."""
    return DataExport.get_or_none(
        DataExport.account == account,
        DataExport.id == export_id,
        DataExport.status == ExportStatus.READY,
        DataExport.expires_at > clock.now(),
    )


def filename(export: DataExport) -> str:
    """The name the file is kept under, without anything personal in it."""
    return f"data-{export.requested_at.astimezone(clock.PARIS):%Y-%m-%d}.zip"


def pieces_of(export: DataExport) -> Iterator[bytes]:
    """The file, piece by piece."""
    number = 0
    while True:
        piece = DataExportPart.get_or_none(
            DataExportPart.export == export, DataExportPart.number == number
        )
        if piece is None:
            return
        yield bytes(piece.content)
        number += 1
