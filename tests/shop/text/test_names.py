"""Valid names of people and groups."""

from __future__ import annotations

import pytest

from shop.errors import Refusal
from shop.text.names import BLANK, DIRECTION_MARKS, read_name


@pytest.mark.parametrize(
    "name",
    ["Zoé", "李", "Ólafur Darri", "عمر", "O’Neill", "x" * 255, "می\u200cخواهم", "ന്\u200d",
     "👨\u200d👩\u200d👧 Équipe", "❤\ufe0f", "-"],
)  # fmt: skip
def test_names_come_in_any_script(name: str) -> None:
    assert read_name(f"  {name} ", "first_name") == name


def test_a_name_stands_on_one_line_in_one_spelling() -> None:
    assert read_name("Zoe\u0301\n  de\u2029Lille", "first_name") == "Zoé de Lille"


@pytest.mark.parametrize("name", ["", "  ", "\n", "\u2003"])
def test_an_empty_field_is_not_a_name(name: str) -> None:
    with pytest.raises(Refusal, match="Enter the last name") as refusal:
        read_name(name, "last_name")
    assert refusal.value.field == "last_name"
    with pytest.raises(Refusal, match="Name it"):
        read_name(name, "display_name", missing="Name it.")


@pytest.mark.parametrize(
    "name",
    ["\u200b", "\u200c\u200d", "\ufeff", "\u00ad", "\ufe0f", "\u0301", "\u2060 \u2063", *BLANK],
    ids=ascii,
)
def test_invisible_characters_are_not_a_name(name: str) -> None:
    with pytest.raises(Refusal, match="can be seen"):
        read_name(f" {name} ", "last_name")
    assert read_name(f"{name}Zoé{name}", "last_name")


@pytest.mark.parametrize("sign", sorted(DIRECTION_MARKS), ids=ascii)
def test_a_name_is_not_turned_round(sign: str) -> None:
    for name in (sign, f"{sign}evil", f"Zoé{sign}"):
        with pytest.raises(Refusal, match="direction of writing"):
            read_name(name, "last_name")


@pytest.mark.parametrize("sign", ["\x00", "\u0007", "\x7f", "\ue000", "\ud800"], ids=ascii)
def test_control_characters_are_in_no_name(sign: str) -> None:
    with pytest.raises(Refusal, match="control characters"):
        read_name(f"a{sign}b", "last_name")


def test_a_name_has_an_end() -> None:
    with pytest.raises(Refusal, match="at most 255"):
        read_name("x" * 256, "last_name")
