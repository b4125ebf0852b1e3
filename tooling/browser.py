"""The browser of the browser tests: the system's Chromium, Debian's, or Playwright's own."""

from __future__ import annotations

import shutil
from contextlib import suppress

from tooling import apt
from tooling.environment import PYTHON
from tooling.report import CACHE, SetupError, Step, run

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
DOWNLOADED = CACHE / "playwright-chromium"


def find_chromium() -> str | None:
    """The path of the system's Chromium, or None if it has none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def prepare() -> None:
    """Make sure that there is a Chromium; raises `SetupError` when it cannot be had."""
    if find_chromium() or DOWNLOADED.exists():
        return
    if not (apt.may_install() and _install()):
        _download()


def _install() -> bool:
    """Install Debian's Chromium, and say whether there is one: Ubuntu has no such package."""
    with suppress(SetupError):
        apt.install(["chromium"], "Chromium")
    return find_chromium() is not None


def _download() -> None:
    try:
        with Step("Chromium (Playwright's download)") as step:
            download = [str(PYTHON), "-m", "playwright", "install", "chromium"]
            run(download, lambda line: step.progress(line.strip()))
    except SetupError as error:
        raise SetupError(
            f"{error}\nThe browser tests need Chromium. On Debian or Ubuntu, run: "
            "sudo apt-get install chromium"
        ) from error
    DOWNLOADED.touch()
