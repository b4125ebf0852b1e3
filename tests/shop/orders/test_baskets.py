"""Baskets: accepted quantities, and the refusal of all other input."""

from __future__ import annotations

import pytest

from shop.errors import Refusal
from shop.orders import baskets
from shop.orders.baskets import Basket, InvalidBasket
from shop.pricing import catalogue

OFFERS = {
    "business": catalogue.PricedOffer("business", "Office 365 Business", 300, 880),
    "pro_plus": catalogue.PricedOffer("pro_plus", "Office 365 Pro Plus", None, 1290),
}


@pytest.mark.parametrize(
    ("typed", "number"),
    [("0", 0), ("1", 1), (" 300 ", 300), ("+7", 7), ("007", 7), ("2\u202f00", 200)],
)
def test_a_whole_number_is_taken_as_typed(typed: str, number: int) -> None:
    assert baskets.read_quantity(typed, OFFERS["business"]) == number


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Enter a number"),
        ("   ", "Enter a number"),
        ("-1", "cannot be negative"),
        ("-0,5", "cannot be negative"),
        ("1.5", "cannot be divided"),
        ("1,5", "cannot be divided"),
        ("three", "in digits"),
        ("1e3", "in digits"),
        ("٣", "in digits"),
        ("<script>", "in digits"),
        ("301", "at most 300"),
        ("9" * 400, "at most 300"),
    ],
)
def test_anything_else_is_refused_with_a_sentence_at_its_field(typed: str, sentence: str) -> None:
    with pytest.raises(Refusal, match=sentence) as refused:
        baskets.read_quantity(typed, OFFERS["business"])
    assert refused.value.field == "business"


def test_pro_plus_has_no_limit_but_one_order_has() -> None:
    assert baskets.read_quantity("100000", OFFERS["pro_plus"]) == 100_000
    with pytest.raises(Refusal, match="100,000"):
        baskets.read_quantity("100001", OFFERS["pro_plus"])
    with pytest.raises(Refusal, match="100,000"):
        baskets.read_quantity("9" * 4000, OFFERS["pro_plus"])


def test_an_empty_basket_is_refused() -> None:
    with pytest.raises(InvalidBasket, match="at least one"):
        baskets.read_basket("", {"business": "0", "pro_plus": "0"}, OFFERS)


def test_every_wrong_field_is_named() -> None:
    with pytest.raises(InvalidBasket) as invalid:
        baskets.read_basket("", {"business": "-1", "pro_plus": "x"}, OFFERS)
    assert [refusal.field for refusal in invalid.value.refusals] == ["business", "pro_plus"]


def test_a_basket_keeps_a_valid_name_and_gets_a_new_one_otherwise() -> None:
    name = baskets.new_name()
    typed = {"business": "1", "pro_plus": "0"}
    assert baskets.read_basket(name, typed, OFFERS).name == name
    assert baskets.read_basket("../../etc", typed, OFFERS).name != "../../etc"


def test_the_key_tells_contents_apart_and_not_the_order_of_offers() -> None:
    first = Basket("n", {"business": 1, "pro_plus": 2})
    assert first.key == Basket("n", {"pro_plus": 2, "business": 1}).key
    assert first.key != Basket("n", {"business": 2, "pro_plus": 1}).key
