"""Contracts: versioned texts, which are never changed or deleted."""

from __future__ import annotations

import hashlib

from peewee import fn

from records.base import database
from records.catalogue import Contract
from shop import clock
from shop.orders.contracts import texts

KINDS = ("general_terms", "office_365_conditions", "microsoft_customer_agreement")
"""The kinds of contracts of every order, in the order of display (design)."""


def publish_shipped() -> None:
    """Publish the shipped texts that are not published yet; idempotent, published ones are kept."""
    with database.atomic():
        for shipped in texts.shipped_texts():
            Contract.insert(
                kind=shipped.kind,
                version=shipped.version,
                language=shipped.language,
                title=shipped.title,
                body=shipped.body,
                digest=hashlib.sha256(shipped.body.encode()).hexdigest(),
                published_at=clock.now(),
            ).on_conflict_ignore().execute()


def current_contracts(language: str) -> list[Contract]:
    """Return the newest version of each contract of an order, in the order of display."""
    newest = (
        Contract.select(Contract.kind, fn.MAX(Contract.version).alias("version"))
        .where(Contract.language == language, Contract.kind.in_(KINDS))
        .group_by(Contract.kind)
        .alias("newest")
    )
    rows = (
        Contract.select()
        .join(
            newest,
            on=(newest.c.kind == Contract.kind) & (newest.c.version == Contract.version),
        )
        .where(Contract.language == language)
    )
    return sorted(rows, key=lambda contract: KINDS.index(contract.kind))


def current_contract(kind: str, language: str) -> Contract | None:
    """Return the newest version of one text, also of one that no order asks to accept."""
    versions = Contract.select().where(Contract.kind == kind, Contract.language == language)
    return versions.order_by(Contract.version.desc()).first()


def find_contract(kind: str, version: int, language: str) -> Contract | None:
    """Return one version of a contract, old versions included; None if not found."""
    return Contract.get_or_none(
        Contract.kind == kind, Contract.version == version, Contract.language == language
    )
