"""Chromium for the browser tests: the system's, Debian's, or Playwright's download."""

from __future__ import annotations

import shutil
from contextlib import suppress

from tooling import apt
from tooling.environment import PYTHON
from tooling.report import CACHE, SetupError, Step, run

WITH_WINDOWS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
HEADLESS = ("chromium-headless-shell", *WITH_WINDOWS)
"""The headless shell first: the same engine, in half of the processor's time."""

DOWNLOADED = CACHE / "playwright-chromium"


def find_chromium(*, headed: bool = False) -> str | None:
    """Return the path of the system's Chromium, or None; ``headed`` asks for one with windows."""
    names = WITH_WINDOWS if headed else HEADLESS
    return next((path for name in names if (path := shutil.which(name))), None)


def prepare() -> None:
    """Make sure that there is a Chromium. Raises `SetupError` if it cannot be installed."""
    if find_chromium() or DOWNLOADED.exists():
        return
    if not (apt.may_install() and _install()):
        _download()


def _install() -> bool:
    """Install Debian's Chromium and return whether there is one.

    Ubuntu has no such package, and an older Debian has no headless shell.
    """
    for package in (HEADLESS[0], WITH_WINDOWS[0]):
        with suppress(SetupError):
            apt.install([package], "Chromium")
        if find_chromium():
            return True
    return False


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
