"""The templates of pages, compiled once for each language."""

from __future__ import annotations

from collections.abc import MutableMapping
from functools import partial
from typing import Any

import flask.templating
from flask.sansio.app import App
from flask_babel import get_locale
from jinja2 import Template

from models import Language
from shop.text import compiled, formats, templates
from shop.text.translating import TranslatingEnvironment


class PageEnvironment(TranslatingEnvironment, flask.templating.Environment):
    """The application's Jinja: it renders each page in the environment of the page's language."""

    def __init__(self, app: App, **options: Any) -> None:
        super().__init__(app, **options)
        self._languages: dict[str, PageEnvironment] = {}

    def in_language(self, language: str) -> PageEnvironment:
        """Return the environment of a language; it has what the application set up until now."""
        catalogue = templates.translations(language)
        made = self._languages.get(language)
        if made is None or made.catalogue is not catalogue:
            made = self.overlay()
            made.catalogue = catalogue
            made.bytecode_cache = compiled.kept("pages", language, catalogue)
            made.filters = self.filters | {
                name: partial(write, language=language) for name, write in formats.FILTERS.items()
            }
            self._languages[language] = made
        return made

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
