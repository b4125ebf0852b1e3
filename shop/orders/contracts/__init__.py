"""Contracts: versioned texts, which are never changed or deleted.

A version applies from a day on, at least 30 days after it was published; it is published in both
languages, or not at all. The first version of a text applies at once.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import structlog
from peewee import ModelSelect, fn

from records.base import database
from records.catalogue import Contract
from records.languages import Language
from shop import clock
from shop.orders.contracts import texts
from shop.orders.contracts.texts import ShippedText
from shop.sql.prepared import prepared

log = structlog.get_logger()

KINDS = ("general_terms", "office_365_conditions", "microsoft_customer_agreement")
"""The kinds of contracts of every order, in the order of display (design)."""

NOTICE = timedelta(days=30)
"""The least time between the announcement of a version and the day it applies from (terms, 19)."""


# --- Publishing ----------------------------------------------------------------------------------


def publish_shipped() -> None:
    """Publish the shipped texts that are not published yet; idempotent, published ones are kept."""
    publish(texts.shipped_texts())


def publish(offered: list[ShippedText]) -> None:
    """Publish each version that is there in both languages, and leave out the others.

    A version that follows another one applies 30 full days after today.
    """
    versions: dict[tuple[str, int], list[ShippedText]] = defaultdict(list)
    for text in offered:
        versions[text.kind, text.version].append(text)
    with database.atomic():
        known = _published()
        kinds = {kind for kind, _ in known}
        for (kind, version), both in versions.items():
            if {text.language for text in both} != set(Language):
                log.error("contract_incomplete", kind=kind, version=version)
            elif (kind, version) not in known:
                _write(both, first_day_after_notice() if kind in kinds else None)


def publish_from(both: list[ShippedText], applies_on: date) -> bool:
    """Publish a version in both languages from a day on; return False if it is there already.

    In the caller's transaction.
    """
    first = both[0]
    if (first.kind, first.version) in _published():
        return False
    return all(_write(both, applies_on))


def first_day_after_notice() -> date:
    """Return the first day after 30 full days of notice from today."""
    return clock.today() + NOTICE + timedelta(days=1)


def _published() -> set[tuple[str, int]]:
    rows: Any = Contract.select(Contract.kind, Contract.version).distinct().tuples()
    return set(rows)


def _write(both: list[ShippedText], applies_on: date | None) -> list[bool]:
    """Write a version; return for each language whether it was not there already."""
    return [_write_one(text, applies_on) for text in both]


def _write_one(text: ShippedText, applies_on: date | None) -> bool:
    written = (
        Contract.insert(
            kind=text.kind,
            version=text.version,
            language=text.language,
            title=text.title,
            body=text.body,
            digest=hashlib.sha256(text.body.encode()).hexdigest(),
            published_at=clock.now(),
            applies_on=applies_on,
        )
        .on_conflict_ignore()
        .as_rowcount()
        .execute()
    )
    return bool(written)


# --- In force ------------------------------------------------------------------------------------


def current_contracts(language: str) -> list[Contract]:
    """Return each contract of an order in the version that applies, in the order of display."""
    rows = _newest.rows(language, clock.today())
    return sorted(rows, key=lambda contract: KINDS.index(contract.kind))


@prepared
def _newest(language: str, today: date) -> ModelSelect[Contract]:
    newest = (
        Contract.select(Contract.kind, fn.MAX(Contract.version).alias("version"))
        .where(Contract.language == language, Contract.kind.in_(KINDS), _applies_on(today))
        .group_by(Contract.kind)
        .alias("newest")
    )
    return (
        Contract.select()
        .join(
            newest,
            on=(newest.c.kind == Contract.kind) & (newest.c.version == Contract.version),
        )
        .where(Contract.language == language)
    )


def current_contract(kind: str, language: str) -> Contract | None:
    """Return the version of one text that applies, also of one that no order asks to accept."""
    versions = Contract.select().where(
        Contract.kind == kind, Contract.language == language, _applies()
    )
    return versions.order_by(Contract.version.desc()).first()


def _applies() -> Any:
    """Return the condition that a version is there in both languages, and its day has come."""
    return _applies_on(clock.today())


def _applies_on(day: date) -> Any:
    has_begun = Contract.applies_on.is_null() | (Contract.applies_on <= day)
    return has_begun & _is_complete()


def _is_complete() -> Any:
    translation = Contract.alias()
    languages = translation.select(fn.COUNT(translation.id)).where(
        translation.kind == Contract.kind, translation.version == Contract.version
    )
    return languages == len(Language)


# --- To come -------------------------------------------------------------------------------------


def later_versions() -> list[tuple[date, Contract]]:
    """Return each version that followed another one, with its day; past ones included."""
    followed = Contract.select().where(
        Contract.language == Language.FRENCH, Contract.applies_on.is_null(False), _is_complete()
    )
    return [(each.applies_on, each) for each in followed.order_by(Contract.applies_on, Contract.id)]


def coming_contract(kind: str, language: str) -> Contract | None:
    """Return the next version of a text whose day has not come yet, if any."""
    coming = Contract.select().where(
        Contract.kind == kind,
        Contract.language == language,
        Contract.applies_on > clock.today(),
        _is_complete(),
    )
    return coming.order_by(Contract.applies_on, Contract.id).first()


# --- Reading -------------------------------------------------------------------------------------


def find_contract(kind: str, version: int, language: str) -> Contract | None:
    """Return one version of a contract, old versions included; None if not found."""
    return Contract.get_or_none(
        Contract.kind == kind, Contract.version == version, Contract.language == language
    )
