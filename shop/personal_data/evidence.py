"""The evidence of an order as one ZIP file: what was ordered, accepted, paid, delivered and told.

Its manifest lists the digest of each file, and is signed (Ed25519) by a key that is derived from
``SECRET_KEY``: whoever has the public key, which `public_key` tells, can check it without the shop.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import reduce
from io import BytesIO
from operator import or_
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from records.catalogue import Contract
from records.disputes import Dispute
from records.events import Event
from records.groups import Addition, LicenceGroup
from records.invoices import Invoice
from records.letters import Letter, LetterKind
from records.orders import Acceptance, Order, OrderLine
from records.payments import Payment
from records.refunds import Refund
from shop import clock, documents, mail, settings, transitions
from shop.parsing.numbers_and_json import read_json
from shop.text.zip_stream import zipped

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"

README = """Preuves de la commande {number} · Evidence of order {number}

order.json         la commande, telle qu’elle a été passée · the order as placed
acceptances.json   les contrats acceptés : version, empreinte, date, adresse · contracts accepted
contracts/         leur texte exact ; son SHA-256 est l’empreinte · their exact text and its digest
payments.json      paiements, remboursements, litiges · payments, refunds, disputes
events.json        tout ce qui s’est passé, avec l’auteur · everything that happened, and by whom
emails.json        les e-mails envoyés ; leur texte : emails/ · emails sent; their text: emails/
*.pdf              le bon de commande, les factures, les avoirs · purchase order, invoices
manifest.json      le SHA-256 de chaque fichier · the SHA-256 of each file
manifest.sig       sa signature Ed25519, en hexadécimal · its Ed25519 signature, in hexadecimal

Clé publique · Public key
{key}
"""


@dataclass(frozen=True)
class Verdict:
    """What a check of a pack found: ``faults`` are sentences, none where it is intact."""

    order: str
    made_at: str
    faults: tuple[str, ...]


# --- The content -----------------------------------------------------------------------------


def find_order(number: str) -> Order | None:
    """Return the order with a number, or None."""
    return Order.get_or_none(Order.number == number)


def filename(order: Order) -> str:
    """Return the file name of an order's pack."""
    return f"evidence-{order.number}.zip"


def pack(order: Order, *, by: str) -> bytes:
    """Return the ZIP file with the evidence of an order, made by ``by``, which is an event."""
    transitions.record(order, "evidence_made", by=by)
    files = dict(_files(order))
    manifest = _json(
        {
            "order": order.number,
            "shop": settings.current().shop_name,
            "made_at": clock.now(),
            "made_by": by,
            "public_key": public_key(),
            "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        }
    )
    signature = _key(settings.current().secret_key).sign(manifest).hex().encode()
    files |= {MANIFEST: manifest, SIGNATURE: signature}
    return b"".join(zipped((name, [content]) for name, content in files.items()))


def _files(order: Order) -> Iterator[tuple[str, bytes]]:
    yield "README.txt", README.format(number=order.number, key=public_key()).encode()
    yield "order.json", _json(_row(order) | {"lines": _rows(_lines(order))})
    yield documents.purchase_order_filename(order), documents.purchase_order_of(order)
    yield from _contracts(order)
    payments = list(Payment.select().where(Payment.order == order).order_by(Payment.id))
    invoices = list(Invoice.select().where(Invoice.order == order).order_by(Invoice.id))
    refunds = list(Refund.select().where(Refund.payment.in_(payments or [0])).order_by(Refund.id))
    disputes = list(Dispute.select().where(Dispute.payment.in_(payments or [0])))
    money: dict[str, list[Any]] = {
        "payments": payments,
        "refunds": refunds,
        "disputes": disputes,
        "invoices": invoices,
    }
    yield "payments.json", _json({name: _rows(rows) for name, rows in money.items()})
    for invoice in invoices:
        yield documents.invoice_filename(invoice), documents.invoice_of(invoice)
    groups, additions = _delivered(order)
    subjects = [order, *payments, *refunds, *disputes, *invoices, *groups, *additions]
    letters = list(_letters(order, subjects))
    yield "events.json", _json(_rows(_events([*subjects, *letters])))
    yield "emails.json", _json([_letter(letter) for letter in letters])
    for letter in letters:
        if not letter.is_secret:
            yield f"emails/{letter.id}.txt", mail.text_of(letter).encode()
            yield f"emails/{letter.id}.html", mail.html_of(letter).encode()


def _lines(order: Order) -> Iterable[OrderLine]:
    return OrderLine.select().where(OrderLine.order == order).order_by(OrderLine.position)


def _contracts(order: Order) -> Iterator[tuple[str, bytes]]:
    accepted = (
        Acceptance.select(Acceptance, Contract)
        .join(Contract)
        .where(Acceptance.order == order)
        .order_by(Acceptance.id)
    )
    told = []
    for row in accepted:
        contract = row.contract
        name = f"contracts/{contract.kind}.{contract.version}.{contract.language}.md"
        told.append(
            {
                "contract": contract.kind, "version": contract.version, "title": contract.title,
                "language": contract.language, "published_at": contract.published_at,
                "digest": row.digest, "accepted_at": row.accepted_at, "address": row.ip_address,
                "file": name,
            }
        )  # fmt: skip
        yield name, contract.body.encode()
    yield "acceptances.json", _json(told)


def _delivered(order: Order) -> tuple[list[LicenceGroup], list[Addition]]:
    lines = OrderLine.select(OrderLine.id).where(OrderLine.order == order)
    return (
        list(LicenceGroup.select().where(LicenceGroup.line.in_(lines)).order_by(LicenceGroup.id)),
        list(Addition.select().where(Addition.line.in_(lines)).order_by(Addition.id)),
    )


KINDS: dict[str, tuple[LetterKind, ...]] = {
    "order": (
        LetterKind.ORDER_PLACED,
        LetterKind.ORDER_CANCELLED,
        LetterKind.ORDER_EXPIRED,
        LetterKind.PAYMENT_RECEIVED,
        LetterKind.DELIVERY_FAILED,
        LetterKind.ATTACH_ORDERED,
        LetterKind.WITHDRAWAL_RECEIVED,
    ),
    "payment": (
        LetterKind.PAYMENT_REFUNDED,
        LetterKind.REST_REFUNDED,
        LetterKind.INVOICE_PAYMENT_REFUNDED,
    ),
    "refund": (
        LetterKind.REFUNDED_BY_BANK,
        LetterKind.REFUND_FAILED,
        LetterKind.CREDIT_NOTE_REFUNDED,
    ),
    "dispute": (LetterKind.PAYMENT_DISPUTED, LetterKind.DISPUTE_LOST),
    "invoice": (LetterKind.INVOICE_ISSUED, LetterKind.INVOICE_PAID, LetterKind.CREDIT_NOTE_ISSUED),
    "group": (
        LetterKind.SERVICE_INSTALLED,
        LetterKind.ATTACH_INSTALLED,
        LetterKind.SERVICE_TERMINATED,
    ),
    "addition": (LetterKind.LICENCES_ADDED,),
}
"""The e-mails about each kind of row: their keys begin with the kind and the number of the row."""


def _letters(order: Order, subjects: list[Any]) -> Iterable[Letter]:
    """Return the e-mails about an order and what came of it, oldest first.

    Their keys are compared here: a condition for each would be more than a database reads.
    """
    about = {f"{kind}:{row.id}" for row in subjects for kind in KINDS[row.event_subject]}
    kinds = {kind for listed in KINDS.values() for kind in listed}
    own = Letter.select(Letter.id, Letter.key).where(
        Letter.account == order.account_id, Letter.kind.in_(kinds)
    )
    found = [row.id for row in own if ":".join(row.key.split(":")[:2]) in about]
    return Letter.select().where(Letter.id.in_(found)).order_by(Letter.id)


def _letter(letter: Letter) -> dict[str, Any]:
    told = (
        "id", "kind", "language", "recipient", "subject", "status", "error", "created_at",
        "sent_at", "emptied_at", "is_secret",
    )  # fmt: skip
    return {name: getattr(letter, name) for name in told}


def _events(subjects: list[Any]) -> Iterable[Event]:
    conditions = []
    for subject in sorted({row.event_subject for row in subjects}):
        ids = [row.id for row in subjects if row.event_subject == subject]
        conditions.append((Event.subject == subject) & Event.subject_id.in_(ids))
    return Event.select().where(reduce(or_, conditions)).order_by(Event.id)


SECRET_COLUMNS = {"key", "checkout", "checkout_url", "basket", "basket_key"}
"""Columns that are no evidence: keys of calls, and addresses of the bank's pages."""


def _rows(rows: Iterable[Any]) -> list[dict[str, Any]]:
    return [_row(row) for row in rows]


def _row(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row.__data__.items() if name not in SECRET_COLUMNS}


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2, default=_plain).encode() + b"\n"


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


# --- The signature ---------------------------------------------------------------------------


def _key(secret: str) -> Ed25519PrivateKey:
    derived = HKDF(hashes.SHA256(), 32, salt=None, info=b"evidence of orders").derive(
        secret.encode()
    )
    return Ed25519PrivateKey.from_private_bytes(derived)


def public_key(secret: str = "") -> str:
    """Return the public key by which packs of today are checked, in hexadecimal."""
    key = _key(secret or settings.current().secret_key).public_key()
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw).hex()


def check_pack(content: bytes) -> Verdict:
    """Check a pack that this shop made: its signature, and the digest of each file.

    Packs signed with a former ``SECRET_KEY`` count as long as ``SECRET_KEY_FALLBACKS`` names it.
    Raise `zipfile.BadZipFile` unless it is a ZIP file, `KeyError` where a part of it is missing.
    """
    with zipfile.ZipFile(BytesIO(content)) as archive:
        manifest = archive.read(MANIFEST)
        told = read_json(manifest)
        faults = [] if _is_signed(manifest, archive.read(SIGNATURE)) else [
            "The signature is not this shop's."
        ]  # fmt: skip
        names = set(archive.namelist()) - {MANIFEST, SIGNATURE}
        for name in sorted(names | set(told["files"])):
            if name not in names:
                faults.append(f"{name} is missing.")
            elif hashlib.sha256(archive.read(name)).hexdigest() != told["files"].get(name):
                faults.append(f"{name} was changed.")
    return Verdict(str(told["order"]), str(told["made_at"]), tuple(faults))


def _is_signed(manifest: bytes, signature: bytes) -> bool:
    return any(
        _fits(_key(secret).public_key(), manifest, signature)
        for secret in settings.current().secret_keys
    )


def _fits(key: Ed25519PublicKey, manifest: bytes, signature: bytes) -> bool:
    try:
        key.verify(bytes.fromhex(signature.decode()), manifest)
    except (InvalidSignature, ValueError):
        return False
    return True
