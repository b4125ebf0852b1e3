"""Makes the files that pages load: one style sheet, scripts and pictures.

Each is named after its content, so that browsers keep it for good, and is there in three forms:
plain, and compressed by gzip and brotli. ``python -m web.asset_build [copy of htmx]`` is the build
step (tooling/assets.py); `web.assets` takes it itself where it was left out, and when a developer
changes a source.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import re
import sys
from pathlib import Path

import brotli

from shop import reading
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
    "desk.js": "js/desk.js",
    "favicon.svg": "icons/favicon.svg",
    "sprite.svg": "icons/sprite.svg",
    "hero.svg": "images/hero.svg",
}

HTMX = "htmx.js"
"""The copy of htmx for browsers that the CDN does not answer; set-up fetches it from npm."""

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
INDENTATION = re.compile(r"\n\s*")
PICTURE = re.compile(r'url\("\.\./(icons/[\w.-]+\.svg)"\)')


def sources(static: Path) -> list[Path]:
    """Return every file that the built ones are made of."""
    styles = [static / "css" / f"{name}.css" for name in (*STYLES, "print")]
    return [*styles, *(static / name for name in COPIED.values()), static / "icons" / "select.svg"]


def digest(static: Path) -> str:
    """Return what tells one state of the sources, and of this module, from another."""
    content = [path.read_bytes() for path in [*sources(static), Path(__file__)]]
    return hashlib.sha256(b"\0".join(content)).hexdigest()


def style_sheet(static: Path) -> str:
    """Return all style sheets in one, without comments; its pictures are part of it."""
    screen = "\n".join((static / "css" / f"{name}.css").read_text() for name in STYLES)
    paper = (static / "css" / "print.css").read_text()
    both = COMMENT.sub("", f"{screen}\n@media print {{\n{paper}\n}}\n")
    inlined = PICTURE.sub(lambda found: f'url("{_as_url(static / found[1])}")', both)
    return INDENTATION.sub("\n", inlined).strip() + "\n"


def _as_url(picture: Path) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(picture.read_bytes()).decode()


def build(static: Path, folder: Path, htmx: Path | None = None) -> None:
    """Write every file made of those in ``static`` to ``folder``, then the manifest of their names.

    Without ``htmx`` the copy that the folder has stays. Processes may build at the same time: they
    write the same content, and each file appears whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    contents = {name: (static / path).read_bytes() for name, path in COPIED.items()}
    contents["shop.css"] = style_sheet(static).encode()
    if htmx:
        contents[HTMX] = htmx.read_bytes()
    files = {name: _write(folder, name, content) for name, content in contents.items()}
    kept = read_manifest(folder)[1].get(HTMX)
    if kept and HTMX not in files and (folder / kept).exists():
        files[HTMX] = kept
    made = {"sources": digest(static), "files": files}
    _replace(folder / MANIFEST, json.dumps(made, indent=1).encode())
    _remove_others(folder, set(files.values()))


def read_manifest(folder: Path) -> tuple[str, dict[str, str]]:
    """Return of which sources the files were made, and their names; both empty if none were."""
    try:
        found = reading.read_json((folder / MANIFEST).read_bytes())
    except (OSError, reading.InvalidJson):
        return "", {}
    return found["sources"], found["files"]


def _write(folder: Path, name: str, content: bytes) -> str:
    """Write a file in its three forms; return its name."""
    stem, _, kind = name.rpartition(".")
    named = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{kind}"
    if not all((folder / f"{named}{end}").exists() for end in ("", ".br", ".gz")):
        _replace(folder / f"{named}.br", brotli.compress(content, quality=11))
        _replace(folder / f"{named}.gz", gzip.compress(content, 9, mtime=0))
        _replace(folder / named, content)
    return named


def _replace(path: Path, content: bytes) -> None:
    passing = path.with_name(f".{path.name}.{os.getpid()}")
    passing.write_bytes(content)
    passing.chmod(0o644)
    passing.replace(path)


def _remove_others(folder: Path, kept: set[str]) -> None:
    wanted = {MANIFEST, *(f"{name}{end}" for name in kept for end in ("", ".br", ".gz"))}
    for path in folder.iterdir():
        if path.name not in wanted and not path.name.startswith("."):
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    build(STATIC, STATIC / BUILT, Path(sys.argv[1]) if sys.argv[1:] else None)
