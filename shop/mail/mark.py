"""The shop's mark in the head of HTML e-mails, a part of each: pictures elsewhere are blocked.

It is the drawing of the site's header on dark ground (static/icons/sprite.svg, ``brand-light``), at
twice its size.
"""

from __future__ import annotations

import base64
from functools import cache

from shop.settings import ROOT

CONTENT_ID = "mark@shop"
REFERENCE = f"cid:{CONTENT_ID}"
"""What refers to the part (RFC 2392), in the HTML as it is stored and sent."""


@cache
def content() -> bytes:
    """Return the picture, a PNG."""
    return (ROOT / "static" / "icons" / "mark-light.png").read_bytes()


@cache
def url() -> str:
    """Return the picture as a URL that contains it, for HTML without parts beside it."""
    return "data:image/png;base64," + base64.b64encode(content()).decode()
