"""E-mail header injection: customers' text stays text, in every kind of e-mail.

The standard library decodes an encoded word (RFC 2047) in a header it is given, line ends
included; on Python 3.11 and 3.12 it then writes them out.
"""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from models import Account, Attachment, Letter, LicenceGroup
from shop import mail
from shop.errors import Refusal
from shop.mail import composing
from shop.text.names import read_name
from tests.support import cast, letter_causes, letters
from tests.support.parties import Bank, Provider

EVIL = "=?utf-8?q?Eve=0D=0ASubject:_evil=0D=0ABcc:_eve@evil.example=0D=0A=0D=0A<b>hi</b>?="
IN_BASE64 = "=?utf-8?b?RXZlDQpTdWJqZWN0OiBldmlsDQoNCjxiPmhpPC9iPg==?="

PIECES = ["=?", "?=", "=", "?", "utf-8", "?q?", "?b?", "=0D=0A", "Subject:_evil", "RXZlDQo=", EVIL,
          "Bcc: eve@evil.example", "\r\n", "\u2028", "é", "李", '"', "<", ">", ",", ";", "\\", " ",
          "\t", "x" * 80]  # fmt: skip
HOSTILE = st.lists(st.sampled_from(PIECES), min_size=1, max_size=12).map("".join)


def received(message: EmailMessage) -> EmailMessage:
    """Return the message as a mail program parses it."""
    return message_from_bytes(message.as_bytes(policy=SMTP), policy=SMTP)


def unspaced(value: object) -> str:
    """Return a header without white space, which folding may add or remove."""
    return "".join(str(value).split())


def assert_one_of_ours(message: EmailMessage, recipient: str) -> None:
    """Assert that there are only our own headers, once each, and only ``recipient``."""
    assert sorted(name.lower() for name in message) == [
        "auto-submitted", "content-language", "content-type", "date", "from", "message-id",
        "mime-version", "subject", "to", "x-auto-response-suppress",
    ]  # fmt: skip
    assert [address.addr_spec for address in message["To"].addresses] == [recipient]
    assert not str(message["Subject"]).startswith("evil")


@pytest.mark.parametrize("kind", letter_causes.CAUSES)
@pytest.mark.parametrize("name", [EVIL, IN_BASE64])
def test_no_kind_of_letter_takes_headers_from_a_name(
    kind: str, name: str, bank: Bank, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = cast.register(cast.ALICE)
    Account.update(first_name=name).where(Account.id == account.id).execute()
    written = Account.get_by_id(account.id)
    letter_causes.CAUSES[kind](written, bank, provider)
    LicenceGroup.update(display_name=name).execute()
    letter = letters.the(account, kind)
    for attachment in mail.attachments_of(letter):
        attachment.filename = f"{name}{attachment.id}.pdf"
        attachment.save()
    letter.subject = f"{letter.subject} {name}"
    message = received(composing.compose(letter, list(mail.attachments_of(letter))))
    assert_one_of_ours(message, letter.recipient)
    assert message.get_body(("plain",)) is not None
    assert message.get_body(("html",)) is not None


@given(name=HOSTILE, subject=HOSTILE, filename=HOSTILE)
@example(name=f"Anna Subject:_evil {'x' * 70};", subject="", filename="")
@example(name=f"{'x' * 80}=?{'x' * 79},", subject="", filename="")
@example(name="", subject=f"{'x' * 80}=?{'x' * 79},", filename=f"{'x' * 80}=?{'x' * 79}")
@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_arrives_unchanged(alice: Account, name: str, subject: str, filename: str) -> None:
    letter = letters.the(alice, "account_created")
    letter.subject, letter.addressee = subject, name
    attachment = Attachment(letter=letter, filename=filename, content=b"%PDF")
    message = received(composing.compose(letter, [attachment]))
    assert_one_of_ours(message, letter.recipient)
    assert unspaced(message["Subject"]) == unspaced(composing.header_text(subject))
    (attached,) = message.iter_attachments()
    assert attached.get_content() == b"%PDF"


def test_control_without_header_text_an_injection_is_detected(
    alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(composing, "header_text", lambda text: text)
    letter: Letter = letters.the(alice, "account_created")
    letter.subject = f"Hello {EVIL}"
    with pytest.raises(composing.MessageAltered):
        composing.compose(letter, [])


@pytest.mark.parametrize("name", [EVIL, IN_BASE64, "=?", "Zoé =?utf-8?q?x?="])
def test_no_name_holds_an_encoded_word(name: str) -> None:
    with pytest.raises(Refusal, match="encoded"):
        read_name(name, "first_name")
