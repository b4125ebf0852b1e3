"""The Office providers of the contract: each the real way, with its people and its outages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

from shop.office.graph import GraphProvider
from shop.office.protocol import OfficeProvider
from shop.office.sandbox import SandboxProvider
from tests.contract.graph_server import (
    CLIENT_ID,
    CLIENT_SECRET,
    TENANT,
    VERSION,
    GraphServer,
    graph_serving,
)
from tests.contract.serving import FaultPlan, Reply
from tests.support.certificates import Certificate
from tests.support.parties import Provider


class OfficeUnderTest(Protocol):
    """A provider, and what happens there besides what the shop asks of it."""

    provider: OfficeProvider

    def can_sign_in(self, address: str, password: str) -> bool:
        """Whether a person gets at Office with this address and password."""

    def fail_next(self) -> None:
        """Answer the next call with a fault, without having done anything."""

    def lose_next(self) -> None:
        """Do what the next call asks and lose the answer."""


@dataclass
class SandboxOfficeUnderTest:
    """The sandbox provider, served as it serves itself, its people with a browser."""

    url: str

    def __post_init__(self) -> None:
        self.provider = SandboxProvider(self.url, "sandbox-provider-key")

    def can_sign_in(self, address: str, password: str) -> bool:
        with httpx.Client(trust_env=False, base_url=self.url, follow_redirects=True) as browser:
            page = browser.get("/portal/sign-in").text
            token = page.split('name="csrf_token" value="')[1].split('"')[0]
            fields = {"address": address, "password": password, "csrf_token": token}
            answer = browser.post("/portal/sign-in", data=fields)
        return answer.status_code == 200 and not answer.url.path.endswith("/sign-in")

    def _switch(self, **values: Any) -> None:
        httpx.post(f"{self.url}/controls/switches", json=values, trust_env=False).raise_for_status()

    def fail_next(self) -> None:
        self._switch(provider_failing_calls=1)

    def lose_next(self) -> None:
        self._switch(provider_lost_answers=1)


@dataclass
class GraphUnderTest:
    """Our adapter of Microsoft Graph, against a directory on this machine."""

    server: GraphServer
    faults: FaultPlan
    certificate: Certificate

    def __post_init__(self) -> None:
        self.provider = self.adapter()

    def adapter(self, **changes: str) -> GraphProvider:
        """The adapter as another process would make it, knowing nothing of earlier ones."""
        options = {
            "tenant_id": TENANT,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "authority": self.faults.url,
            "url": f"{self.faults.url}{VERSION}",
            "ca": str(self.certificate.path),
        }
        return GraphProvider(**options | changes)

    def can_sign_in(self, address: str, password: str) -> bool:
        return self.server.directory.can_sign_in(address, password)

    def fail_next(self) -> None:
        error = {"code": "serviceNotAvailable", "message": "Oh"}
        self.faults.answers.append(Reply(503, {"error": error}))

    def lose_next(self) -> None:
        self.faults.losing += 1


@dataclass
class InProcessOfficeUnderTest:
    """The provider that other tests use, which lives in their own process."""

    provider: Provider = field(default_factory=Provider)

    def can_sign_in(self, address: str, password: str) -> bool:
        return self.provider.can_sign_in(address, password)

    def fail_next(self) -> None:
        self.provider.failing_calls += 1

    def lose_next(self) -> None:
        self.provider.forgetful += 1


@contextmanager
def serve_graph(certificate: Certificate) -> Iterator[GraphUnderTest]:
    """Graph on a free port, with a directory in which nothing is but the reseller's domain."""
    with graph_serving(certificate.context) as (server, faults):
        served = GraphUnderTest(server, faults, certificate)
        # The first token is asked for before the tests count calls.
        served.provider.find_operation("nothing")
        faults.calls.clear()
        yield served
