"""Which steps each make target needs."""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Callable, Sequence

from tooling import browser, environment, htmx, libraries, translations
from tooling.report import CACHE, SetupError


def prepare_run() -> None:
    """What serves the shop."""
    libraries.prepare()
    environment.prepare(development=False)
    translations.prepare()


def prepare_development() -> None:
    """What checks and tests the code, browser apart."""
    libraries.prepare()
    environment.prepare(development=True)
    translations.prepare()


def prepare_browser() -> None:
    """What the browser tests need beside."""
    prepare_development()
    browser.prepare()
    htmx.prepare()


TARGETS: dict[str, Callable[[], None]] = {
    "run": prepare_run,
    "test": prepare_development,
    "e2e": prepare_browser,
}


def main(arguments: Sequence[str]) -> int:
    """Set up for each target named; the exit status of the program."""
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
