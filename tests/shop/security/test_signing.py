"""What the shop signs, it signs by SHA-256."""

from __future__ import annotations

import hashlib

import pytest
from flask import Flask
from itsdangerous import BadSignature, URLSafeSerializer, URLSafeTimedSerializer

pytestmark = pytest.mark.one_database

KEY = "a-key-of-this-test"
BY_SHA1 = {"digest_method": hashlib.sha1}


def by_sha1(salt: str) -> URLSafeSerializer:
    return URLSafeSerializer(KEY, salt=salt, signer_kwargs=BY_SHA1)


def test_links_and_forms_are_signed_by_sha256(app: Flask) -> None:
    for kind in (URLSafeSerializer, URLSafeTimedSerializer):
        signed = kind(KEY, salt="x").dumps("text")
        by_sha256 = kind(KEY, salt="x", signer_kwargs={"digest_method": hashlib.sha256})
        assert by_sha256.loads(signed) == "text"
    with pytest.raises(BadSignature):
        URLSafeSerializer(KEY, salt="x").loads(by_sha1("x").dumps("text"))


def test_session_cookies_are_signed_by_sha256(app: Flask) -> None:
    serializer = app.session_interface.get_signing_serializer(app)
    assert serializer.signer_kwargs["digest_method"] is hashlib.sha256
