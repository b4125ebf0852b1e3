"""ZIP files that are made while they are read: memory does not grow with them."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

from shop import clock

PIECE = 64 * 1024
"""Bytes of a piece, if nothing else is asked for."""


def zipped(
    files: Iterable[tuple[str, Iterable[bytes]]],
    compression: int = zipfile.ZIP_DEFLATED,
    piece: int = PIECE,
) -> Iterator[bytes]:
    """Yield a ZIP file of ``files`` (names and contents) in pieces of ``piece`` bytes, the last one
    shorter. Files and their contents are taken one by one, as the pieces are read."""
    pieces: Any = _Pieces(piece)
    with zipfile.ZipFile(pieces, "w") as archive:
        for name, content in files:
            entry = zipfile.ZipInfo(name, clock.now().astimezone(clock.PARIS).timetuple()[:6])
            entry.compress_type = compression
            with archive.open(entry, "w") as file:
                for part in content:
                    file.write(part)
                    yield from pieces.whole()
    yield from pieces.whole()
    yield from pieces.rest()


class _Pieces:
    """A file that can only be written to, and handed on piece by piece."""

    def __init__(self, size: int) -> None:
        self._size, self._written = size, bytearray()

    def write(self, content: bytes) -> int:
        """Keep ``content`` until it is handed on."""
        self._written += content
        return len(content)

    def flush(self) -> None:
        """Do nothing: pieces are handed on when they are whole."""

    def whole(self) -> Iterator[bytes]:
        """Hand on the pieces that are whole."""
        while len(self._written) >= self._size:
            yield bytes(self._written[: self._size])
            del self._written[: self._size]

    def rest(self) -> Iterator[bytes]:
        """Hand on what is left."""
        if self._written:
            yield bytes(self._written)
            self._written.clear()
