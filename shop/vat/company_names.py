"""Whether the name a customer gave fits the one the registry has for their VAT number."""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher

CLOSE = 0.85
"""How similar two names are at least, from 0 to 1, that differ by a typing error."""

LEGAL_FORMS = frozenset(
    """ab ag aps as asbl bv bvba cv doo dba eeig eg eirl esrl eurl ev gie gmbh hf inc kft kg kgaa
    limited llc llp ltd mbh nv ohg oo oy oyj plc sa sac sagl sarl sas sasu sca scop scs sl slu snc
    soc sp spa sprl spzoo srl sro ug uab und vof z zoo""".split()
)
"""Words that say which kind of company it is: they are left out, spelt out or abbreviated."""

FILLERS = frozenset("and co cie compagnie company de des et la le les of the und y".split())


def fit(given: str, registered: str) -> bool | None:
    """Return whether two names of a company agree; None where the registry has none to compare.

    They agree if one has all significant words of the other, or differs by a typing error.
    """
    if not registered.strip(" -"):
        return None
    mine, theirs = _words(given), _words(registered)
    if not mine or not theirs:
        return False
    if set(mine) <= set(theirs) or set(theirs) <= set(mine):
        return True
    return SequenceMatcher(None, "".join(mine), "".join(theirs)).ratio() >= CLOSE


def _words(name: str) -> list[str]:
    """Return the words of a name that tell companies apart, or all if there are none."""
    letters = unicodedata.normalize("NFKD", name.replace(".", "")).casefold()
    words = re.findall(r"\w+", "".join(c for c in letters if not unicodedata.combining(c)))
    telling = [word for word in words if len(word) > 1 and word not in LEGAL_FORMS | FILLERS]
    return telling or words
