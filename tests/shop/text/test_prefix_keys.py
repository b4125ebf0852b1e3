"""Search keys: what one key finds is not stored under another as well."""

from __future__ import annotations

from shop.text import prefix_keys


def test_a_key_that_another_one_begins_with_is_left_out() -> None:
    texts = ["an", "anna", "ann m", "", "b", "anna", "été", "é", "ba"]
    kept = ["anna", "ann m", "été", "ba"]
    assert prefix_keys.keys_of(texts) == {each.encode() for each in kept}
    assert prefix_keys.keys_of(["a", "a"]) == {b"a"}
    assert prefix_keys.keys_of([""]) == set()
