"""The browser of the browser tests: the system's Chromium, Debian's, or Playwright's own."""

from __future__ import annotations

import shutil

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
    if apt.may_install():
        apt.install(["chromium"], "Chromium")
    else:
        _download()


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
