"""The contract texts shipped with the shop."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

TEXTS = Path(__file__).parent / "texts"


@dataclass(frozen=True)
class ShippedText:
    """One version of one contract in one language, as Markdown."""

    kind: str
    version: int
    language: str
    title: str
    body: str


def shipped_texts() -> list[ShippedText]:
    """Return each text in ``texts/<kind>.<version>.<language>.md``; its first line is the title."""
    return [_read(path) for path in sorted(TEXTS.glob("*.md"))]


def _read(path: Path) -> ShippedText:
    kind, version, language, _ = path.name.split(".")
    title, _, body = path.read_text(encoding="utf-8").partition("\n")
    return ShippedText(kind, int(version), language, title.lstrip("# ").strip(), body.strip())
