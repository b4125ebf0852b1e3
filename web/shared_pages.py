"""Public pages as every visitor without a session sees them: rendered once, then kept in memory.

A view says by `shared` that its page is such a page. For a visitor without a session it carries no
token, no message and no name, so one copy serves them all, until the catalogue changes
(`shop.pricing.catalogue_version`, which is read for each request). Whoever has a session, or sees
the shop as a customer (`web.viewing`), gets a page of their own, which nothing keeps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec
from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, current_app, g, request, session, url_for
from peewee import DatabaseError

from shop import database
from shop.pricing import catalogue_version
from shop.settings import Settings
from web import access_log, error_pages, headers, hosts, languages, viewing
from web.assets import Assets
from web.cookies import name_of
from web.shared_read import SharedRead
from web.stored import RawHeaders, Stored, compressed, raw_headers

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger()

P = ParamSpec("P")

CACHE_CONTROL = "public, max-age=0, must-revalidate"
"""Browsers ask each time whether their copy is still right: a price or a sign-in shows at once."""

VARY = ("Accept-Encoding", "Cookie")

MOST_KEPT = 500
"""Pages kept; there are fewer, unless many versions of contracts are read."""

READING = {"GET", "HEAD"}
BODY_HEADERS = {"content-length", "transfer-encoding"}

Key = tuple[str, str, str]


@dataclass(frozen=True)
class _Kept:
    """A page, what it was made of, and what the access log calls it."""

    version: str
    response: Stored
    route: str
    language: tuple[str, str]
    """The cookie by which browsers remember the page's language, and its header; empty if none."""


def shared(view: Callable[P, Response]) -> Callable[P, Response]:
    """Mark a view's page as the same for every visitor without a session.

    Pages with arguments in their URL carry no token either, but are not kept, unless the view
    calls `keep_with`.
    """

    @wraps(view)
    def marked(*given: P.args, **named: P.kwargs) -> Response:
        g.is_shared = request.method in READING and not has_session()
        if g.is_shared and not request.query_string:
            _may_be_kept()
        return view(*given, **named)

    return marked


def keep_with(query: str) -> None:
    """Keep this page, too, if its URL has exactly the arguments ``query``."""
    if is_shared() and request.query_string == query.encode():
        _may_be_kept()


def do_not_keep() -> None:
    """Do not keep the page being made, after all."""
    g.pop("kept_version", None)


def is_shared() -> bool:
    """Return whether the page being made is for all visitors without a session."""
    return bool(g.get("is_shared"))


def _may_be_kept() -> None:
    # Read before the view reads anything of the catalogue.
    g.kept_version = _version_with(current_app.extensions["assets"], catalogue_version.current())


def _version_with(assets: Assets, of_catalogue: str) -> str:
    """Return the version of what pages are made of; other assets have other URLs."""
    return f"{of_catalogue} {assets.version}"


def has_session() -> bool:
    """Return whether the browser of this request has a session, so that caches keep nothing.

    The one of a member of staff who sees the shop as a customer may have lost its own meanwhile.
    """
    own = current_app.config["SESSION_COOKIE_NAME"]
    return own in request.cookies or name_of(viewing.COOKIE) in request.cookies


class SharedPages:
    """The WSGI application in front of the shop: answers from memory what it can."""

    def __init__(self, app: Flask, settings: Settings, assets: Assets) -> None:
        self._application: WSGIApplication = app.wsgi_app
        self._session = f"{app.config['SESSION_COOKIE_NAME']}="
        self._viewing = f"{name_of(viewing.COOKIE, production=settings.production)}="
        self._always = list(headers.of_pages(settings).items())
        self._assets = assets
        self._hosts = set(_usual_hosts(settings))
        self._is_behind_proxies = settings.trusted_proxies > 0
        self._kept: dict[Key, _Kept] = {}
        self._read: SharedRead[str] | None = None
        app.after_request(self._keep)

        @app.context_processor
        def _shared() -> dict[str, Any]:
            return {"is_shared": is_shared()}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request from memory, or have the application answer it."""
        file = self._assets.find(environ["PATH_INFO"])
        if file is not None and environ["REQUEST_METHOD"] in READING:
            return file.answer(environ, start_response)
        began = time.perf_counter()
        kept = None
        if environ["REQUEST_METHOD"] in READING:
            kept = self._find(_key(environ), environ.get("HTTP_COOKIE", ""))
        if kept is None:
            return self._application(environ, start_response)
        return self._answer(kept, environ, start_response, began)

    async def answer_at_once(
        self, method: str, path: str, query: str, headers: Mapping[str, str]
    ) -> tuple[int, RawHeaders, bytes] | None:
        """Return the answer to a request for a file or a kept page; None for all others.

        The web server's event loop calls this before it gives a request to a thread, which would
        take longer than the answer. A database elsewhere is asked for the version once for all
        requests that wait for it. ``headers`` are the request's by lower-case name.
        """
        if method not in READING or not BODY_HEADERS.isdisjoint(headers):
            return None
        file = self._assets.find(path)
        if file is not None:
            return file.raw_answer(method, headers)
        began = time.perf_counter()
        kept = self._kept.get((self._host(headers), path, query))
        cookies = headers.get("cookie", "")
        if kept is None or self._has_session(cookies):
            return None
        if kept.version != await self._version_at_once():
            return None
        status, raw, body = kept.response.raw_answer(method, headers)
        extra = self._record(kept, method, status, began, cookies)
        return status, [*raw, *raw_headers(extra)], body

    def _has_session(self, cookies: str) -> bool:
        return self._session in cookies or self._viewing in cookies

    def _host(self, headers: Mapping[str, str]) -> str:
        """Return the host asked for, as the nearest proxy says it where there is one."""
        if not self._is_behind_proxies:
            return headers.get("host", "")
        if "x-forwarded-port" in headers:
            return ""  # It may change the host: the application finds out.
        said = headers.get("x-forwarded-host", "").rpartition(",")[2].strip()
        return said or headers.get("host", "")

    def _find(self, key: Key, cookies: str) -> _Kept | None:
        kept = self._kept.get(key)
        if kept is None or self._has_session(cookies):
            return None
        return kept if kept.version == self._version() else None

    def _version(self) -> str:
        """Return what a kept page has to be made of to be shown now; "" if it cannot be known."""
        try:
            with database.connection():
                return _version_with(self._assets, catalogue_version.current_by_clock())
        except (*database.DATABASE_UNAVAILABLE, DatabaseError):
            return ""  # The application says so: its file may be damaged, too.

    async def _version_at_once(self) -> str:
        """Return `_version` without a thread; "" also if only a thread finds it out."""
        if database.reads_at_once():
            return self._version()
        if self._read is None:
            self._read = SharedRead(
                database.open_apart, *catalogue_version.statement_by_clock("$1"), self._version_of
            )
        try:
            return await self._read.value()
        except database.DATABASE_UNAVAILABLE:
            return ""  # The application says so.

    def _version_of(self, row: Sequence[str | None]) -> str:
        known = catalogue_version.known_by_clock(row)
        return _version_with(self._assets, known) if known else ""

    def _answer(
        self,
        kept: _Kept,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        began: float,
    ) -> list[bytes]:
        found: list[Any] = []
        body = kept.response.answer(environ, lambda *given: found.extend(given))  # type: ignore[arg-type]
        status, given = found
        method, cookies = environ["REQUEST_METHOD"], environ.get("HTTP_COOKIE", "")
        extra = self._record(kept, method, int(status[:3]), began, cookies)
        start_response(status, [*given, *extra])
        return body

    def _record(
        self, kept: _Kept, method: str, status: int, began: float, cookies: str
    ) -> list[tuple[str, str]]:
        """Log an answer; return the headers that it has for this request alone."""
        reference = error_pages.new_reference()
        seconds = time.perf_counter() - began
        access_log.record_kept(method, kept.route, status, seconds, reference)
        cookie, header = kept.language
        if cookie and cookie not in cookies.split("; "):
            return [("X-Request-Id", reference), ("Set-Cookie", header)]
        return [("X-Request-Id", reference)]

    def _is_usual(self) -> bool:
        """Return whether this request names host and page as links do.

        Both can be written in any number of ways, which would take the places of all other pages.
        """
        path = url_for(str(request.endpoint), **(request.view_args or {}))
        return request.environ.get("HTTP_HOST") in self._hosts and request.path == path

    def _keep(self, response: Response) -> Response:
        """Keep the page just made, if its view said so; send it as it will be sent from now on."""
        if "kept_version" not in g or response.status_code != 200 or not self._is_usual():
            return response
        if session.modified or response.headers.get("Set-Cookie"):
            log.error("shared_page_has_a_session", route=str(request.url_rule))
            return response
        response.vary.update(VARY)
        own = [
            ("Content-Type", response.headers["Content-Type"]),
            ("Cache-Control", CACHE_CONTROL),
            ("Vary", response.headers["Vary"]),
        ]
        stored = Stored(compressed(response.get_data()), own, self._always)
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[_key(request.environ)] = _Kept(
            g.kept_version, stored, str(request.url_rule), languages.cookie_of_page()
        )
        sent = _as_response(stored, request.environ)
        for name, _ in self._always:
            # As of all responses, `web.headers` adds them.
            del sent.headers[name]
        return sent


def _key(environ: Mapping[str, Any]) -> Key:
    """Return host, path and arguments; only names of this shop come as far as being kept."""
    return environ.get("HTTP_HOST", ""), environ["PATH_INFO"], environ.get("QUERY_STRING", "")


def _usual_hosts(settings: Settings) -> Iterator[str]:
    """Yield the names of this shop with and without the ports that links have."""
    ports = {None, settings.port, urlsplit(settings.public_url).port}
    for name in hosts.names_of(settings):
        host = f"[{name}]" if ":" in name else name
        yield from (host if port is None else f"{host}:{port}" for port in ports)


def _as_response(stored: Stored, environ: Mapping[str, Any]) -> Response:
    """Return the response that `Stored.answer` gives, for the application to add to."""
    started: list[Any] = []
    body = stored.answer(environ, lambda *given: started.append(given))  # type: ignore[arg-type]
    status, given = started[0]
    return Response(body, status, given)
