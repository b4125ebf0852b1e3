"""Versions of contracts: published in both languages, compared, and announced 30 days before."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from peewee import fn

from records.base import database
from records.catalogue import Contract, Offer
from records.languages import Language
from records.subscriptions import ContractAnnouncement
from shop import clock, documents
from shop.errors import N_, Conflict, Refusal
from shop.orders import contracts
from shop.orders.contracts.texts import ShippedText
from shop.publishing import acts, offers

KINDS = (*contracts.KINDS, "privacy_notice")
"""The texts that may have another version."""

NAMES_OFFERS = "office_365_conditions"
"""The text that names the offers, what they contain and how many licences a group holds."""

LONGEST = 200_000


@dataclass(frozen=True)
class Draft:
    """A version to be: its title and its text (Markdown) in each language, and its first day."""

    kind: str
    titles: dict[str, str]
    bodies: dict[str, str]
    applies_on: date


@dataclass(frozen=True)
class ShownVersion:
    """A version of a text, and how far its announcement is."""

    contract: Contract
    is_to_come: bool
    announced: int


@dataclass(frozen=True)
class Difference:
    """A paragraph of two versions: ``mark`` is "-", "+" or "" where both have it."""

    mark: str
    text: str


def newest_version(kind: str, language: str) -> Contract | None:
    """Return the version of a text published last, also where it does not apply yet."""
    versions = Contract.select().where(Contract.kind == kind, Contract.language == language)
    return versions.order_by(Contract.version.desc()).first()


def all_versions() -> list[ShownVersion]:
    """Return every version of every text, in French, the newest of each first. One query."""
    told = ContractAnnouncement.select(fn.COUNT(ContractAnnouncement.id)).where(
        ContractAnnouncement.kind == Contract.kind,
        ContractAnnouncement.version == Contract.version,
    )
    listed = (
        Contract.id, Contract.kind, Contract.version, Contract.language, Contract.title,
        Contract.digest, Contract.published_at, Contract.applies_on,
    )  # fmt: skip
    rows: list[Any] = list(
        Contract.select(*listed, told.alias("told"))
        .where(Contract.language == Language.FRENCH, Contract.kind.in_(KINDS))
        .order_by(Contract.version.desc())
    )
    today = clock.today()
    rows.sort(key=lambda row: KINDS.index(row.kind))
    return [
        ShownVersion(row, row.applies_on is not None and row.applies_on > today, row.told)
        for row in rows
    ]


def not_named() -> list[tuple[Offer, list[str]]]:
    """Return each offer on sale, now or soon, with what the newest text does not name of it.

    That is its name, its applications and the most licences of a group, in either language.
    """
    texts = [newest_version(NAMES_OFFERS, language) for language in Language]
    found = [(each.offer, _not_in(texts, each.offer)) for each in offers.all_offers()
             if each.state in ("sold", "to_come")]  # fmt: skip
    return [(offer, words) for offer, words in found if words]


def _not_in(texts: list[Contract | None], offer: Offer) -> list[str]:
    missing: dict[str, None] = {}
    for text in texts:
        said = [text and offer.name_in(text.language), *offer.application_names]
        limit = [str(offer.places_limit)] if offer.places_limit else []
        body = text.body if text else ""
        missing |= dict.fromkeys(word for word in [*said, *limit] if word and word not in body)
    return list(missing)


def difference(before: str, after: str) -> Iterator[Difference]:
    """Yield the paragraphs of two texts: those that went, those that came, those that stayed."""
    old, new = _paragraphs(before), _paragraphs(after)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for tag, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if tag == "equal":
            yield from (Difference("", text) for text in old[old_from:old_to])
            continue
        yield from (Difference("-", text) for text in old[old_from:old_to])
        yield from (Difference("+", text) for text in new[new_from:new_to])


def _paragraphs(text: str) -> list[str]:
    return [part.strip() for part in text.replace("\r\n", "\n").split("\n\n") if part.strip()]


def check_draft(draft: Draft) -> None:
    """Raise `Refusal` for a draft that cannot be published: the day, a text, or its paper."""
    if draft.kind not in KINDS:
        raise Refusal(N_("There is no such text."), "kind")
    if draft.applies_on < contracts.first_day_after_notice():
        raise Refusal(
            N_("Customers are told 30 days before: the first possible day is %(day)s."),
            "applies_on", day=contracts.first_day_after_notice().isoformat(),
        )  # fmt: skip
    for language in Language:
        for values, name in ((draft.titles, "title"), (draft.bodies, "body")):
            if not values.get(language, "").strip():
                raise Refusal(N_("Write the text in both languages."), f"{name}_{language}")
        if len(draft.bodies[language]) > LONGEST:
            raise Refusal(N_("This text is too long."), f"body_{language}")
    if all(_is_unchanged(draft, language) for language in Language):
        raise Refusal(N_("This is the text of the last version: nothing is changed."))


def _is_unchanged(draft: Draft, language: str) -> bool:
    last = newest_version(draft.kind, language)
    given = (draft.titles[language].strip(), _normalised(draft.bodies[language]))
    return last is not None and (last.title, last.body) == given


def _normalised(body: str) -> str:
    return body.replace("\r\n", "\n").strip()


def publish(draft: Draft, *, by: str, reason: str) -> int:
    """Publish another version of a text; return its number.

    It is announced to customers with a running service, and accepted with their next order from
    its first day on. It can be neither changed nor taken back. Raise `Refusal` without a reason,
    and as `check_draft` does; `Conflict` if another version was published at the same time.
    """
    reason = acts.checked(reason)
    check_draft(draft)
    last = newest_version(draft.kind, Language.FRENCH)
    version = last.version + 1 if last else 1
    with database.atomic():
        written = contracts.publish_from(
            [
                ShippedText(
                    draft.kind, version, language, draft.titles[language].strip(),
                    _normalised(draft.bodies[language]),
                )
                for language in Language
            ],
            draft.applies_on,
        )  # fmt: skip
        if not written:
            raise Conflict(N_("Another version was published a moment ago. Compare again."))
        for language in Language:
            made = contracts.find_contract(draft.kind, version, language)
            assert made is not None
            # The paper is made now, so that a text that cannot be typeset is not published.
            documents.contract_of(made)
            acts.record_act("contract", made, "contract_published", by=by, reason=reason)
    return version
