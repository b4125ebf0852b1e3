"""The holder and login proposed for the licence of each mailbox of Office Attach.

The login is the local part of the mailbox's address (guide). If that is not a valid login, or
another mailbox has it, a similar login is proposed that is valid and free.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from records.exchange import ExchangeAccount
from shop.errors import Refusal
from shop.licences.seats import rules
from shop.text import folding

FOREIGN = re.compile(r"[^A-Za-z0-9_.'-]+")
SHORTEST, LONGEST = rules.LOGIN_LENGTHS

WITHOUT_DECOMPOSITION = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L"}
)
"""Letters that Unicode does not decompose into one of the alphabet and a mark."""


@dataclass(frozen=True)
class Proposal:
    """What is proposed for a mailbox."""

    account: ExchangeAccount
    first_name: str
    last_name: str
    login: str

    @property
    def is_changed(self) -> bool:
        """Whether the login differs from the local part, and the customer should look at it."""
        return self.login != self.account.local_part


def propose(accounts: Iterable[ExchangeAccount]) -> list[Proposal]:
    """Return a proposal for each mailbox, in the same order; no two have the same login."""
    accounts = list(accounts)
    # Whoever has a valid local part keeps it, wherever they stand in the list.
    taken: set[str] = set()
    keeping: set[int] = set()
    for account in accounts:
        local = account.local_part
        if _is_login(local) and local.lower() not in taken:
            taken.add(local.lower())
            keeping.add(account.id)
    return [_proposal(account, taken, keeps=account.id in keeping) for account in accounts]


def _proposal(account: ExchangeAccount, taken: set[str], *, keeps: bool) -> Proposal:
    local, domain = account.local_part, account.address.partition("@")[2]
    login = local if keeps else _free_login(_candidates(account), taken)
    taken.add(login.lower())
    if account.full_name:
        return Proposal(account, account.first_name, account.last_name, login)
    # A shared mailbox has no names, which are required.
    return Proposal(account, local.capitalize(), domain.partition(".")[0], login)


def _candidates(account: ExchangeAccount) -> list[str]:
    """Return texts to make a login from, best first."""
    local, domain = account.local_part, account.address.partition("@")[2]
    first, last, label = account.first_name, account.last_name, domain.partition(".")[0]
    found = [local.partition("+")[0]]
    if first.strip() and last.strip():
        names = (f"{first[:1]}.{last}", f"{first[:1]}.{last.split()[-1]}", f"{first}.{last}")
        found += [each.lower() for each in names]
    found += [f"{local}.{label}", f"{label}.{local}", "user"]
    # A whole one is better than one that ends in the middle of a name.
    return sorted(found, key=lambda text: len(text) > LONGEST)


def _free_login(candidates: list[str], taken: set[str]) -> str:
    """Return the first candidate that is a free login; numbered ones where all are taken."""
    cleaned = [clean for text in candidates if _is_login(clean := _clean(text))]
    for login in cleaned:
        if login.lower() not in taken:
            return login
    number = 2
    while True:
        ending = str(number)
        for login in cleaned:
            numbered = f"{login[: LONGEST - len(ending)]}{ending}"
            if numbered.lower() not in taken and _is_login(numbered):
                return numbered
        number += 1


def _clean(text: str) -> str:
    """Return the letters without accents, digits and signs of ``text``, as long as a login."""
    letters = folding.remove_accents(text.translate(WITHOUT_DECOMPOSITION))
    joined = re.sub(r"\.{2,}", ".", FOREIGN.sub("-", letters.strip()))
    return joined.strip(".-")[:LONGEST].rstrip(".-")


def _is_login(text: str) -> bool:
    try:
        return rules.read_login(text) == text
    except Refusal:
        return False
