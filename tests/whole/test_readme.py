"""The README lists exactly the settings that exist, with their defaults."""

from __future__ import annotations

import re

import pytest

from shop import settings
from tests import ROOT

READ = re.compile(r'\b(?:text|number|_number)\((?:env, )?"([A-Z0-9_]+)"')
ROW = re.compile(r"^\| (`[^|]*) \| ([^|]*) \|", re.MULTILINE)

SAID_OTHERWISE = {"SHOP_ENV", "RATE_LIMITS", "SECRET_KEY"} | {
    "SANDBOX_BANK_KEY", "SANDBOX_PROVIDER_KEY", "SANDBOX_NOTIFICATION_SECRET",
}  # fmt: skip
"""Settings whose default the README describes in words: secrets, and on or off."""


def rows() -> list[tuple[list[str], str]]:
    """Return the names and the default of each row of the README's table of settings."""
    readme = (ROOT / "README.md").read_text()
    return [
        (re.findall(r"`([A-Z0-9_]+)`", names), default) for names, default in ROW.findall(readme)
    ]


def test_the_readme_lists_all_settings() -> None:
    sandbox = (ROOT / "sandbox" / "settings.py").read_text()
    read = set(READ.findall(sandbox)) | set(settings.environment())
    listed = {name for names, _ in rows() for name in names}
    assert listed == read


@pytest.mark.parametrize(
    ("name", "default"),
    [
        (name, default)
        for name, default in settings.environment().items()
        if default and name not in SAID_OTHERWISE and not name.startswith("SELLER_")
    ],
)
def test_the_readme_says_the_default(name: str, default: object) -> None:
    (said,) = (default for names, default in rows() if name in names)
    shown = f"{default:g}" if isinstance(default, float) else str(default)
    assert f"`{shown}`" in said
