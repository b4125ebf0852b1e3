"""``deploy/.env.example``, made from the table of settings in the README."""

from __future__ import annotations

import re
import sys
from textwrap import wrap

from shop.settings import Settings, SettingsError
from tooling.report import ROOT

EXAMPLE = ROOT / "deploy" / ".env.example"

ROW = re.compile(r"^\| (`[^|]*) \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)

NOT_IN_PRODUCTION = ("SANDBOX_", "RATE_LIMITS")

GIVEN = {"SHOP_ENV": "production", "TRUSTED_PROXIES": "1"}
"""What every deployment of ``deploy/`` says."""

HEAD = """\
# The settings of a shop in production. Copy this file to .env, readable by its owner alone, and
# fill in what has no # before it; the shop says what is missing. Put values that hold a $ or a #
# between ' and '. Made from the table in README.md by: python -m tooling.env_example

"""


def make() -> str:
    """Return the file's text: each setting with what it is and its default."""
    table = (ROOT / "README.md").read_text()
    required = _required()
    return HEAD + "\n".join(_entry(required, *row) for row in ROW.findall(table) if _belongs(row))


def _belongs(row: tuple[str, str, str]) -> bool:
    return not row[0].startswith(tuple(f"`{name}" for name in NOT_IN_PRODUCTION))


def _required() -> set[str]:
    """Return the names of the settings without which production does not start."""
    try:
        Settings.from_environment({"SHOP_ENV": "production"})
    except SettingsError as error:
        return set(re.findall(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b", str(error)))
    return set()


def _entry(required: set[str], names: str, default: str, meaning: str) -> str:
    said = f"{meaning} (default: {default})".replace("`", "")
    lines = [f"# {line}" for line in wrap(said, 100)]
    for name in re.findall(r"`([A-Z0-9_]+)`", names):
        mark = "" if name in required or name in GIVEN else "#"
        lines.append(f"{mark}{name}={GIVEN.get(name, '')}")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the file; return the exit status."""
    EXAMPLE.write_text(make())
    return 0


if __name__ == "__main__":
    sys.exit(main())
