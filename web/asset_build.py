"""Makes the files that pages load: one style sheet, scripts, pictures and fonts.

Each is named after its content, so that browsers keep it for good, and is there in three forms:
plain, and compressed by gzip and brotli; a font, which is compressed in itself, in one.
``python -m web.asset_build [htmx.js=PATH …]`` is the build step (tooling/assets.py), told where
set-up put what it fetched from npm; `web.assets` takes the step itself where it was left out, and
when a developer changes a source.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import brotli

from shop.parsing import numbers_and_json
from shop.settings import ROOT

STATIC = ROOT / "static"
BUILT = "built"
MANIFEST = "manifest.json"

STYLES = (
    "tokens", "base", "layout", "forms", "components", "data", "pages", "desk", "contrast",
)  # fmt: skip
"""The style sheets in their order; that for paper comes last."""

COPIED = {
    "shop.js": "js/shop.js",
    "passkeys.js": "js/passkeys.js",
    "seats.js": "js/seats.js",
    "desk.js": "js/desk.js",
    "search.js": "js/search.js",
    "favicon.svg": "icons/favicon.svg",
    "sprite.svg": "icons/sprite.svg",
    "hero.svg": "images/hero.svg",
}

FONTS = ("latin.woff2", "latinext.woff2")
"""The typeface, in a file for each range of characters: `css/fonts.css` says which."""

FETCHED = ("htmx.js", *FONTS)
"""What set-up fetches from npm, and pages can do without: the copy of htmx for browsers that the
CDN does not answer, and the fonts."""

NONE: Mapping[str, str] = {}
NOTHING: Mapping[str, Path] = {}

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
INDENTATION = re.compile(r"\n\s*")
FONT = re.compile(r'url\("([a-z]+\.woff2)"\)')
PICTURE = re.compile(r'url\("\.\./(icons/[\w.-]+\.svg)"\)')


def sources(static: Path) -> list[Path]:
    """Return every file that the built ones are made of."""
    styles = [static / "css" / f"{name}.css" for name in (*STYLES, "fonts", "print")]
    return [*styles, *(static / name for name in COPIED.values()), static / "icons" / "select.svg"]


def digest(static: Path) -> str:
    """Return what tells one state of the sources, and of this module, from another."""
    content = [path.read_bytes() for path in [*sources(static), Path(__file__)]]
    return hashlib.sha256(b"\0".join(content)).hexdigest()


def style_sheet(static: Path, fonts: Mapping[str, str] = NONE) -> str:
    """Return all style sheets in one, without comments; its pictures are part of it.

    ``fonts`` are the files of the typeface by their names; without them, the system's is used.
    """
    names = (*STYLES, "fonts") if fonts else STYLES
    screen = "\n".join((static / "css" / f"{name}.css").read_text() for name in names)
    paper = (static / "css" / "print.css").read_text()
    both = COMMENT.sub("", f"{screen}\n@media print {{\n{paper}\n}}\n")
    inlined = PICTURE.sub(lambda found: f'url("{_as_url(static / found[1])}")', both)
    named = FONT.sub(lambda found: f'url("{fonts[found[1]]}")', inlined)
    return INDENTATION.sub("\n", named).strip() + "\n"


def _as_url(picture: Path) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(picture.read_bytes()).decode()


def build(static: Path, folder: Path, fetched: Mapping[str, Path] = NOTHING) -> None:
    """Write every file made of those in ``static`` to ``folder``, then the manifest of their names.

    ``fetched`` are files of `FETCHED`; what the folder has of these stays unless it is given.
    Processes may build at the same time: they write the same content, and each file appears whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = _kept(folder)
    for name, path in fetched.items():
        files[name] = _write(folder, name, path.read_bytes())
    contents = {name: (static / path).read_bytes() for name, path in COPIED.items()}
    fonts = {name: files[name] for name in FONTS if name in files}
    contents["shop.css"] = style_sheet(static, fonts if len(fonts) == len(FONTS) else NONE).encode()
    files |= {name: _write(folder, name, content) for name, content in contents.items()}
    made = {"sources": digest(static), "files": files}
    _replace(folder / MANIFEST, json.dumps(made, indent=1).encode())
    _remove_others(folder, set(files.values()))


def _kept(folder: Path) -> dict[str, str]:
    """Return what an earlier build was given: the names of its files by those of `FETCHED`."""
    before = read_manifest(folder)[1]
    return {
        name: before[name]
        for name in FETCHED
        if name in before and (folder / before[name]).exists()
    }


def read_manifest(folder: Path) -> tuple[str, dict[str, str]]:
    """Return of which sources the files were made, and their names; both empty if none were."""
    try:
        found = numbers_and_json.read_json((folder / MANIFEST).read_bytes())
    except (OSError, numbers_and_json.InvalidJson):
        return "", {}
    return found["sources"], found["files"]


def _write(folder: Path, name: str, content: bytes) -> str:
    """Write a file in its forms; return its name."""
    stem, _, kind = name.rpartition(".")
    named = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{kind}"
    if not all((folder / f"{named}{end}").exists() for end in endings(named)):
        if ".br" in endings(named):
            _replace(folder / f"{named}.br", brotli.compress(content, quality=11))
            _replace(folder / f"{named}.gz", gzip.compress(content, 9, mtime=0))
        _replace(folder / named, content)
    return named


def endings(name: str) -> tuple[str, ...]:
    """Return what the names of a file's forms end in; fonts are compressed in themselves."""
    return ("",) if name.endswith(".woff2") else ("", ".br", ".gz")


def _replace(path: Path, content: bytes) -> None:
    passing = path.with_name(f".{path.name}.{os.getpid()}")
    passing.write_bytes(content)
    passing.chmod(0o644)
    passing.replace(path)


def _remove_others(folder: Path, kept: set[str]) -> None:
    wanted = {MANIFEST, *(f"{name}{end}" for name in kept for end in endings(name))}
    for path in folder.iterdir():
        if path.name not in wanted and not path.name.startswith("."):
            path.unlink(missing_ok=True)


def _named(argument: str) -> tuple[str, Path]:
    """Return the name and the path of ``NAME=PATH``."""
    name, _, path = argument.partition("=")
    return name, Path(path)


if __name__ == "__main__":
    build(STATIC, STATIC / BUILT, dict(_named(each) for each in sys.argv[1:]))
