"""Responses kept in memory in each content coding, and answered without the application."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import brotli
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

if TYPE_CHECKING:
    from wsgiref.types import StartResponse

Headers = list[tuple[str, str]]

RawHeaders = list[tuple[bytes, bytes]]
EMPTY: Headers = []

PLAIN, GZIP, BROTLI = "", "gzip", "br"
"""The content codings; the first is that of a body without any."""

PAGE_QUALITY = 6
"""Brotli's quality for a page that a request waits for; files are compressed at 11 beforehand."""

LONGEST_ACCEPT = 200
"""Characters of an Accept-Encoding that is read; no browser's is longer."""

NOT_MODIFIED = {"cache-control", "etag", "vary"}
"""The headers of a response 304, beside those of every response."""


@lru_cache(maxsize=256)
def coding_for(accepted: str) -> str:
    """Return the content coding to answer a request with this Accept-Encoding in."""
    if len(accepted) > LONGEST_ACCEPT:
        return PLAIN
    wanted = parse_accept_header(accepted, Accept)
    best = max((BROTLI, GZIP), key=wanted.quality)
    return best if wanted.quality(best) > 0 else PLAIN


def compressed(body: bytes) -> dict[str, bytes]:
    """Return a page's body in every content coding."""
    return {
        PLAIN: body,
        GZIP: gzip.compress(body, 6, mtime=0),
        BROTLI: brotli.compress(body, quality=PAGE_QUALITY),
    }


@dataclass(frozen=True)
class _Form:
    """A body in one coding, its entity tag, and the headers with and without it."""

    body: bytes
    tag: str
    headers: Headers
    unmodified: Headers
    raw: RawHeaders
    raw_unmodified: RawHeaders


def _form(body: bytes, coding: str, digest: str, headers: Headers, always: Headers) -> _Form:
    tag = f'"{digest}-{coding}"' if coding else f'"{digest}"'
    own = [*headers, ("ETag", tag)]
    unmodified = [pair for pair in own if pair[0].lower() in NOT_MODIFIED]
    whole = [*own, ("Content-Length", str(len(body)))]
    if coding:
        whole.append(("Content-Encoding", coding))
    both = [*whole, *always], [*unmodified, *always]
    return _Form(body, tag, *both, *map(raw_headers, both))


def raw_headers(headers: Headers) -> RawHeaders:
    """Return headers as ASGI has them."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


class Stored:
    """A response 200 to GET and HEAD: the body by content coding, and the headers.

    A coding that ``bodies`` lacks is answered by the plain body. ``always`` are the headers that a
    response 304 has as well.
    """

    def __init__(
        self, bodies: Mapping[str, bytes], headers: Headers, always: Headers = EMPTY
    ) -> None:
        digest = hashlib.sha256(bodies[PLAIN]).hexdigest()[:20]
        self._forms = {
            coding: _form(body, coding, digest, headers, always) for coding, body in bodies.items()
        }

    def form_for(self, accepted: str) -> _Form:
        """Return the body to send to a client that accepts these content codings."""
        return self._forms.get(coding_for(accepted)) or self._forms[PLAIN]

    def answer(
        self, environ: Mapping[str, Any], start_response: StartResponse, extra: Iterable[Any] = ()
    ) -> list[bytes]:
        """Answer a WSGI request, with 304 if the client has this body already."""
        form = self.form_for(environ.get("HTTP_ACCEPT_ENCODING", ""))
        if _names(environ.get("HTTP_IF_NONE_MATCH", ""), form.tag):
            start_response("304 NOT MODIFIED", [*form.unmodified, *extra])
            return []
        start_response("200 OK", [*form.headers, *extra])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [form.body]

    def raw_answer(self, method: str, headers: Mapping[str, str]) -> tuple[int, RawHeaders, bytes]:
        """Return what `answer` sends, for ASGI; ``headers`` are the request's, lower-case."""
        form = self.form_for(headers.get("accept-encoding", ""))
        if _names(headers.get("if-none-match", ""), form.tag):
            return 304, form.raw_unmodified, b""
        return 200, form.raw, b"" if method == "HEAD" else form.body


def _names(condition: str, tag: str) -> bool:
    """Return whether an If-None-Match names an entity tag; the comparison is weak (RFC 9110)."""
    given = (each.strip().removeprefix("W/") for each in condition.split(","))
    return bool(condition) and any(each in {tag, "*"} for each in given)
