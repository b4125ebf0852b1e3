"""The language of a request: French or English, and URLs that contain it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from babel import Locale
from babel.support import NullTranslations
from flask import Flask, Response, current_app, g, request, url_for
from flask_babel import Babel, Domain, get_locale, gettext
from flask_login import current_user
from jinja2 import pass_context
from jinja2.runtime import Context
from werkzeug.routing import AnyConverter, Map
from werkzeug.wrappers import Request

from models import Language
from shop.text import formats, markdown, templates
from web import cookies, notices
from web.urls import page_url

LANGUAGE_COOKIE = "language"

CODES = tuple(Language)

LOCALES = {str(code): Locale.parse(code) for code in CODES}
"""Babel looks for the files of a language each time that it is asked for one by its code."""

QUALITY = re.compile(r"[01](\.\d{0,3})?", re.ASCII)
MOST_ACCEPTED = 20
"""The languages of a browser that are read."""


def preferred() -> str:
    """Return the visitor's language by cookie, then by the browser; French by default."""
    return preferred_by(request)


def preferred_by(asked: Request) -> str:
    """Return what `preferred` does for a request outside any context."""
    chosen = asked.cookies.get(cookies.name_of(LANGUAGE_COOKIE))
    if chosen in CODES:
        return str(chosen)
    return _best_of(asked.headers.get("Accept-Language", "")) or Language.FRENCH


def _best_of(accepted: str) -> str | None:
    """Return the language of ours that a browser wants most, French of Canada being French.

    ``fr-FR,en;q=0.5`` wants French: a library that looks for exact names first would say English.
    """
    wanted = []
    for place, entry in enumerate(accepted.split(",")[:MOST_ACCEPTED]):
        tag, _, parameter = entry.strip().lower().partition(";")
        language = tag.strip().partition("-")[0]
        quality = _quality(parameter)
        if language in CODES and quality > 0:
            wanted.append((-quality, place, language))
    return min(wanted)[2] if wanted else None


def _quality(parameter: str) -> float:
    name, _, value = parameter.replace(" ", "").partition("=")
    if name != "q":
        return 1.0
    return float(value) if QUALITY.fullmatch(value) else 0.0


def remember(response: Response, language: str) -> None:
    """Store the language in a cookie, for a year."""
    cookies.set_for_long(response, LANGUAGE_COOKIE, language, 31536000)


def remember_page() -> None:
    """Have the visitor's browser remember the language of this page."""
    g.remembers = True


def cookie_of_page() -> tuple[str, str]:
    """Return the cookie of this page's language and the header that sets it; empty for most."""
    if not g.get("remembers"):
        return "", ""
    response = Response()
    remember(response, current_language())
    header = response.headers["Set-Cookie"]
    return header.partition(";")[0], header


def current_language() -> str:
    """Return the language of this request: of the URL, else of the customer, else preferred."""
    if "language" not in g:
        g.language = _of_address() or _of_customer() or _asked_for() or preferred()
    return str(g.language)


ASKED = "lang"
"""The argument by which a visitor asks for a page in another language, where its path has none."""


def _asked_for() -> str | None:
    """Return the language that the visitor asks for, which the browser then remembers."""
    asked = request.args.get(ASKED)
    if asked not in CODES:
        return None
    remember_page()
    return asked


def _of_address() -> str | None:
    given = (request.view_args or {}).get("lang") or request.path.split("/")[1]
    return given if given in CODES else None


def _of_customer() -> str | None:
    # Loading the user costs a query, which a customer's page needs anyway.
    user = current_user._get_current_object()
    g.is_customers = bool(user.is_authenticated)
    return user.account.language if g.is_customers else None


def same_page_in(language: str) -> str:
    """Return the URL of this page in another language; of the first page if there is none."""
    pieces: dict[str, Any] = dict(request.view_args or {})
    if not request.endpoint or not _can_be_opened():
        return url_for("storefront.home", lang=language)
    if "lang" not in pieces:
        return _asking_for(language)
    # The query is appended unchanged: url_for treats some names as its own options.
    address = page_url(request.endpoint, **pieces | {"lang": str(language)})
    if "query_of_page" not in g:
        g.query_of_page = urlencode(list(request.args.items(multi=True)))
    return f"{address}?{g.query_of_page}" if g.query_of_page else address


def _asking_for(language: str) -> str:
    """Return the URL by which a visitor asks for this page, whose path has no language."""
    if g.get("is_customers") or not request.endpoint:
        # Their account has a language; pages of the customer area have a form that changes it.
        return url_for("storefront.home", lang=language)
    kept = [pair for pair in request.args.items(multi=True) if pair[0] != ASKED]
    url = url_for(request.endpoint, **request.view_args or {})
    return f"{url}?{urlencode([*kept, (ASKED, language)])}"


def url_of_page() -> str:
    """Return the URL of this page; empty if it does not answer GET."""
    return request.full_path if _can_be_opened() else ""


def _can_be_opened() -> bool:
    """Return whether this URL answers GET: it may be the target of a form just sent."""
    if request.method == "GET":
        return True
    adapter = current_app.create_url_adapter(request)
    return adapter is not None and "GET" in adapter.allowed_methods()


class LanguageConverter(AnyConverter):
    """The language in a URL: ``/<language:lang>/order``."""

    def __init__(self, map: Map) -> None:
        super().__init__(map, *Language)


def init_app(app: Flask) -> None:
    """Set up translations, languages in URLs, and the filters for amounts and dates."""
    app.url_map.converters["language"] = LanguageConverter
    _Babel(app, locale_selector=lambda: LOCALES[current_language()])

    @app.after_request
    def _remember(response: Response) -> Response:
        known = request.cookies.get(cookies.name_of(LANGUAGE_COOKIE))
        if g.get("remembers") and known != current_language():
            remember(response, current_language())
        return response

    @app.context_processor
    def _languages() -> dict[str, Any]:
        return {
            "lang": current_language(),
            "languages": tuple(Language),
            "language_url": same_page_in,
            "page_url": url_of_page,
        }

    app.jinja_env.globals["notices"] = notices.shown

    for name in formats.FILTERS:
        app.add_template_filter(_localised(formats.FILTERS[name]), name)
    app.add_template_filter(_localised(formats.money_on_page), "money")
    app.add_template_filter(markdown.markdown, "markdown")


class _Catalogues(Domain):
    """The catalogues used for e-mails and documents; they are compiled when needed."""

    def get_translations(self) -> NullTranslations:
        return templates.translations(str(get_locale() or Language.FRENCH))


class _Babel(Babel):
    @property
    def domain_instance(self) -> Domain:
        return _Catalogues(domain=self.domain)


def _localised(function: Any) -> Any:
    # pass_context keeps Jinja from folding a constant, which would fix its first language.
    @pass_context
    def filter_(_context: Context, value: Any, *args: Any, **kwargs: Any) -> str:
        return str(function(value, str(get_locale() or Language.FRENCH), *args, **kwargs))

    return filter_


def sentence(refusal: Any) -> str:
    """Return the message of a refusal in the language of this request."""
    text = gettext(refusal.sentence)
    return text % refusal.values if refusal.values else text
