"""The set-up steps of each make target."""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Callable, Sequence

from tooling import assets, browser, environment, fonts, htmx, translations
from tooling.report import CACHE, SetupError


def prepare_run() -> None:
    """Set up what serves the shop; where npm fails, without what pages can do without."""
    environment.prepare(development=False)
    translations.prepare()
    htmx.prepare_if_possible()
    fonts.prepare_if_possible()
    assets.prepare()


def prepare_image() -> None:
    """Set up what serves the shop elsewhere: an image, or the source of a wheel."""
    htmx.prepare()
    fonts.prepare()
    prepare_run()


def prepare_development() -> None:
    """Set up what checks and tests the code, without the browser."""
    environment.prepare(development=True)
    translations.prepare()
    assets.prepare()


def prepare_browser() -> None:
    """Set up what the browser tests need."""
    htmx.prepare()
    fonts.prepare()
    prepare_development()
    browser.prepare()


TARGETS: dict[str, Callable[[], None]] = {
    "run": prepare_run,
    "image": prepare_image,
    "test": prepare_development,
    "e2e": prepare_browser,
}


def main(arguments: Sequence[str]) -> int:
    """Set up each named target; return the exit status."""
    unknown = [name for name in arguments if name not in TARGETS]
    if unknown or not arguments:
        print(f"Set up for what? One of: {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    CACHE.mkdir(exist_ok=True)
    try:
        with (CACHE / "setup.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for name in arguments:
                TARGETS[name]()
    except SetupError as error:
        print(f"\nSet-up stopped. {error}", file=sys.stderr)
        return 1
    return 0
