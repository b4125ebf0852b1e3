"""An order goes through nginx and TLS, as ``deploy/nginx.conf`` has them, on this machine.

The client is a browser's equal in cookies, forms and redirects, and starts in a second.
"""

from __future__ import annotations

import hashlib
import secrets
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from itsdangerous import URLSafeTimedSerializer
from lxml import html

from e2e import live
from shop.operations.doctor import probe
from tests.support import patience
from tests.support.certificates import make_certificate
from tests.support.processes import free_port
from tests.support.proxy import nginx_runs
from tooling.serving import serving

pytestmark = pytest.mark.waits

SECRETS = (
    "SECRET_KEY", "SANDBOX_BANK_KEY", "SANDBOX_PROVIDER_KEY", "SANDBOX_NOTIFICATION_SECRET",
)  # fmt: skip


@dataclass(frozen=True)
class Site:
    """A shop behind nginx: its address with TLS, its port without, and whom to trust."""

    url: str
    upstream: int
    shop: live.LiveShop
    trusted: ssl.SSLContext
    secret: str

    def client(self) -> httpx.Client:
        return httpx.Client(
            base_url=self.url, verify=self.trusted, follow_redirects=True, timeout=60
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    certificate = make_certificate(folder)
    port, upstream, sandbox = free_port(), free_port(), free_port()
    url = f"https://localhost:{port}"
    variables = live.ENVIRONMENT | {
        "PORT": str(upstream),
        "SANDBOX_PORT": str(sandbox),
        "PUBLIC_URL": url,
        "TRUSTED_PROXIES": "1",
        "DATABASE_URL": f"sqlite:///{folder}/shop.db",
        "SANDBOX_DATABASE": str(folder / "sandbox.db"),
        # The bank's notifications come through the proxy, too.
        "SSL_CERT_FILE": str(certificate.path),
        **{name: secrets.token_hex(32) for name in SECRETS},
    }
    shop = live.LiveShop(url, f"http://127.0.0.1:{sandbox}", folder / "serve.log")
    trusted = ssl.create_default_context(cafile=str(certificate.path))
    with (
        nginx_runs(folder, port=port, upstream=upstream),
        serving(variables, shop.log),
    ):
        yield Site(url, upstream, shop, trusted, variables["SECRET_KEY"])


class Visitor:
    """Reads pages and sends their forms; stays on the page that came last."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self.answer = client.get("/fr/")

    def open(self, address: str) -> None:
        self.answer = self._client.get(address)
        assert self.answer.is_success, self.answer.status_code

    def press(self, button: str) -> None:
        """Send the form of a button as it is."""
        self._send(next(form for form in self.page.forms if button in form.text_content()))

    def submit(self, **values: str) -> None:
        """Fill in and send the form that has fields of these names."""
        self._send(
            next(form for form in self.page.forms if set(values) <= set(form.fields)), values
        )

    def _send(self, form: Any, values: Mapping[str, str] = MappingProxyType({})) -> None:
        form.fields.update(values)
        sent = {name: value for name, value in form.form_values() if value is not None}
        # The bank is another site: its page sends its own Referer.
        headers = {"Referer": str(self.answer.url)}
        how = {"data": sent} if form.method == "POST" else {"params": sent}
        self.answer = self._client.request(form.method, form.action, headers=headers, **how)
        assert self.answer.is_success, f"{self.answer.status_code} {self.answer.url}"

    @property
    def page(self) -> html.HtmlElement:
        document = html.document_fromstring(self.answer.content, base_url=str(self.answer.url))
        document.make_links_absolute()
        return document

    @property
    def text(self) -> str:
        return " ".join(self.page.text_content().split())


def test_an_order_goes_through_the_proxy_and_tls(site: Site) -> None:
    customer = site.shop.new_customer("fr")
    with site.client() as client:
        visitor = Visitor(client)
        visitor.open("/login")
        visitor.submit(nic_handle=customer.nic_handle, password=customer.password)
        visitor.open("/fr/order")
        visitor.submit(business="2")
        visitor.open(str(visitor.answer.url).replace("/order/summary", "/order/contracts"))
        visitor.submit(accepted="yes")
        order = str(visitor.answer.url)
        assert order.startswith(f"{site.url}/fr/order/")
        visitor.submit(renewals="self")
        assert str(visitor.answer.url).startswith(site.shop.sandbox_url)
        visitor.submit(number="4242 4242 4242 4242", expiry="12/40", code="123")
        assert str(visitor.answer.url).startswith(order)

        def is_delivered() -> bool:
            visitor.open(order)
            return "Finalisée" in visitor.text

        patience.wait_until(is_delivered, lambda: 0)
        assert all(cookie.secure for cookie in client.cookies.jar if cookie.domain == "localhost")


def test_answers_of_the_proxy_itself_carry_the_headers(site: Site) -> None:
    with site.client() as client:
        for path, policy in (("/metrics", "default-src 'none'; base-uri 'none'"), ("/fr/", "")):
            headers = client.get(path).headers
            hsts = headers.get_list("Strict-Transport-Security")
            assert hsts == ["max-age=31536000; includeSubDomains"], path
            assert headers.get_list("X-Content-Type-Options") == ["nosniff"]
            (found,) = headers.get_list("Content-Security-Policy")
            assert "frame-ancestors 'none'" in found
            assert found.startswith(policy)


def test_figures_do_not_pass_the_proxy(site: Site) -> None:
    with site.client() as client:
        for path in ("/metrics", "//metrics", "/%6detrics", "/./metrics", "/x/../metrics"):
            assert client.get(httpx.URL(site.url + path)).status_code == 404
    own = httpx.get(f"http://127.0.0.1:{site.upstream}/metrics")
    assert own.status_code == 200
    assert "shop_jobs" in own.text


@pytest.mark.parametrize(
    "claimed",
    [
        {"X-Forwarded-For": "203.0.113.9"},
        {"X-Forwarded-Host": "evil.example"},
        {"X-Forwarded-Proto": "http"},
        {"X-Forwarded-Port": "4711"},
        {"X-Forwarded-Prefix": "/elsewhere"},
        {"Forwarded": "for=203.0.113.9;host=evil.example;proto=http"},
    ],
)
def test_what_a_client_claims_of_itself_changes_nothing(
    site: Site, claimed: dict[str, str]
) -> None:
    by_sha256 = {"digest_method": hashlib.sha256}
    asked = URLSafeTimedSerializer(site.secret, salt="doctor", signer_kwargs=by_sha256).dumps("hi")
    with site.client() as client:
        answer = client.post(probe.PATH, content=asked, headers=claimed)
    assert answer.status_code == 200
    assert answer.json() == {
        "address": "127.0.0.1", "url": f"{site.url}/", "forwarded": ["127.0.0.1"],
    }  # fmt: skip


def test_other_names_are_refused_before_the_shop(site: Site) -> None:
    untrusting = ssl._create_unverified_context()
    address = ("127.0.0.1", httpx.URL(site.url).port)
    with socket.create_connection(address) as plain, pytest.raises(ssl.SSLError):
        untrusting.wrap_socket(plain, server_hostname="evil.example")


def test_a_slow_body_is_kept_by_the_proxy(site: Site) -> None:
    """Thirty half-sent requests keep nobody from a page."""
    address = ("localhost", httpx.URL(site.url).port)
    head = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nnic_"
    opened = []
    for _ in range(30):
        slow = site.trusted.wrap_socket(
            socket.create_connection(address), server_hostname=address[0]
        )
        slow.sendall(head)
        opened.append(slow)
    with site.client() as client:
        assert client.get("/fr/order").elapsed.total_seconds() < 5
    for slow in opened:
        slow.close()
