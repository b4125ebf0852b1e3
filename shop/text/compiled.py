"""Compiled templates kept between processes, so that none compiles what another has compiled.

Compiling the pages of one language takes more than a second of processor time: each web process,
worker and command would spend it again.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

from babel.support import NullTranslations
from jinja2 import FileSystemBytecodeCache

LIBRARIES = ("jinja2", "babel", "markupsafe")


class CompiledTemplates(FileSystemBytecodeCache):
    """The compiled templates of one environment and language, in files of this user alone.

    Jinja keeps them in a folder of the machine's temporary folder that it refuses unless it is
    ours and closed to others. A file is used only if the template, the texts translated in it and
    the code that compiles it are the same. Raises `RuntimeError` if the folder cannot be used.
    """

    def __init__(self, environment: str, language: str, catalogue: NullTranslations) -> None:
        super().__init__(pattern=f"__{environment}_{language}_%s.cache")
        self._made_with = _made_with(catalogue)

    def get_source_checksum(self, source: str) -> str:
        """Return the digest of all that a compiled template depends on."""
        return hashlib.sha256(self._made_with + source.encode()).hexdigest()


def kept(environment: str, language: str, catalogue: NullTranslations) -> CompiledTemplates | None:
    """Return the cache for an environment; None where there is no folder for it."""
    try:
        return CompiledTemplates(environment, language, catalogue)
    except (RuntimeError, OSError):
        return None


def _made_with(catalogue: NullTranslations) -> bytes:
    digest = hashlib.sha256()
    for name in LIBRARIES:
        digest.update(version(name).encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    for source, text in sorted(_texts(catalogue).items(), key=repr):
        digest.update(repr((source, text)).encode())
    return digest.digest()


def _texts(catalogue: NullTranslations) -> dict[object, str]:
    """Return the texts of a catalogue; the empty one of the source language has none."""
    return getattr(catalogue, "_catalog", {})
