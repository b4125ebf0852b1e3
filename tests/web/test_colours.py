"""Colours can be read, on light and on dark screens; high contrast tells what is current."""

from __future__ import annotations

import re

import pytest

from web import asset_build

CSS = asset_build.STATIC / "css"
LIGHT, _, DARK = (CSS / "tokens.css").read_text().partition("prefers-color-scheme: dark")
COLOUR = re.compile(r"--([\w-]+): #([0-9a-f]{3}|[0-9a-f]{6});")

TEXT_ON = {
    "paper": [
        "ink",
        "ink-soft",
        "ink-faint",
        "blue",
        "blue-deep",
        "good",
        "warning",
        "bad",
        "busy",
    ],
    "wash": ["ink", "ink-soft", "blue", "blue-deep"],
    "wash-deep": ["ink", "ink-soft", "blue"],
    "blue": ["on-blue"],
    "blue-dark": ["on-blue"],
    "blue-pale": ["blue"],
    "bar": ["on-bar", "on-bar-soft"],
    "good-pale": ["good"],
    "warning-pale": ["warning"],
    "bad-pale": ["bad", "bad-dark"],
    "busy-pale": ["busy"],
    "bad": ["on-blue"],
}  # fmt: skip
"""Backgrounds and the texts that stand on them."""


def tokens(*parts: str) -> dict[str, str]:
    return {name: value for part in parts for name, value in COLOUR.findall(part)}


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG."""
    six = "".join(digit * 2 for digit in colour) if len(colour) == 3 else colour
    parts = [int(six[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("parts", [(LIGHT,), (LIGHT, DARK)], ids=["light", "dark"])
def test_texts_can_be_read(parts: tuple[str, ...]) -> None:
    colours = tokens(*parts)
    faint = {
        f"{text} on {ground}": round(contrast(colours[text], colours[ground]), 2)
        for ground, texts in TEXT_ON.items()
        for text in texts
        if contrast(colours[text], colours[ground]) < 4.5
    }
    assert not faint
    for line in ("line-strong", "blue-bright"):  # borders of fields, the ring of focus
        assert contrast(colours[line], colours["paper"]) >= 3, line


def test_dark_screens_do_not_reach_paper() -> None:
    assert LIGHT.endswith("@media screen and (")
    fixed = [
        f"{path.name}: {line.strip()}"
        for path in sorted(CSS.glob("*.css"))
        if path.name not in {"tokens.css", "print.css"}
        for line in path.read_text().splitlines()
        if re.search(r"(?<!-)\bcolor: #", line)
    ]
    assert not fixed, "colours of texts come from the tokens, which know dark screens"


def test_high_contrast_tells_what_is_current_last_of_all() -> None:
    sheet = asset_build.style_sheet(asset_build.STATIC)
    start = sheet.index("@media (forced-colors: active)")
    rule = sheet[start:]
    for current in (".tabs", ".side-link", ".periods", ".pagination", ".languages"):
        assert current in rule
    assert "Highlight" in rule
    assert "fill: CanvasText" in rule
