"""A local server in place of the CDN that pages load htmx from.

The browser resolves its name and speaks TLS with it, as with the real one. No request is
intercepted: interception passes every request through the test and turns the browser's cache off.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.certificates import make_certificate
from tooling import htmx

HOST = "cdn.jsdelivr.net"
PATH = f"/npm/htmx.org@{htmx.VERSION}/dist/htmx.min.js"
ADDRESS = f"https://{HOST}{PATH}"


class _Htmx(BaseHTTPRequestHandler):
    """Serves htmx, which is immutable at its URL, and nothing else."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Send the file."""
        body = htmx.FILE.read_bytes() if self.path == PATH else b""
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/javascript")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Cache-Control", "public, max-age=31536000, immutable")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Do not log requests."""


@contextmanager
def serving(folder: Path) -> Iterator[list[str]]:
    """Serve htmx until the block ends. Provide the Chromium options that resolve its name here.

    Such a browser resolves no other names but those of this machine.
    """
    certificate = make_certificate(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Htmx)
    server.daemon_threads = True
    server.socket = certificate.context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        rules = [
            f"MAP {HOST} 127.0.0.1:{server.server_port}",
            "MAP * ~NOTFOUND",
            "EXCLUDE localhost",
            "EXCLUDE 127.0.0.1",
        ]
        yield [
            f"--host-resolver-rules={', '.join(rules)}",
            f"--ignore-certificate-errors-spki-list={_pin(certificate.path)}",
        ]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _pin(path: Path) -> str:
    """Return the digest of a certificate's public key, by which Chromium pins it."""
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()
