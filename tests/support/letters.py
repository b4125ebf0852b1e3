"""E-mails: those that the shop wrote, and what a reader sees of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from xml.etree.ElementTree import Element

from models import Account, Job, Letter, StaffAccount, StaffLetter
from shop import mail
from shop.jobs import kinds
from tests.support import pages

ADDRESS = "marie.dupont@o365-1.o365.example"
GROUP = "Atelier de Lille"
PASSWORD = "hV7-kq2Rm9wX_t4B"
LEGAL_PAGES = ("legal-notice", "terms", "privacy", "mediation", "contact")
"""The pages that every e-mail links to at its end, by their name in the URL."""

PORTAL = "http://127.0.0.1:5001/portal"


def the(account: Account, kind: str) -> Letter:
    """Return the newest e-mail of a kind to ``account``."""
    found = Letter.select().where(Letter.account == account, Letter.kind == kind)
    letter: Letter = found.order_by(Letter.id.desc()).get()
    return letter


def to_staff(member: StaffAccount, kind: str) -> StaffLetter:
    """Return the newest e-mail of a kind to a member of staff."""
    found = StaffLetter.select().where(StaffLetter.staff == member, StaffLetter.kind == kind)
    letter: StaffLetter = found.order_by(StaffLetter.id.desc()).get()
    return letter


def fail_to_staff(*unsent: StaffLetter) -> None:
    """Let the mail server have refused e-mails to members of staff for good."""
    numbers = [letter.id for letter in unsent]
    StaffLetter.update(status="failed", error="550").where(StaffLetter.id.in_(numbers)).execute()
    keys = [kinds.send_staff_letter.key(letter=number) for number in numbers]
    Job.update(status="failed", error="550").where(Job.key.in_(keys)).execute()


TO_OTHERS = {"licence_for_owner", "licence_link"}
"""E-mails to people without an account: they do not mention the customer area."""


@dataclass(frozen=True)
class Written:
    """A copy of an e-mail, independent of the database."""

    kind: str
    language: str
    subject: str
    text: str
    html: str
    full_name: str
    nic_handle: str
    is_to_customer: bool
    is_to_unproved: bool

    @classmethod
    def of(cls, letter: Letter) -> Written:
        """Return the copy of ``letter``."""
        return cls(
            letter.kind,
            letter.language,
            letter.subject,
            mail.text_of(letter),
            mail.html_of(letter),
            letter.account.full_name,
            letter.account.nic_handle,
            letter.kind not in TO_OTHERS,
            letter.kind in mail.TO_UNPROVED | mail.TO_STRANGERS,
        )

    @classmethod
    def of_staff(cls, letter: StaffLetter) -> Written:
        """Return the copy of an e-mail to a member of staff, whom it calls by the login."""
        login = letter.staff.login
        return cls(
            letter.kind, letter.language, letter.subject, mail.text_of(letter),
            mail.html_of(letter), login, login, is_to_customer=True, is_to_unproved=False,
        )  # fmt: skip


# --- What a reader sees ----------------------------------------------------------------------


def plain(text: str) -> str:
    """Return a text with every run of white space as one space."""
    return " ".join(text.split())


@lru_cache(maxsize=256)
def parsed(html: str) -> Element:
    """Return the root element of an HTML e-mail; many tests read each of them."""
    return pages.read_page(html)[0]


def shown(html: str) -> str:
    """Return the visible text of an HTML e-mail, without styles and preview text."""
    body = parsed(html).find("body")
    assert body is not None
    return _shown(body)


def seen(html: str) -> str:
    """Return the visible text with plain spaces, for searching."""
    return plain(shown(html))


def _shown(element: Element) -> str:
    hidden = not isinstance(element.tag, str) or "display:none" in element.get("style", "")
    own = "" if hidden else (element.text or "") + "".join(_shown(child) for child in element)
    between = "" if element.tag in {"a", "strong", "span"} else " "
    return between + own + between + (element.tail or "")


def links(html: str) -> set[str]:
    """Return the URLs of an HTML e-mail's links, without ``mailto:``."""
    targets = {link.get("href", "") for link in parsed(html).iter("a")}
    return {target for target in targets if not target.startswith("mailto:")}


def addresses(text: str) -> set[str]:
    """Return the URLs in a text."""
    return set(re.findall(r"https?://[^\s,]+[^\s.,]", text))


def activate(account: Account, key: str = "1") -> Letter:
    """Store an e-mail that contains a secret."""
    mail.licence_active(
        account, group=GROUP, address=ADDRESS, password=PASSWORD, portal=PORTAL, key=key,
    )  # fmt: skip
    return the(account, "licence_active")


def again(letter: Letter) -> Letter:
    """Return the stored e-mail, reloaded."""
    return Letter.get_by_id(letter.id)
