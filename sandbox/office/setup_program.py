"""The program that installs Office on a PC, downloaded by the button « Installer »."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from sandbox.languages import N_, _
from sandbox.office.licences import Product

NAME = "OfficeSetup.cmd"

# The newest version of the Office Deployment Tool, from Microsoft.
DEPLOYMENT_TOOL = "https://officecdn.microsoft.com/pr/wsus/setup.exe"

PROGRAM = """\
@echo off
chcp 65001 >nul
title {product}
setlocal
set "folder=%TEMP%\\OfficeSetup-%RANDOM%%RANDOM%"
mkdir "%folder%"
cd /d "%folder%"
if not %errorlevel%==0 goto failed
{configuration}
echo {getting}
curl.exe --fail --location --silent --show-error --output setup.exe {tool}
if not %errorlevel%==0 goto failed
echo {installing}
setup.exe /configure configuration.xml
if not %errorlevel%==0 goto failed
echo {done}
pause
exit /b 0
:failed
echo {failed}
pause
exit /b 1
"""

MESSAGES = {
    "getting": N_("Microsoft’s setup for %(product)s is being fetched."),
    "installing": N_("The installation begins. Windows asks whether it may change this PC."),
    "done": N_("Office is installed. At its first start, sign in as %(address)s."),
    "failed": N_(
        "Office could not be installed. Check the connection, then start this file again."
    ),
}


def setup_program(product: Product, install_language: str, address: str) -> bytes:
    """Make a Windows script that downloads Microsoft's setup and runs it for this product.

    Its messages are in the page's language; ``install_language`` is Office's, as ``fr-fr``.
    """
    values = {"product": product.name, "address": address}
    messages = {name: _escaped(_(text, **values)) for name, text in MESSAGES.items()}
    lines = deployment_file(product, install_language).decode().splitlines()
    configuration = "\n".join(f">> configuration.xml echo {_escaped(line)}" for line in lines)
    text = PROGRAM.format(
        product=product.name, configuration=configuration, tool=DEPLOYMENT_TOOL, **messages
    )
    return text.replace("\n", "\r\n").encode()


def _escaped(line: str) -> str:
    """Escape a line for ``echo`` in cmd.exe.

    Between quotation marks cmd.exe prints a caret literally, so nothing is escaped there.
    """
    parts = line.replace("%", "%%").split('"')
    for outside in range(0, len(parts), 2):
        parts[outside] = "".join(f"^{c}" if c in "^<>&|()" else c for c in parts[outside])
    return '"'.join(parts)


def deployment_file(product: Product, language: str) -> bytes:
    """Make the configuration of the Office Deployment Tool for a product and a language."""
    root = ET.Element("Configuration")
    add = ET.SubElement(root, "Add", OfficeClientEdition="64", Channel="Current")
    package = ET.SubElement(add, "Product", ID=product.product_id)
    ET.SubElement(package, "Language", ID=language)
    for app in product.excluded:
        ET.SubElement(package, "ExcludeApp", ID=app)
    ET.SubElement(root, "Updates", Enabled="TRUE", Channel="Current")
    ET.SubElement(root, "RemoveMSI")
    ET.SubElement(root, "Display", Level="Full", AcceptEULA="FALSE")
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8")
    return text + b"\n"
