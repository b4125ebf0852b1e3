"""« Mes données »: an export of all data of the account, for its owner only."""

from __future__ import annotations

from flask import Response, abort, flash, url_for
from flask.typing import ResponseReturnValue

from manager import manager
from manager.confirmation import confirmed_first
from models import ExportStatus
from shop.customers import activity_log, data_export
from shop.errors import Conflict
from web import auth
from web.files import streamed
from web.htmx import go_to, page
from web.languages import sentence


@manager.get("/manager/account/data")
def exports() -> Response:
    """Show the export's progress, and the controls to request and download one."""
    shown = data_export.exports_of_account(auth.customer())
    making = bool(shown) and shown[0].status == ExportStatus.REQUESTED
    return page("manager/data_export.html", "manager/_exports.html", exports=shown, making=making)


@manager.post("/manager/account/exports")
@confirmed_first
def ask_for_export() -> ResponseReturnValue:
    """Request an export."""
    try:
        data_export.request_export(auth.customer(), auth.origin())
    except Conflict as refusal:
        flash(sentence(refusal), "info")
    return go_to(url_for("manager.exports"))


@manager.get("/manager/account/exports/<int:export_id>.zip")
@confirmed_first
def export_file(export_id: int) -> ResponseReturnValue:
    """Return the ZIP file until it expires."""
    who = auth.customer()
    export = data_export.find_export(who, export_id)
    if export is None:
        abort(404)
    activity_log.record(who, "export_downloaded", auth.origin())
    pieces = data_export.pieces_of(export)
    response = streamed(pieces, "application/zip", data_export.export_filename(export))
    response.headers["Content-Length"] = str(export.size)
    return response
