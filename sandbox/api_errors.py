"""What the JSON APIs share: authentication, the request body, and error responses."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request


class ApiRefusal(Exception):
    """A call that is refused for good; retrying it changes nothing."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class InvalidField(ApiRefusal):
    """A call whose ``field`` is missing or not valid."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(422, "invalid", f"{field} {message}")


class KeyReused(ApiRefusal):
    """An idempotency key that was used before with other parameters."""

    def __init__(self) -> None:
        super().__init__(
            409, "key_reused", "This idempotency key was used before with other parameters."
        )


def error_response(status: int, code: str, message: str) -> Response:
    """Return an error in the form that all APIs of the sandbox use."""
    answer = jsonify(error={"code": code, "message": message})
    answer.status_code = status
    return answer


def require_key(blueprint: Blueprint, key: str) -> None:
    """Require ``key`` as bearer token on ``blueprint``, and answer its refusals as JSON."""

    @blueprint.before_request
    def check_key() -> Response | None:
        given = request.headers.get("Authorization", "")
        if hmac.compare_digest(given.encode(), f"Bearer {key}".encode()):
            return None
        return error_response(401, "unauthorised", "The key is missing or wrong.")

    @blueprint.errorhandler(ApiRefusal)
    def refuse(error: ApiRefusal) -> Response:
        return error_response(error.status, error.code, error.message)


def idempotency_key() -> str:
    """Return the idempotency key of this call. Raises `InvalidField` if there is none."""
    key = request.headers.get("Idempotency-Key", "")
    if not key or len(key) > 255:
        raise InvalidField("Idempotency-Key", "is required, 255 characters at most")
    return key


class Fields:
    """The JSON body of a call, read field by field. Each method raises `InvalidField`."""

    def __init__(self, body: Any) -> None:
        if not isinstance(body, Mapping):
            raise ApiRefusal(400, "invalid", "The body must be a JSON object.")
        self.body = body

    @classmethod
    def from_request(cls) -> Fields:
        """Read the body of the current request."""
        return cls(request.get_json(silent=True))

    def text(self, name: str, most: int = 500, empty: bool = False) -> str:
        """Return a text of at most ``most`` characters."""
        value = self.body.get(name, "" if empty else None)
        if not isinstance(value, str) or len(value) > most or not (value.strip() or empty):
            raise InvalidField(name, f"must be a text of at most {most} characters")
        return value

    def number(self, name: str, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high``."""
        value = self.body.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise InvalidField(name, f"must be a whole number from {low} to {high}")
        return value

    def flag(self, name: str) -> bool:
        """Return a boolean; False if the field is absent."""
        value = self.body.get(name, False)
        if not isinstance(value, bool):
            raise InvalidField(name, "must be true or false")
        return value

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """Return one of ``choices``."""
        value = self.body.get(name)
        if value not in choices:
            raise InvalidField(name, f"must be one of {', '.join(choices)}")
        return str(value)

    def url(self, name: str) -> str:
        """Return an absolute URL (http or https)."""
        value = self.text(name, most=2000)
        if not value.startswith(("http://", "https://")) or any(c.isspace() for c in value):
            raise InvalidField(name, "must be a URL")
        return value
