"""What both JSON interfaces share: who may call, how answers and refusals look."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request


class ApiRefusal(Exception):
    """A call that will not be done; asking again changes nothing."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Invalid(ApiRefusal):
    """A call that does not say what it should, in ``field``."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(422, "invalid", f"{field} {message}")


class KeyReused(ApiRefusal):
    """An idempotency key that came with other parameters before."""

    def __init__(self) -> None:
        super().__init__(
            409, "key_reused", "This idempotency key was used before with other parameters."
        )


def failure(status: int, code: str, message: str) -> Response:
    """A refusal as all interfaces of the sandbox give it."""
    answer = jsonify(error={"code": code, "message": message})
    answer.status_code = status
    return answer


def guard(blueprint: Blueprint, key: str) -> None:
    """Let only holders of ``key`` call ``blueprint``, and answer its refusals as JSON."""

    @blueprint.before_request
    def check_key() -> Response | None:
        given = request.headers.get("Authorization", "")
        if hmac.compare_digest(given.encode(), f"Bearer {key}".encode()):
            return None
        return failure(401, "unauthorised", "The key is missing or wrong.")

    @blueprint.errorhandler(ApiRefusal)
    def refuse(error: ApiRefusal) -> Response:
        return failure(error.status, error.code, error.message)


def idempotency_key() -> str:
    """The caller's key for this call. Raises `Invalid` if there is none."""
    key = request.headers.get("Idempotency-Key", "")
    if not key or len(key) > 255:
        raise Invalid("Idempotency-Key", "is required, 255 characters at most")
    return key


class Fields:
    """The JSON body of a call, read field by field. Every reader raises `Invalid`."""

    def __init__(self, body: Any) -> None:
        if not isinstance(body, Mapping):
            raise ApiRefusal(400, "invalid", "The body must be a JSON object.")
        self.body = body

    @classmethod
    def of_request(cls) -> Fields:
        """The fields of the call being answered."""
        return cls(request.get_json(silent=True))

    def text(self, name: str, most: int = 500, empty: bool = False) -> str:
        """A text of at most ``most`` characters."""
        value = self.body.get(name, "" if empty else None)
        if not isinstance(value, str) or len(value) > most or not (value.strip() or empty):
            raise Invalid(name, f"must be a text of at most {most} characters")
        return value

    def number(self, name: str, low: int, high: int) -> int:
        """A whole number between ``low`` and ``high``."""
        value = self.body.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise Invalid(name, f"must be a whole number from {low} to {high}")
        return value

    def flag(self, name: str) -> bool:
        """A yes or a no."""
        value = self.body.get(name, False)
        if not isinstance(value, bool):
            raise Invalid(name, "must be true or false")
        return value

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """One of ``choices``."""
        value = self.body.get(name)
        if value not in choices:
            raise Invalid(name, f"must be one of {', '.join(choices)}")
        return str(value)

    def address(self, name: str) -> str:
        """A web address (http or https)."""
        value = self.text(name, most=2000)
        if not value.startswith(("http://", "https://")) or any(c.isspace() for c in value):
            raise Invalid(name, "must be a web address")
        return value
