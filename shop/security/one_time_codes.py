"""Codes of authenticator applications: a new one every 30 seconds (TOTP, RFC 6238)."""

from __future__ import annotations

import re
from io import BytesIO

import pyotp
import segno

from shop import clock, settings
from shop.errors import N_, Refusal

STEP_SECONDS = 30
"""The length of a time step, in which an application shows one code."""

DRIFT_STEPS = 1
"""Accepted steps before and after the current one, for clock drift and typing time."""


class WrongCode(Refusal):
    """The code is not valid at this time, or was used already."""


def wrong() -> WrongCode:
    """Return the refusal of a code."""
    return WrongCode(
        N_("This code is not right, or no longer. Type the one the application shows now."), "code"
    )


def new_secret() -> str:
    """Return a new secret in base 32."""
    return pyotp.random_base32()


def in_groups(secret: str) -> str:
    """Return a secret in groups of four characters, to be typed by hand."""
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))


def step_of(secret: str, code: str) -> int | None:
    """Return the step of ``code`` or None. Devices use real time, not the sandbox's clock."""
    digits = re.sub(r"\s", "", code)
    if not re.fullmatch(r"[0-9]{6}", digits):
        return None
    now = int(clock.real_now().timestamp()) // STEP_SECONDS
    shown = pyotp.TOTP(secret)
    steps = range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1)
    return next((step for step in steps if _equals(shown.generate_otp(step), digits)), None)


def code_of(secret: str, step: int = 0) -> str:
    """Return the code that an application shows now, or ``step`` steps later."""
    now = int(clock.real_now().timestamp()) // STEP_SECONDS
    return pyotp.TOTP(secret).generate_otp(now + step)


def _equals(one: str, other: str) -> bool:
    return bool(pyotp.utils.strings_equal(one, other))


def qr_code(secret: str, name: str) -> bytes:
    """Return a secret as a QR code (SVG), to be scanned by the application under ``name``."""
    uri = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=settings.current().shop_name)
    image = BytesIO()
    segno.make(uri, error="m").save(image, kind="svg", scale=6, border=4, light="#fff")
    return image.getvalue()
