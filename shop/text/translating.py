"""Jinja that translates the texts of a template when it compiles it, not each time it is shown."""

from __future__ import annotations

import re
from collections.abc import Callable, MutableMapping
from functools import lru_cache
from typing import Any

from babel.support import NullTranslations
from jinja2 import Environment, Template, nodes
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from shop.text.compiling import DirectCode, DirectTemplate, written

GETTEXT = {"_", "gettext"}
NGETTEXT = "ngettext"
NUMBER = "num"
"""The value that ``ngettext`` puts into its text by itself."""

MOST_KEPT = 1024
"""Translations of texts from variables that a process keeps, in each language."""

TRANSLATED = "translated"
"""The filter that looks up a text from a variable."""

WRITTEN = "written"
"""The filter that escapes a value."""

GROUPED = "number"
"""The filter that writes a number as its language does (`formats.number`)."""

_TEXTS_ALONE = re.compile(r"([^%]|%\(\w+\)s|%%)*")
"""A text into which nothing but other texts is put."""


class TranslatingEnvironment(Environment):
    """An environment of one language, once ``catalogue`` is set; of none before.

    What Jinja does with ``_("text")`` and ``{% trans %}`` at run time ("newstyle" gettext: the
    translation is safe HTML, the values put into it are escaped) is done at compile time. Plurals
    are still looked up, with their number written by the filter `GROUPED`, and texts from
    variables, those of HTML by the filter `TRANSLATED`.
    """

    code_generator_class = DirectCode
    template_class = DirectTemplate
    _catalogue: NullTranslations | None = None

    @property
    def catalogue(self) -> NullTranslations | None:
        """The texts of its language."""
        return self._catalogue

    @catalogue.setter
    def catalogue(self, catalogue: NullTranslations) -> None:
        self._catalogue = catalogue
        self._known: dict[str, Template] = {}
        self.filters = self.filters | {TRANSLATED: _translated(catalogue), WRITTEN: written}

    def get_template(
        self,
        name: str | Template,
        parent: str | None = None,
        globals: MutableMapping[str, Any] | None = None,
    ) -> Template:
        """Return a template; a page asks some twenty times, and no template changes meanwhile."""
        if globals or not isinstance(name, str) or self.auto_reload or self._catalogue is None:
            return super().get_template(name, parent, globals)
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = super().get_template(name, parent)
        return found

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return a template's globals: those of the environment, unless it is given others, too.

        Jinja would read each of them through a chain for each template of a page.
        """
        return super().make_globals(d) if d else self.globals

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        parsed = super()._parse(source, name, filename)
        if self.catalogue is None:
            return parsed
        escapes = self.autoescape(name) if callable(self.autoescape) else self.autoescape
        translated: nodes.Template = _Texts(self.catalogue, Markup if escapes else str).visit(
            parsed
        )
        return translated


class _Texts(NodeTransformer):
    """Replaces the calls that translate a constant text by the translation."""

    def __init__(self, catalogue: NullTranslations, mark: Callable[[str], str]) -> None:
        self.catalogue, self.mark = catalogue, mark

    def visit_Call(self, call: nodes.Call) -> nodes.Node:  # noqa: N802 - the name Jinja looks for
        self.generic_visit(call)
        if _is_plural(call):
            call.kwargs.append(nodes.Keyword(NUMBER, _filtered(call.args[2], GROUPED)))
            return call
        if not _is_of_one_text(call):
            return call
        source = _constant_text(call)
        if not source:
            if call.kwargs or self.mark is not Markup:
                return call
            return _filtered(call.args[0], TRANSLATED)
        text = self.mark(self.catalogue.ugettext(source))
        if not call.kwargs:
            return nodes.Const(text % {}, lineno=call.lineno)
        if self.mark is not Markup or not _TEXTS_ALONE.fullmatch(text):
            pairs = [nodes.Pair(nodes.Const(each.key), each.value) for each in call.kwargs]
            return nodes.Mod(nodes.Const(text), nodes.Dict(pairs), lineno=call.lineno)
        # What Markup does, with less to do for each value.
        pairs = [
            nodes.Pair(nodes.Const(each.key), _filtered(each.value, WRITTEN))
            for each in call.kwargs
        ]
        filled = nodes.Mod(nodes.Const(str(text)), nodes.Dict(pairs), lineno=call.lineno)
        return nodes.MarkSafe(filled, lineno=call.lineno)


def _filtered(value: nodes.Expr, name: str) -> nodes.Expr:
    return nodes.Filter(value, name, [], [], None, None, lineno=value.lineno)


def _translated(catalogue: NullTranslations) -> Callable[[str], Markup]:
    """Return the filter `TRANSLATED` of a catalogue."""
    return lru_cache(MOST_KEPT)(
        lambda text: Markup(catalogue.ugettext(text)) % {}  # noqa: S704 - as Jinja does
    )


def _is_plural(call: nodes.Call) -> bool:
    """Return whether a call translates a text about a number, which it leaves to be written."""
    is_ngettext = isinstance(call.node, nodes.Name) and call.node.name == NGETTEXT
    return is_ngettext and all(each.key != NUMBER for each in call.kwargs)


def _is_of_one_text(call: nodes.Call) -> bool:
    """Return whether a call translates one text."""
    is_gettext = isinstance(call.node, nodes.Name) and call.node.name in GETTEXT
    return is_gettext and len(call.args) == 1 and not call.dyn_args and not call.dyn_kwargs


def _constant_text(call: nodes.Call) -> str:
    """Return the text that a call translates; "" if it is not a constant."""
    (given,) = call.args
    return str(given.value) if isinstance(given, nodes.Const) else ""
