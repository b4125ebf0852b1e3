"""The Office providers of the contract tests, each with simulated users and faults."""

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
    """A provider, and what a test can make its users and its server do."""

    provider: OfficeProvider

    def can_sign_in(self, address: str, password: str) -> bool:
        """Say whether a user can sign in to Office with this address and password."""

    def fail_next(self) -> None:
        """Make the next call fail before it takes effect."""

    def lose_next(self) -> None:
        """Make the next call take effect and lose its response."""


@dataclass
class SandboxOfficeUnderTest:
    """The sandbox provider over HTTP; its users sign in at the portal."""

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
    """The adapter of Microsoft Graph, against a local directory."""

    server: GraphServer
    faults: FaultPlan
    certificate: Certificate

    def __post_init__(self) -> None:
        self.provider = self.adapter()

    def adapter(self, **changes: str) -> GraphProvider:
        """Make a new adapter without cached state, as another process would."""
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
    """The in-process provider that other tests use."""

    provider: Provider = field(default_factory=Provider)

    def can_sign_in(self, address: str, password: str) -> bool:
        return self.provider.can_sign_in(address, password)

    def fail_next(self) -> None:
        self.provider.failing_calls += 1

    def lose_next(self) -> None:
        self.provider.forgetful += 1


@contextmanager
def serve_graph(certificate: Certificate) -> Iterator[GraphUnderTest]:
    """Serve Graph on a free port; its directory holds only the reseller's domain."""
    with graph_serving(certificate.context) as (server, faults):
        served = GraphUnderTest(server, faults, certificate)
        # Get the first token before the tests count calls.
        served.provider.find_operation("nothing")
        faults.calls.clear()
        yield served
