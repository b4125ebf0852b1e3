"""Files as answers."""

from __future__ import annotations

from flask import Response


def pdf(content: bytes, filename: str) -> Response:
    """A PDF to open or keep, under a name that needs no quoting."""
    response = Response(content, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{filename}"'
    return response
