"""The templates of pages, compiled once for each language."""

from __future__ import annotations

from collections.abc import MutableMapping
from functools import partial
from typing import Any

import flask.templating
from flask import Flask
from flask_babel import get_locale
from jinja2 import Template

from models import Language
from shop.text import formats, templates
from shop.text.translating import TranslatingEnvironment


class PageEnvironment(TranslatingEnvironment, flask.templating.Environment):
    """The application's Jinja: it renders each page in the environment of the page's language."""

    def __init__(self, app: Flask, **options: Any) -> None:
        super().__init__(app, **options)
        self._languages: dict[str, PageEnvironment] = {}

    @property
    def language(self) -> str:
        """The code of this environment's language; "" in the application's own."""
        return next((code for code, known in self._languages.items() if known is self), "")

    def in_language(self, language: str) -> PageEnvironment:
        """Return the environment of a language; it has what the application set up until now."""
        if language not in self._languages:
            made = self.overlay()
            made.catalogue = templates.translations(language)
            made.filters = self.filters | {
                name: partial(write, language=language) for name, write in formats.FILTERS.items()
            }
            self._languages.setdefault(language, made)
        return self._languages[language]

    def get_or_select_template(
        self,
        template_name_or_list: str | Template | list[str | Template],
        parent: str | None = None,
        globals: MutableMapping[str, Any] | None = None,
    ) -> Template:
        """Return a template in the language of this request, as ``render_template`` asks for it."""
        if self.catalogue is None:
            of_request = self.in_language(str(get_locale() or Language.FRENCH))
            return of_request.get_or_select_template(template_name_or_list, parent, globals)
        return super().get_or_select_template(template_name_or_list, parent, globals)
