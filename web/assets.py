"""The files that pages load, under names made of their content, from memory.

`web.asset_build` makes them; browsers keep each for good. Outside production a changed source is
noticed: the next page names the new file.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
import time
from pathlib import Path

from shop.settings import Settings
from web import asset_build, headers
from web.stored import BROTLI, GZIP, PLAIN, Stored

PREFIX = "/static/built/"

NAMED = re.compile(r"/static/built/([a-z]+)\.[0-9a-f]{12}\.([a-z0-9]+)")
"""The URL of a file: its name, a digest of its content, and its kind."""

FOR_GOOD = "public, max-age=31536000, immutable"
ASKED_AGAIN = "no-cache"
"""For a file under the name it had in another release, in whose pages it is asked for."""

TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": headers.SVG,
    "woff2": "font/woff2",
}

CODINGS = {"": PLAIN, ".gz": GZIP, ".br": BROTLI}
"""The content coding of a form of a file, by what its name ends in."""

LOOK_INTERVAL = 0.5
"""Seconds between two looks at the sources, outside production."""


class Assets:
    """The built files of this process, by name and by URL; ``static`` has their sources."""

    def __init__(self, settings: Settings, static: Path = asset_build.STATIC) -> None:
        self._headers = list(headers.of_files(settings).items())
        self._follows = not settings.production
        self._static, self._folder = static, static / asset_build.BUILT
        self._lock, self._looked = threading.Lock(), 0.0
        self._state = self._state_of_sources()
        self._load()

    def url(self, name: str) -> str:
        """Return the URL of a file by the name it has in templates. Raises `KeyError`."""
        if self._follows:
            self._follow()
        return self._urls[name]

    def has(self, name: str) -> bool:
        """Return whether the file was built: what comes from npm may be missing."""
        return name in self._urls

    def find(self, path: str) -> Stored | None:
        """Return the response to a request for ``path``; None if it is not one of these files.

        Pages of the release before this one, or after it, ask for their own version of a file
        while both are served: they get this one, for that time.
        """
        if not path.startswith(PREFIX):
            return None
        found = self._stored.get(path)
        if found is None and self._follows:
            self._follow()
            found = self._stored.get(path)
        return found or self._by_name.get(_stem(path))

    @property
    def version(self) -> str:
        """What tells one state of all URLs from another; it follows the sources."""
        if self._follows:
            self._follow()
        return self._version

    def _load(self) -> None:
        sources, files = asset_build.read_manifest(self._folder)
        if sources != asset_build.digest(self._static):
            self._build()
            _, files = asset_build.read_manifest(self._folder)
        stored = {name: self._read(file, FOR_GOOD) for name, file in files.items()}
        self._urls = {name: PREFIX + file for name, file in files.items()}
        self._stored = {self._urls[name]: response for name, response in stored.items()}
        self._by_name = {name: self._read(file, ASKED_AGAIN) for name, file in files.items()}
        self._version = " ".join(files.values())

    def _build(self) -> None:
        """Build what set-up has not, in a folder of this process if the code's is not writable."""
        if not os.access(self._static, os.W_OK):
            self._folder = Path(tempfile.mkdtemp(prefix="shop-assets-"))
        asset_build.build(self._static, self._folder)

    def _read(self, file: str, cache: str) -> Stored:
        path = self._folder / file
        bodies = {
            CODINGS[end]: path.with_name(path.name + end).read_bytes()
            for end in asset_build.endings(path.name)
        }
        own = [
            ("Content-Type", TYPES[path.suffix[1:]]),
            ("Cache-Control", cache),
            ("Vary", "Accept-Encoding"),
        ]
        return Stored(bodies, own, self._headers)

    def _follow(self) -> None:
        """Build and load again if a source has changed since the last look."""
        now = time.monotonic()
        if now - self._looked < LOOK_INTERVAL:
            return
        with self._lock:
            self._looked = now
            state = self._state_of_sources()
            if state != self._state:
                self._load()
                self._state = state

    def _state_of_sources(self) -> object:
        return [path.stat().st_mtime_ns for path in asset_build.sources(self._static)]


def _stem(path: str) -> str:
    """Return the name in templates of a file's URL; "" if no file could have it."""
    found = NAMED.fullmatch(path)
    return f"{found[1]}.{found[2]}" if found else ""
