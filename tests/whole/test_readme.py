"""The README names every setting, and none that is not there."""

from __future__ import annotations

import re

from shop.settings import Seller
from tests import ROOT

READ = re.compile(r'\b(?:text|number|_number)\((?:env, )?"([A-Z0-9_]+)"')


def test_the_readme_lists_all_settings() -> None:
    sources = [ROOT / "shop" / "settings.py", ROOT / "sandbox" / "settings.py"]
    read = {name for source in sources for name in READ.findall(source.read_text())}
    read |= {f"SELLER_{name.upper()}" for name in vars(Seller())}
    table = re.findall(r"^\| (`[^|]*) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    listed = {name for cell in table for name in re.findall(r"`([A-Z0-9_]+)`", cell)}
    assert listed == read
