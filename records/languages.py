"""The languages of the shop: of its pages, e-mails, documents and contracts."""

from __future__ import annotations

from enum import StrEnum


class Language(StrEnum):
    """A language by its ISO 639 code."""

    FRENCH = "fr"
    ENGLISH = "en"

    @property
    def own_name(self) -> str:
        """The name of the language in that language."""
        return _OWN_NAMES[self]


_OWN_NAMES = {Language.FRENCH: "Français", Language.ENGLISH: "English"}
