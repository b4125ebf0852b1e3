"""Pictures of products, which the browser fetches from elsewhere."""

from __future__ import annotations

from typing import Any

from oscar.core.thumbnails import AbstractThumbnailer


class Picture:
    """What templates show of a picture."""

    def __init__(self, source: Any) -> None:
        self.url = f"/media/{source}"


class Unchanged(AbstractThumbnailer):
    """Shows each picture as it is: pages do without the queries for its smaller copies."""

    def generate_thumbnail(self, source: Any, **options: Any) -> Picture:
        """Return the picture itself."""
        return Picture(source)

    def delete_thumbnails(self, source: Any) -> None:
        """There are none."""
