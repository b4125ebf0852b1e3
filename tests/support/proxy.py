"""nginx as ``deploy/nginx.conf`` has it, on free ports of this machine."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import ROOT
from tests.support import debian, patience
from tests.support.processes import free_port

# What Debian's /etc/nginx/nginx.conf says, for one user and in one folder.
AROUND = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 768; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    default_type application/octet-stream;
    include {folder}/shop.conf;
}}
"""


def nginx_configuration(folder: Path, *, port: int, upstream: int) -> Path:
    """Write the configuration for ``localhost`` and the certificate in ``folder``; its path.

    TLS listens on ``port``; the plain port is any that is free.
    """
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    text = re.sub(r"listen \[::\]:.*;\n", "", text)
    text = text.replace("listen 443", f"listen 127.0.0.1:{port}")
    text = text.replace("listen 80", f"listen 127.0.0.1:{free_port()}")
    text = text.replace("server 127.0.0.1:5000", f"server 127.0.0.1:{upstream}")
    text = text.replace("server_name shop.example", "server_name localhost")
    certificates = "/etc/letsencrypt/live/shop.example"
    text = text.replace(f"{certificates}/fullchain.pem", f"{folder}/certificate.pem")
    text = text.replace(f"{certificates}/privkey.pem", f"{folder}/key.pem")
    (folder / "shop.conf").write_text(text)
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder))
    return folder / "nginx.conf"


@contextmanager
def nginx_runs(folder: Path, *, port: int, upstream: int) -> Iterator[None]:
    """Run nginx with the certificate in ``folder`` until the block ends."""
    configuration = nginx_configuration(folder, port=port, upstream=upstream)
    command = [debian.find_program("nginx", "nginx"), "-p", str(folder), "-c", str(configuration)]
    with subprocess.Popen(command) as process:
        try:
            patience.wait_until((folder / "nginx.pid").exists, lambda: 0)
            yield
        finally:
            process.terminate()
