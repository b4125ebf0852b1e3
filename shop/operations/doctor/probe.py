"""A signed question to this shop, sent as customers' requests are: through every proxy in front."""

from __future__ import annotations

from itsdangerous import BadSignature, URLSafeTimedSerializer

from shop import settings

LASTS = 60
"""Seconds for which a question is answered."""

PATH = "/notifications/doctor"


def question() -> str:
    """Return a question that only a process with this shop's ``SECRET_KEY`` can have asked."""
    return str(_signer().dumps("how do I reach you"))


def is_ours(asked: str) -> bool:
    """Return whether this shop asked so within the last minute."""
    try:
        _signer().loads(asked, max_age=LASTS)
    except BadSignature:
        return False
    return True


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings.current().secret_key, salt="doctor")
