"""The templates of pages, compiled once for each language."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from functools import lru_cache, partial
from types import FunctionType, MethodType
from typing import Any

import flask.templating
from flask.sansio.app import App
from flask_babel import get_locale
from jinja2 import Template
from jinja2.environment import TemplateModule
from jinja2.runtime import Context, Macro

from models import Language
from shop.text import compiled, formats, templates
from shop.text.compiling import DirectTemplate
from shop.text.translating import TranslatingEnvironment


class PageTemplate(DirectTemplate):
    """A template whose module keeps what some of its macros write."""

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        if self._module is None:
            module = super()._get_default_module()
            for name in getattr(module, KEPT, ()):
                _keep(getattr(module, name))
        return super()._get_default_module()


KEPT = "kept_macros"
"""The variable of a template that names those of its macros whose output is kept."""

MOST_KEPT = 1024
"""Outputs that a process keeps of each of them, in each language."""


def _keep(macro: Macro) -> None:
    """Let a macro whose output depends on its arguments alone keep its output.

    It is called with values that never change: texts, numbers, and tuples of them.
    """
    # Equal texts of which one is marked as safe HTML are different arguments.
    macro._func = lru_cache(MOST_KEPT, typed=True)(macro._func)


PLAIN = (FunctionType, MethodType)
"""What pages give their templates to call, for the most part."""


class PageContext(Context):
    """A context that calls plain functions without looking twice how they want to be called."""

    def call(
        __self,  # noqa: N805 - as Jinja names it: a keyword may be named ``self``
        __obj: Callable[..., Any],
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Call ``__obj`` as a template asks for."""
        kind: type = type(__obj)
        if kind not in PLAIN or hasattr(__obj, "jinja_pass_arg"):
            return super().call(__obj, *args, **kwargs)
        kwargs.pop("_block_vars", None)
        kwargs.pop("_loop_vars", None)
        return __obj(*args, **kwargs)


class PageEnvironment(TranslatingEnvironment, flask.templating.Environment):
    """The application's Jinja: it renders each page in the environment of the page's language."""

    template_class = PageTemplate
    context_class = PageContext

    def __init__(self, app: App, **options: Any) -> None:
        super().__init__(app, **options)
        self._languages: dict[str, PageEnvironment] = {}

    def in_language(self, language: str) -> PageEnvironment:
        """Return the environment of a language; it has what the application set up until now."""
        catalogue = templates.translations(language)
        made = self._languages.get(language)
        if made is None or made.catalogue is not catalogue:
            made = self.overlay()
            made.bytecode_cache = compiled.kept("pages", language, catalogue)
            written = formats.FILTERS | {"money": formats.money_on_page}
            made.filters = self.filters | {
                name: partial(write, language=language) for name, write in written.items()
            }
            made.catalogue = catalogue
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
