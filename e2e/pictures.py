"""Pictures of ten screens of this shop and of an earlier one: ``make pictures``.

    python -m e2e.pictures [--before COMMIT] [--only after]

Each shop runs by itself, and shows the same customer's data at the same moment of the sandbox's
clock; what is drawn by lot, the digits in names, is written alike. So the same code gives the same
pictures. They and the page that shows them in pairs are in ``docs/pictures``.
"""

from __future__ import annotations

import argparse
import base64
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from e2e import by_http, cdn, live
from e2e.conftest import CHROMIUM_OPTIONS, LOCALES, SIZES
from tooling import assets, browser, fonts, htmx, translations
from tooling.report import ROOT, Step

FOLDER = ROOT / "docs" / "pictures"
PAGE = FOLDER / "README.md"

BEFORE = "a8cbd468924555c2f951779ae178e21b95c0f939"
"""The commit whose shop is compared with."""

MOMENT = datetime(2027, 6, 15, 8, tzinfo=UTC)
"""What the sandbox's clock says. It only goes forward: after that day, name a later one."""

QUALITY = 60
"""Of WebP, of 100: text stays sharp, and all pictures together weigh half a megabyte."""

SMALL = {"viewport": {"width": 320, "height": 568}, "is_mobile": True, "has_touch": True}

SAME_DIGITS = """
() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode;
    text.data = text.data
      .replace(/\\b([a-z]{2})\\d{5}(?=-ovh)/g, "$112345")
      .replace(/\\d{9}\\b/g, "123456789");
  }
}
"""

Way = Callable[[Page, live.LiveShop, str], None]


@dataclass(frozen=True)
class Screen:
    """A picture: its name, what it shows, the visitor's language and screen, and the way there."""

    name: str
    title: str
    language: str
    size: str
    go: Way
    is_dark: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """The options of the browser's context."""
        return {
            **(SIZES | {"small phone": SMALL})[self.size],
            "locale": LOCALES[self.language],
            "timezone_id": "Europe/Paris",
            "color_scheme": "dark" if self.is_dark else "light",
            "reduced_motion": "reduce",
        }

    def file(self, version: str) -> str:
        """Return the name of the picture's file for a version, ``before`` or ``after``."""
        return f"{version}-{self.name}.webp"


def _visitor(path: str) -> Way:
    def go(page: Page, shop: live.LiveShop, language: str) -> None:
        page.goto(f"/{language}{path}")

    return go


def _customer(path: str = "", link: str = "") -> Way:
    """Go to a page of a customer with four licences; else to their group, or on by a link."""

    def go(page: Page, shop: live.LiveShop, language: str) -> None:
        by_http.open_group(page, shop.new_customer(language, licences=4))
        if path:
            page.goto(path)
        if link:
            page.goto(page.locator(link).first.get_attribute("href") or "")

    return go


SCREENS = (
    Screen("home", "Home", "fr", "desktop", _visitor("/")),
    Screen("offer", "An offer", "en", "phone", _visitor("/office-365-business")),
    Screen("order-phone", "Ordering", "fr", "phone", _visitor("/order?offer=business")),
    Screen("order-small", "Ordering", "en", "small phone", _visitor("/order?offer=business")),
    Screen("order", "Ordering", "en", "desktop", _visitor("/order?business=3&pro_plus=2")),
    Screen("who", "Who orders", "fr", "phone", _visitor("/order/identification?business=3")),
    Screen("account", "A new account", "fr", "desktop", _visitor("/order/account?business=3")),
    Screen("area", "The customer area", "fr", "desktop", _customer("/manager/web")),
    Screen("licences", "Licences", "en", "phone", _customer(), is_dark=True),
    Screen("bill", "A bill", "fr", "desktop",
           _customer("/manager/account/bills", "main table a[href*='/bills/']")),
)  # fmt: skip


def take(version: str, shop: live.LiveShop, chromium: Browser) -> None:
    """Take the pictures of a version's shop, which has just been started."""
    shop.advance_clock(MOMENT - datetime.now(UTC))
    for screen in SCREENS:
        with Step(f"{version}: {screen.name}"):
            context = chromium.new_context(base_url=shop.url, **screen.options)
            page = context.new_page()
            screen.go(page, shop, screen.language)
            page.wait_for_load_state("networkidle")
            page.evaluate("document.fonts.ready.then(() => true)")
            page.evaluate(SAME_DIGITS)
            session = context.new_cdp_session(page)
            taken = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
            (FOLDER / screen.file(version)).write_bytes(base64.b64decode(taken["data"]))
            context.close()


def page_of_pairs() -> str:
    """Return the text of the page that shows the pictures in pairs."""
    return "\n\n".join([HEADER, *map(_pair, SCREENS)]) + "\n"


HEADER = f"""\
# Ten screens, before and after

Taken by `make pictures` (`e2e/pictures.py`) of commit `{BEFORE[:7]}` and of this version, with the
sandbox’s clock at {MOMENT:%Y-%m-%d}."""


def _pair(screen: Screen) -> str:
    cells = [f"![{screen.title}, {which}]({screen.file(which)})" for which in ("before", "after")]
    row = " | ".join(cells)
    return f"## {screen.title}\n\n{_words(screen)}\n\n| before | after |\n|---|---|\n| {row} |"


def _words(screen: Screen) -> str:
    language = {"fr": "French", "en": "English"}[screen.language]
    width, height = screen.options["viewport"].values()
    return f"{language}, {screen.size}, {width} × {height}{', dark' if screen.is_dark else ''}."


@contextmanager
def _tree_of(commit: str) -> Iterator[Path]:
    """Provide a prepared source tree of an earlier commit, until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "before"
        _run("git", "worktree", "add", "--detach", "--quiet", str(tree), commit)
        try:
            prepare = (
                "import sys; from tooling import assets, translations; "
                "translations.prepare(sys.executable); assets.prepare(sys.executable)"
            )
            _run(sys.executable, "-c", prepare, where=tree)
            yield tree
        finally:
            _run("git", "worktree", "remove", "--force", str(tree))


def _run(*command: str, where: Path = ROOT) -> None:
    subprocess.run(command, cwd=where, check=True)


def main(arguments: Sequence[str]) -> None:
    """Take the pictures of both versions, or of one, and write the page that shows them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", default=BEFORE, metavar="COMMIT")
    parser.add_argument("--only", choices=("before", "after"))
    asked = parser.parse_args(arguments)
    if datetime.now(UTC) > MOMENT:
        sys.exit(f"The sandbox's clock cannot go back to {MOMENT:%Y-%m-%d}: raise MOMENT.")
    htmx.prepare()
    fonts.prepare()
    translations.prepare(sys.executable)
    assets.prepare(sys.executable)
    FOLDER.mkdir(exist_ok=True)
    with ExitStack() as stack:
        options = stack.enter_context(cdn.serving(_folder(stack)))
        chromium = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path=browser.find_chromium(), args=CHROMIUM_OPTIONS + options
        )
        if asked.only != "after":
            tree = stack.enter_context(_tree_of(asked.before))
            _take_of("before", tree, _folder(stack), chromium)
        if asked.only != "before":
            _take_of("after", ROOT, _folder(stack), chromium)
        chromium.close()
    PAGE.write_text(page_of_pairs())


def _folder(stack: ExitStack) -> Path:
    return Path(stack.enter_context(tempfile.TemporaryDirectory()))


def _take_of(version: str, tree: Path, folder: Path, chromium: Browser) -> None:
    with live.running(f"sqlite:///{folder}/shop.db", folder, tree) as shop:
        take(version, shop, chromium)


if __name__ == "__main__":
    main(sys.argv[1:])
