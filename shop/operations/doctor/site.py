"""The shop's own site, asked from outside: address, TLS, proxies, webhook, figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx

from shop import settings
from shop.operations.doctor import probe
from shop.operations.doctor.findings import Finding, fault, ok
from shop.parsing.numbers_and_json import read_json

TIMEOUT = 10
CLAIMED = "203.0.113.77"
"""The address a client may claim to have: one for documentation, which nobody has."""


def examine_site(http: httpx.Client | None = None) -> Iterator[Finding]:
    """Ask the shop at ``PUBLIC_URL`` how it is reached, and for what it must not tell."""
    base = settings.current().public_url
    with http or httpx.Client(timeout=TIMEOUT) as client:
        try:
            yield from _examine(client, base)
        except httpx.HTTPError as error:
            yield fault(
                "Site",
                f"{base} cannot be reached: {type(error).__name__}: {error}.",
                "Check that web server and proxy run, DNS, the certificate, and PUBLIC_URL.",
            )


def _examine(client: httpx.Client, base: str) -> Iterator[Finding]:
    answer = client.post(
        base + probe.PATH, content=probe.question(), headers={"X-Forwarded-For": CLAIMED}
    )
    if answer.status_code != 200:
        yield fault(
            "Site",
            f"{base} is another shop, or has another SECRET_KEY: it answers {answer.status_code}.",
            "Check PUBLIC_URL, and that every process has the same SECRET_KEY and version.",
        )
        return
    yield ok("Site", f"{base} leads to this shop.")
    yield from _proxies(read_json(answer.content), base)
    yield _webhook(client.post(f"{base}/notifications/bank", content=b"{}").status_code, base)
    yield _figures(client.get(f"{base}/metrics").status_code, base)


def _proxies(seen: dict[str, Any], base: str) -> Iterator[Finding]:
    trusted = settings.current().trusted_proxies
    chain = list(seen["forwarded"])
    # Without a proxy in front, or with one that adds to it, what was claimed is still there.
    if chain[:1] == [CLAIMED]:
        chain = chain[1:]
    if seen["address"] == CLAIMED:
        yield fault(
            "Proxies", "The shop believes the address that a client claims to have.",
            f"Set TRUSTED_PROXIES={len(chain)}.",
        )  # fmt: skip
    elif len(chain) != trusted:
        yield fault(
            "Proxies",
            f"{len(chain)} proxies are in front, and TRUSTED_PROXIES is {trusted}: rate limits and "
            "records name the wrong addresses.",
            f"Set TRUSTED_PROXIES={len(chain)}.",
        )
    elif seen["url"].rstrip("/") != base:
        yield fault(
            "Proxies", f"The shop believes to be at {seen['url']}, and not at {base}.",
            "Have the proxy set X-Forwarded-Proto and X-Forwarded-Host, as those in deploy/ do.",
        )  # fmt: skip
    else:
        yield ok("Proxies", f"The {trusted} in front are trusted, and no client is.")


def _webhook(status: int, base: str) -> Finding:
    if status == 403:
        return ok("Webhook", "The bank reaches it, and nobody without the bank's signature does.")
    return fault(
        "Webhook", f"{base}/notifications/bank answers {status} where it should answer 403.",
        "Let the proxy pass /notifications/ to the shop, without any sign-in before it.",
    )  # fmt: skip


def _figures(status: int, base: str) -> Finding:
    if status == 404:
        return ok("Figures", "/metrics is hidden from customers.")
    return fault(
        "Figures", f"{base}/metrics answers {status}: it is not hidden.",
        "Have the proxy answer 404, as those in deploy/ do, and set X-Forwarded-For.",
    )  # fmt: skip
