"""What all the applications that tests create share: compiled templates and compiled URL rules.

Flask compiles them for each application, which took most of the time of a test with settings of
its own.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import Any

from flask import Flask
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

_builders: dict[tuple[object, ...], Callable[..., tuple[str, str]]] = {}


class _CompiledTemplates(BytecodeCache):
    """Compiled templates by file and by the checksum of their text."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], CodeType] = {}
        self.catalogues: dict[object, int] = {}

    def get_bucket(
        self, environment: Environment, name: str, filename: str | None, source: str
    ) -> Bucket:
        """Return the place of a template's code, which holds the texts of a catalogue."""
        catalogue = getattr(environment, "catalogue", None)
        number = self.catalogues.setdefault(catalogue, len(self.catalogues))
        return super().get_bucket(environment, f"{number}:{name}", filename, source)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give a template its compiled code, if one with the same text was compiled."""
        bucket.code = self.known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the compiled code of a template."""
        assert bucket.code is not None
        self.known[bucket.key, bucket.checksum] = bucket.code


class _CompiledRule(Rule):
    """A URL rule whose function that builds URLs is compiled once for equal rules."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., Any]:
        key = (self.rule, repr(self.defaults), repr(self._trace), append_unknown)
        if key not in _builders:
            _builders[key] = super()._compile_builder(append_unknown)
        return _builders[key]


def share_compiled() -> None:
    """Let all Flask applications of this process share what they compile."""
    Flask.jinja_options = Flask.jinja_options | {"bytecode_cache": _CompiledTemplates()}
    Flask.url_rule_class = _CompiledRule
