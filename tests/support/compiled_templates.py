"""Templates compiled once in a test process, for all the applications that tests create."""

from __future__ import annotations

from types import CodeType

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket


class _Compiled(BytecodeCache):
    """Compiled templates by file and by the checksum of their text."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give a template its compiled code, if one with the same text was compiled."""
        bucket.code = self.known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the compiled code of a template."""
        assert bucket.code is not None
        self.known[bucket.key, bucket.checksum] = bucket.code


def share() -> None:
    """Let all Flask applications of this process share their compiled templates."""
    Flask.jinja_options = Flask.jinja_options | {"bytecode_cache": _Compiled()}
