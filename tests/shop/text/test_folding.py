"""Texts compared without case, accents and punctuation."""

from __future__ import annotations

import pytest

from shop.text.folding import fold, without_accents


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  Élodie   MARCHAND ", "elodie marchand"),
        ("d’Hérouville-Le Gall", "d herouville le gall"),
        ("Alice.Lefevre @ Atelier.example", "alice lefevre@atelier example"),
        ("Straße", "strasse"),
        ("王 小明", "王 小明"),
        ("…", ""),
    ],
)
def test_what_is_written_differently_is_found_alike(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert fold(folded) == folded


def test_without_accents_keeps_punctuation() -> None:
    assert without_accents("L’Été, à Évian") == "l’ete, a evian"
